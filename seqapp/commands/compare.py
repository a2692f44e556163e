"""seqapp compare: several models on one dataset, over several seeds and gaps, in one table."""

from __future__ import annotations

import sys
from typing import Any

import click

from seqapp.errors import BadInput

MODELS = "What to compare; an entry may bring options of its own."
GAPS = "And at each of these --gap; {gap} in an option's value stands for it."
CSV = "A row for each run as CSV on stdout. With FILE: the dataset's own option."


@click.command("compare", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("dataset")
@click.option("--models", default="simple_rnn,lstm,gru", show_default=True, metavar="'NAME [OPTIONS],…'", help=MODELS)
@click.option("--seeds", default="0", show_default=True, metavar="N,…", help="Each model is trained with each of them.")
@click.option("--gaps", metavar="N,…", help=GAPS)
@click.option("--out", metavar="DIR", help="Folder of the runs; goes on there.  [default: runs/compare-DATASET]")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--csv", "files", is_flag=False, flag_value="", multiple=True, metavar="[FILE]", help=CSV)
@click.option("--markdown", is_flag=True, help="A table for GitHub on stdout.")
@click.pass_context
def command(
    context: click.Context, /, dataset: str, models: str, seeds: str, gaps: str | None, out: str | None, **forms: Any
) -> None:
    """Train several models on DATASET, each with several seeds, and say which is better.

    All further options are those of `seqapp train DATASET`.
    """
    from seqapp import rooms
    from seqapp.api.compare import Comparison
    from seqapp.api.entries import Entry
    from seqapp.commands._train import parse
    from seqapp.evaluation.comparison_table import show

    form = _form(**forms)
    for option in ("--model", "--seed", "--resume"):
        if option in [word.partition("=")[0] for word in context.args]:
            raise BadInput(f"{option}: compare takes --models and --seeds, and uses the runs that are there.")
    options = [*context.args, *(word for file in forms["files"] if file for word in ("--csv", file))]
    if not (entries := [Entry.parse(entry) for entry in _listed(models)]):
        raise BadInput(f"--models: expected names with commas between them, got '{models}'.")
    tried = _numbers(seeds, "--seeds", "0,1,2"), [] if gaps is None else sorted(_numbers(gaps, "--gaps", "50,200,500"))
    comparison = Comparison(rooms.find("datasets", dataset), entries, *tried, out, options, parse)
    comparison.check()
    show(comparison.run(), form, terminal=sys.stdout.isatty())


def _form(as_json: bool, files: tuple[str, ...], markdown: bool) -> str | None:
    asked = [form for form, given in (("json", as_json), ("csv", "" in files), ("markdown", markdown)) if given]
    if len(asked) > 1:
        raise BadInput(f"--{' and --'.join(asked)}: give one of them.")
    return asked[0] if asked else None


def _listed(text: str) -> list[str]:
    return list(dict.fromkeys(" ".join(entry.split()) for entry in text.split(",") if entry.strip()))


def _numbers(text: str, option: str, example: str) -> list[int]:
    found = _listed(text)
    if not found or not all(number.isdecimal() for number in found):
        raise BadInput(f"{option}: expected numbers such as {example}, got '{text}'.")
    return list(dict.fromkeys(map(int, found)))
