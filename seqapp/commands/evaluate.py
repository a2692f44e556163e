"""seqapp evaluate: the test split, the model beside its baselines, and a verdict in words."""

from __future__ import annotations

from typing import Any

import click

from seqapp.errors import BadInput
from seqapp.evaluation.table import as_text
from seqapp.runs.run import Run, open_for_use
from seqapp.system.tensorflow import start_tensorflow
from seqapp.system.text import json_line, json_text


@click.command("evaluate")
@click.argument("run")
@click.option("--file", "other", metavar="FILE|-", type=click.Path(), help="Evaluate on all of this data instead.")
@click.option("--per-line", is_flag=True, help="Score each line of --file separately, as JSON lines.")
@click.option("--origins", type=click.IntRange(min=1), help="Backtest: forecast from N rows of the test split.")
@click.option("--stride", type=click.IntRange(min=1), help="Number of rows from one of them to the next.  [default: 1]")
@click.option("--refit", is_flag=True, help="Train again before each of them, on what was known there.")
@click.option("--plot", is_flag=True, help="Write figures, PNG and SVG, to RUN/report.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, as in metrics.json.")
def command(run: str, other: str | None, per_line: bool, plot: bool, as_json: bool, **rolling: Any) -> None:
    """Evaluate RUN on its test split beside its baselines."""
    if per_line and not other:
        raise BadInput("--per-line: name the lines to score with --file.")
    if not rolling["origins"] and (rolling["stride"] or rolling["refit"]):
        raise BadInput("--stride and --refit need --origins N, the number of rows to forecast from.")
    if ((rolling["origins"] or plot) and other) or (rolling["origins"] and plot):
        raise BadInput("--file, --origins and --plot: give one of them.")
    opened = open_for_use(run)
    start_tensorflow()
    if per_line:
        from seqapp.api.score_lines import score_lines

        for row in score_lines(opened, str(other)):
            click.echo(json_line(row))
        return
    document = _backtest(opened, **rolling) if rolling["origins"] else _evaluate(opened, other, plot)
    click.echo(json_text(document).rstrip() if as_json else as_text(document))


def _evaluate(run: Run, other: str | None, plot: bool) -> dict[str, Any]:
    from seqapp.api.evaluate import evaluate

    return evaluate(run, other, plot).document


def _backtest(run: Run, origins: int, stride: int | None, refit: bool) -> dict[str, Any]:
    from seqapp.api.backtest import backtest
    from seqapp.training.progress import Progress

    with Progress() as progress:
        return backtest(run, origins, stride or 1, refit, progress)
