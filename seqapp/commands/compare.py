"""seqapp compare: several models on one dataset, over several seeds and gaps, in one table."""

from __future__ import annotations

import sys
from typing import Any

import click

from seqapp import rooms
from seqapp.errors import BadInput

MODELS_HELP = "Models to compare; an entry may have options of its own."
GAPS_HELP = "Train at each value of --gap; {gap} in an option's value stands for it."
CSV_HELP = "A row for each run as CSV on stdout. With FILE: the dataset's own option."


@click.command("compare", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("dataset")
@click.option(
    "--models",
    default=",".join(rooms.compared_models()),
    show_default=True,
    metavar="'NAME [OPTIONS],…'",
    help=MODELS_HELP,
)
@click.option("--seeds", default="0", show_default=True, metavar="N,…", help="Seeds; each model is trained with each.")
@click.option("--gaps", metavar="N,…", help=GAPS_HELP)
@click.option(
    "--out", metavar="DIR", help="Folder of the runs; existing ones are used.  [default: runs/compare-DATASET]"
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--csv", "files", is_flag=False, flag_value="", multiple=True, metavar="[FILE]", help=CSV_HELP)
@click.option("--markdown", is_flag=True, help="A table for GitHub on stdout.")
@click.pass_context
def command(
    context: click.Context, /, dataset: str, models: str, seeds: str, gaps: str | None, out: str | None, **forms: Any
) -> None:
    """Train several models on DATASET, each with several seeds, and tell which is better.

    All further options are those of `seqapp train DATASET`.
    """
    from seqapp.api.compare import Comparison
    from seqapp.api.entries import Entry
    from seqapp.commands._train import parse
    from seqapp.evaluation.comparison_table import show

    form = _form(**forms)
    for option in ("--model", "--seed", "--resume"):
        if option in [word.partition("=")[0] for word in context.args]:
            raise BadInput(f"{option}: compare takes --models and --seeds, and uses existing runs.")
    options = [*context.args, *(word for file in forms["files"] if file for word in ("--csv", file))]
    if not (entries := [Entry.parse(entry) for entry in _split(models)]):
        raise BadInput(f"--models: expected names with commas between them, got '{models}'.")
    seeds_and_gaps = (
        _numbers(seeds, "--seeds", "0,1,2"),
        [] if gaps is None else sorted(_numbers(gaps, "--gaps", "50,200,500")),
    )
    comparison = Comparison(rooms.find("datasets", dataset), entries, *seeds_and_gaps, out, options, parse)
    comparison.check()
    show(comparison.run(), form, terminal=sys.stdout.isatty())


def _form(as_json: bool, files: tuple[str, ...], markdown: bool) -> str | None:
    requested = [name for name, value in (("json", as_json), ("csv", "" in files), ("markdown", markdown)) if value]
    if len(requested) > 1:
        raise BadInput(f"--{' and --'.join(requested)}: give one of them.")
    return requested[0] if requested else None


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(" ".join(entry.split()) for entry in text.split(",") if entry.strip()))


def _numbers(text: str, option: str, example: str) -> list[int]:
    numbers = _split(text)
    if not numbers or not all(number.isdecimal() for number in numbers):
        raise BadInput(f"{option}: expected numbers such as {example}, got '{text}'.")
    return list(dict.fromkeys(map(int, numbers)))
