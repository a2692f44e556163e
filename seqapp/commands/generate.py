"""seqapp generate: goes on from its own predictions."""

from __future__ import annotations

import json

import click

from seqapp.quiet import start_tensorflow
from seqapp.runs import open_run


@click.command("generate")
@click.argument("run")
@click.option("--steps", default=20, show_default=True, type=click.IntRange(min=1), help="How many items to make.")
@click.option("--prompt", metavar="FILE|-|INPUT", help="What to go on from.  [default: the end of the run's own data]")
@click.option(
    "--temperature",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="0 always takes the likeliest; above 1 is bolder than the model.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Fixes the draws.")
@click.option("--json", "as_json", is_flag=True, help='{"items": [...], "text": "..."} on stdout.')
def command(run: str, steps: int, prompt: str | None, temperature: float, seed: int, as_json: bool) -> None:
    """Go on from RUN's own predictions: text, numbers, dinners."""
    opened = open_run(run)
    start_tensorflow()
    from seqapp.asking import question
    from seqapp.signatures import functions

    task = opened.task()
    raw = question(opened, task, prompt)
    made = task.generate(functions(task, opened.load_network(task)), raw, steps, temperature, seed)
    if as_json:
        named = {"dataset": opened.dataset, "model": opened.model, "run": run, "items": made.items, "text": made.text}
        click.echo(json.dumps(named, ensure_ascii=False))
    else:
        click.echo(made.text)
