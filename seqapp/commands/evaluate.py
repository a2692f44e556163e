"""seqapp evaluate: the test split, the model beside its baselines, and a verdict in words."""

from __future__ import annotations

from typing import Any

import click

from seqapp.errors import BadInput
from seqapp.files import as_text, json_line
from seqapp.quiet import start_tensorflow
from seqapp.runs import open_for_use


@click.command("evaluate")
@click.argument("run")
@click.option("--file", "other", metavar="FILE|-", type=click.Path(), help="Measure on this data, whole, instead.")
@click.option("--per-line", is_flag=True, help="Score each line of --file by itself, as JSON lines.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, as in metrics.json.")
def command(run: str, other: str | None, per_line: bool, as_json: bool) -> None:
    """Measure RUN on its test split beside its baselines."""
    opened = open_for_use(run)
    if per_line and not other:
        raise BadInput("--per-line: name the lines to score with --file.")
    start_tensorflow()
    from seqapp.evaluation import by_line, evaluate

    if per_line:
        for row in by_line(opened, str(other)):
            click.echo(json_line(row))
        return
    document = evaluate(opened, other)
    click.echo(as_text(document).rstrip() if as_json else _for_a_person(document))


def _for_a_person(document: dict[str, Any]) -> str:
    import pandas as pd

    rows = pd.DataFrame.from_dict({document["model"]: document["metrics"]} | document["baselines"], orient="index")
    table = rows.T.to_string(float_format=lambda value: f"{value:.4g}", na_rep="–")
    test = document["split"].get("test", {})
    which = f"rows {test['rows'][0]}–{test['rows'][1]}" if "rows" in test else str(test)
    which = f"{test['series']} series, {test['values']} rows" if "series" in test else which
    dates = f", {test['first']} to {test['last']}" if "first" in test else ""
    named = test.get("source", "test split")
    title = f"{document['dataset']} with {document['model']}, {named}: {which}{dates}"
    verdict = document["verdict"].replace(". ", ".\n")
    return f"{title}\n\n{table}\n\n{verdict}"
