"""What the views share: their options, and the forms in which they show what they found."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from seqapp.errors import BadInput
from seqapp.runs.run import Run
from seqapp.system.text import json_text, with_null

TO = click.option(
    "--to", metavar="FILE", type=click.Path(), help="Draw FILE.png and FILE.svg.  [default: in RUN/report]"
)
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
CSV = click.option("--csv", "as_csv", is_flag=True, help="Rows on stdout.")


def check_form(as_json: bool, as_csv: bool) -> None:
    """Refuse to show two things at once on stdout."""
    if as_json and as_csv:
        raise BadInput("--json and --csv: give one of them.")


def show_json(document: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json_text(document), nl=False)


def show_csv(rows: Sequence[dict[str, Any]]) -> None:
    """Rows of the same columns on stdout, a number that is not finite as an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(with_null(list(rows)))
    click.echo(text.getvalue().encode("utf-8", "backslashreplace"), nl=False)


def draw(run: Run, view: str, to: str | None, on: Callable[[Any], None], size: tuple[float, float] = (8, 4.5)) -> None:
    """Write a view's picture and say where, on stderr.

    Args:
        run: the run that is looked at.
        view: names the files.
        to: where the files go, without the ending; None: into the run's report folder. A folder takes the view's name.
        on: draws on matplotlib's Figure.
        size: of the picture, width and height in inches.
    """
    from seqapp.evaluation.figures import save_figure

    base = Path(to) if to else run.folder / "report" / view
    for file in save_figure(base / view if base.is_dir() else base, on, size):
        click.echo(f"drawn: {file}", err=True)
