"""seqapp generate: a continuation from a model's own predictions."""

from __future__ import annotations

from typing import Any

import click

from seqapp.errors import BadInput
from seqapp.runs.run import open_for_use
from seqapp.system.tensorflow import start_tensorflow


@click.command("generate")
@click.argument("run")
@click.option("--steps", default=20, show_default=True, type=click.IntRange(min=1), help="Number of items to generate.")
@click.option("--prompt", metavar="FILE|-|INPUT", help="What to continue.  [default: the end of the run's own data]")
@click.option("--prompt-file", metavar="FILE", type=click.Path(), help="The same, always a file.")
@click.option(
    "--temperature",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="0: always the most probable item; above 1: flatter probabilities.",
)
@click.option("--top-k", default=0, type=click.IntRange(min=0), help="Sample from the K most probable tokens.")
@click.option(
    "--top-p",
    default=1.0,
    type=click.FloatRange(0, 1, min_open=True),
    help="Sample from the most probable tokens, up to this cumulative probability.",
)
@click.option("--stop", default="", metavar="TEXT", help="Stop before this text.")
@click.option("--samples", default=1, show_default=True, type=click.IntRange(min=1), help="Number of samples.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Random seed of the samples."
)
@click.option("--json", "as_json", is_flag=True, help='{"items": [...], "text": "..."}, or "samples" of these.')
def command(run: str, prompt: str | None, prompt_file: str | None, as_json: bool, **request: Any) -> None:
    """Continue from RUN's own predictions: text, numbers, categories. Shown as it is generated, also after Ctrl-C."""
    if prompt is not None and prompt_file is not None:
        raise BadInput("--prompt and --prompt-file: give one of them.")
    opened = open_for_use(run)
    start_tensorflow()
    from seqapp.commands._output import stream, write_json
    from seqapp.contract import Request
    from seqapp.runs.questions import question

    task = opened.task()
    raw = question(opened, task, prompt if prompt_file is None else prompt_file, file_only=prompt_file is not None)
    if (count := len(next(iter(raw.values())))) > 1:
        raise BadInput(f"--prompt: expected one series to continue, got {count}.")
    pieces = task.generate(opened.load_network(task), raw, Request(**request))
    if as_json:
        write_json(pieces, request["samples"], {"dataset": opened.dataset, "model": opened.model, "run": run})
    else:
        stream(pieces, request["samples"])
