"""seqapp generate: goes on from its own predictions."""

from __future__ import annotations

from typing import Any

import click

from seqapp.errors import BadInput
from seqapp.runs.run import open_for_use
from seqapp.system.tensorflow import start_tensorflow


@click.command("generate")
@click.argument("run")
@click.option("--steps", default=20, show_default=True, type=click.IntRange(min=1), help="How many items to make.")
@click.option("--prompt", metavar="FILE|-|INPUT", help="What to go on from.  [default: the end of the run's own data]")
@click.option("--prompt-file", metavar="FILE", type=click.Path(), help="The same, certainly a file.")
@click.option(
    "--temperature",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="0 always takes the likeliest; above 1 is bolder than the model.",
)
@click.option("--top-k", default=0, type=click.IntRange(min=0), help="Choose among the K likeliest tokens.")
@click.option(
    "--top-p",
    default=1.0,
    type=click.FloatRange(0, 1, min_open=True),
    help="Choose among the likeliest tokens that have this probability together.",
)
@click.option("--stop", default="", metavar="TEXT", help="End before this comes up.")
@click.option("--samples", default=1, show_default=True, type=click.IntRange(min=1), help="How many to make.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Fixes the draws.")
@click.option("--json", "as_json", is_flag=True, help='{"items": [...], "text": "..."}, or "samples" of these.')
def command(run: str, prompt: str | None, prompt_file: str | None, as_json: bool, **asked: Any) -> None:
    """Go on from RUN's own predictions: text, numbers, dinners. Shown as it is made; Ctrl-C keeps what there is."""
    if prompt is not None and prompt_file is not None:
        raise BadInput("--prompt and --prompt-file: give one of them.")
    opened = open_for_use(run)
    start_tensorflow()
    from seqapp.commands._output import question, show
    from seqapp.contract.request import Request

    task = opened.task()
    raw = question(opened, task, prompt if prompt_file is None else prompt_file, file_only=prompt_file is not None)
    if (count := len(next(iter(raw.values())))) > 1:
        raise BadInput(f"--prompt: expected one series to go on from, got {count}.")
    pieces = task.generate(opened.load_network(task), raw, Request(**asked))
    named = {"dataset": opened.dataset, "model": opened.model, "run": run}
    show(pieces, asked["samples"], named if as_json else None)
