"""seqapp predict: the answer to a question, from the same function that the SavedModel has."""

from __future__ import annotations

import click

from seqapp.runs.run import open_for_use
from seqapp.system.tensorflow import start_tensorflow
from seqapp.system.text import json_line


@click.command("predict")
@click.argument("run")
@click.argument("source", required=False, metavar="[FILE|-|INPUT]")
@click.option("--json", "as_json", is_flag=True, help='{"predictions": [...]}, one row for each answer, on stdout.')
def command(run: str, source: str | None, as_json: bool) -> None:
    """Predict what comes next, with probabilities or an interval.

    Reads a FILE, standard input (-), or the INPUT itself if it is short (a text, a few terms); without any of them,
    predicts what follows the last row of the run's own data.
    """
    opened = open_for_use(run)
    start_tensorflow()
    from seqapp.commands._output import rows
    from seqapp.runs.questions import question
    from seqapp.saved_model.functions import functions

    task = opened.task()
    raw = question(opened, task, source)
    inputs = {name: raw.pop(name) for name in task.signature()}
    answer = functions(task, opened.load_network(task), "serving_default")["serving_default"](**inputs) | raw
    if as_json:
        head = {"dataset": opened.dataset, "model": opened.model, "run": run}
        click.echo(json_line(head | {"predictions": rows(answer)}))
    else:
        click.echo("\n".join(task.describe(row) for row in rows(answer)))
