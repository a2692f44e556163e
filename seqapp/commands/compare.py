"""seqapp compare: several models on one dataset, over several seeds, in one table."""

from __future__ import annotations

import click

from seqapp.errors import BadInput
from seqapp.files import as_text


@click.command("compare", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("dataset")
@click.option("--models", default="simple_rnn,lstm,gru", show_default=True, metavar="NAME,…", help="What to compare.")
@click.option("--seeds", default="0", show_default=True, metavar="N,…", help="Each model is trained with each of them.")
@click.option(
    "--out", metavar="DIR", help="Folder of the runs; what is there is used.  [default: runs/compare-DATASET]"
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def command(context: click.Context, dataset: str, models: str, seeds: str, out: str | None, as_json: bool) -> None:
    """Train several models on DATASET, each with several seeds, and say which is better.

    All further options are those of `seqapp train DATASET`.
    """
    from seqapp.comparison import Comparison, for_a_person

    for option in ("--model", "--seed", "--resume"):
        if option in context.args:
            raise BadInput(f"{option}: compare takes --models and --seeds, and uses the runs that are there.")
    comparison = Comparison(dataset, _listed(models, "--models"), _seeds(seeds), out, context.args)
    comparison.check()
    document = comparison.run()
    click.echo(as_text(document).rstrip() if as_json else for_a_person(document))


def _listed(names: str, option: str) -> list[str]:
    found = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not found:
        raise BadInput(f"{option}: expected names with commas between them, got '{names}'.")
    return found


def _seeds(seeds: str) -> list[int]:
    found = _listed(seeds, "--seeds")
    if not all(seed.isdigit() for seed in found):
        raise BadInput(f"--seeds: expected numbers such as 0,1,2, got '{seeds}'.")
    return [int(seed) for seed in found]
