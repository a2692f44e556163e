"""The table of a comparison, as text, CSV, Markdown, JSON or on a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from seqapp.evaluation.ranking import at_gap, quality_columns
from seqapp.system.text import json_text

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Table:
    """What a person sees: texts by row and column, `models` rows before those of the baselines; which are best."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    models: int
    best: set[tuple[int, int]]
    verdict: str


def table(document: dict[str, Any]) -> Table:
    """A row for each model, best first, and for each baseline."""
    models, baselines = document["models"], document["baselines"]
    qualities = quality_columns(document["judged_by"], document.get("gaps", []))
    longest, rows, best = "longest_gap" in models[0], [], set()
    for model in models:
        cells = [_cell(**at_gap(gap, model["metrics"])[name]) for _, name, gap in qualities]
        reached = [str(model["longest_gap"] or "none")] if longest else []
        rows.append([model["model"], f"{model['parameters']:,}", f"{model['seconds']:.0f}", *cells, *reached])
    for baseline in at_gap(qualities[0][2], baselines):
        cells = [_cell(at_gap(gap, baselines)[baseline].get(name)) for _, name, gap in qualities]
        rows.append([baseline, "", "", *cells, *[""] * longest])
    for column, (_, name, gap) in enumerate(qualities, start=3):
        means = [at_gap(gap, model["metrics"])[name]["mean"] for model in models]
        top = max(means) if document["higher_is_better"][name] else min(means)
        best |= {(row, column) for row, mean in enumerate(means) if mean == top}
    columns = ["model", "parameters", "seconds", *(heading for heading, _, _ in qualities), *["longest gap"] * longest]
    return Table(_title(document), columns, rows, len(models), best, document["verdict"].replace(". ", ".\n"))


def _cell(mean: float | None, deviation: float | None = None, values: Sequence[float] = ()) -> str:
    return "" if mean is None else f"{mean:.4g}" + ("" if deviation is None else f" ± {deviation:.2g}")


def _title(document: dict[str, Any]) -> str:
    seeds = list(dict.fromkeys(run["seed"] for run in document["runs"]))
    of = f", {document['judged_by'][0]}" if "gaps" in document else ""
    over = f"mean ± deviation over {len(seeds)} seeds" if seeds[1:] else f"seed {seeds[0]}"
    return f"{document['dataset']}, test split{of}, {over}"


def show(document: dict[str, Any], form: str | None, terminal: bool) -> None:
    """Print it on stdout: as "json", "csv" or "markdown"; without a form for a person."""
    if form is None and terminal:
        from rich.console import Console

        on_terminal(document, Console())
    else:
        renderer = {"json": json_text, "csv": as_csv, "markdown": as_markdown, None: as_plain}[form]
        click.echo(renderer(document).rstrip())


def as_csv(document: dict[str, Any]) -> str:
    """A row for each run."""
    about, names = ("model", "seed", "gap", "parameters", "seconds"), document["judged_by"]
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([*about, *names, "solved"])
    for run in document["runs"]:
        writer.writerow([*map(run.get, about), *(run["metrics"][name] for name in names), run.get("solved")])
    return lines.getvalue()


def as_markdown(document: dict[str, Any]) -> str:
    """A GitHub table and the verdict."""
    content = table(document)
    rows = [content.columns, ["---", *["---:"] * (len(content.columns) - 1)], *content.rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([content.title, "", *lines, "", content.verdict])


def as_plain(document: dict[str, Any]) -> str:
    """Columns of plain text and the verdict."""
    content = table(document)
    columns = list(zip(content.columns, *content.rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    aligned = [[cell.rjust(width) for cell in column] for column, width in zip(columns, widths, strict=True)]
    aligned[0] = [cell.ljust(widths[0]) for cell in columns[0]]
    lines = ["  ".join(row).rstrip() for row in zip(*aligned, strict=True)]
    return "\n".join([content.title, "", *lines, "", content.verdict])


def on_terminal(document: dict[str, Any], console: Console) -> None:
    """The same with lines, the best values bold."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid
    from rich.text import Text

    content, grid = table(document), Grid(box=SIMPLE_HEAD)
    for place, column in enumerate(content.columns):
        grid.add_column(column, justify="right" if place else "left", overflow="fold", no_wrap=bool(place))
    for row, cells in enumerate(content.rows):
        styled = [Text(cell, "bold" if (row, column) in content.best else "") for column, cell in enumerate(cells)]
        grid.add_row(*styled, end_section=row == content.models - 1)
    for part in (Text(content.title), grid, Text(content.verdict)):
        console.print(part, highlight=False)
