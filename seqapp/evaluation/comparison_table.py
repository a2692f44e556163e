"""What a comparison found: its models best first, which of them is surely better, and the table in every form."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from seqapp.contract import HIGHER_IS_BETTER
from seqapp.evaluation.verdict import SIGNIFICANT, listed
from seqapp.system.text import json_text

if TYPE_CHECKING:
    from rich.console import Console


def summaries(runs: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Each model over its seeds, best first: by the longest gap where that is known, then by the metric `name`."""

    def rank(model: dict[str, Any]) -> tuple[float, float]:
        each = model["metrics"].values() if "gap" in runs[0] else [model["metrics"]]
        mean = statistics.fmean(metrics[name]["mean"] for metrics in each)
        worse = math.inf if math.isnan(mean) else -mean if name in HIGHER_IS_BETTER else mean
        return -(model.get("longest_gap") or 0), worse

    models = dict.fromkeys(run["model"] for run in runs)
    return sorted((_summary([run for run in runs if run["model"] == model]) for model in models), key=rank)


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One model: its most parameters, mean seconds, and metrics over seeds; these by gap where there are any."""
    gaps: dict[int | None, list[dict[str, Any]]] = {}
    for run in runs:
        gaps.setdefault(run.get("gap"), []).append(run)
    found = {
        "model": runs[0]["model"],
        "parameters": max(run["parameters"] for run in runs),
        "seconds": statistics.fmean(run["seconds"] for run in runs),
        "metrics": _by_gap({gap: {name: _spread(at, name) for name in at[0]["metrics"]} for gap, at in gaps.items()}),
    }
    if None not in gaps and all("solved" in run for run in runs):
        found["longest_gap"] = longest_gap({gap or 0: [run["solved"] for run in at] for gap, at in gaps.items()})
    return found


def _spread(runs: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """A metric's mean over the runs, its standard deviation (None of one run), and its values."""
    values = [float(run["metrics"][name]) for run in runs]
    with np.errstate(invalid="ignore"):  # an infinite loss has no deviation
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "deviation": deviation, "values": values}


def longest_gap(solved: Mapping[int, Sequence[bool]]) -> int | None:
    """The longest gap that every seed solved, and all shorter ones too; None: not even the shortest.

    Example: {50: [True, True], 200: [True, False], 500: [True, True]} -> 50
    """
    longest = None
    for gap in sorted(solved):
        if not all(solved[gap]):
            break
        longest = gap
    return longest


def averaged(measured: list[tuple[int | None, dict[str, dict[str, float]]]]) -> dict[str, Any]:
    """The mean of each baseline's metrics over the runs beside which they were measured; by gap where there are any."""
    found: dict[int | None, dict[str, Any]] = {}
    for gap in dict.fromkeys(gap for gap, _ in measured):
        at = [baselines for its, baselines in measured if its == gap]
        found[gap] = {
            baseline: {name: statistics.fmean(each[baseline][name] for each in at) for name in metrics}
            for baseline, metrics in at[0].items()
        }
    return _by_gap(found)


def _by_gap(found: dict[int | None, dict[str, Any]]) -> dict[str, Any]:
    """With gaps as JSON names them; without gaps, what was found there."""
    return found[None] if None in found else {str(gap): at for gap, at in found.items()}


def shown(names: list[str], gaps: list[int]) -> list[tuple[str, str, str]]:
    """Columns of quality: heading, metric and gap; with gaps the first metric at each, else all metrics."""
    return [(f"gap {gap}", names[0], str(gap)) for gap in gaps] or [(name, name, "") for name in names]


def _at(gap: str, metrics: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = metrics[gap] if gap else metrics
    return found


def verdict(models: list[dict[str, Any]], names: list[str], gaps: list[int]) -> str:
    """How far each model remembers, if that is known, and which is best in each column of quality."""
    solved: dict[int | None, list[str]] = {}
    for model in models:
        if "longest_gap" in model:
            solved.setdefault(model["longest_gap"], []).append(model["model"])
    reached = "; ".join(f"{gap or 'none'} by {listed(of, 'and')}" for gap, of in solved.items())
    said = [f"Longest gap solved with every seed: {reached}."] if solved else []
    for _, name, gap in shown(names, gaps):
        values = {model["model"]: _at(gap, model["metrics"])[name]["values"] for model in models}
        said.append(standing(name, values, f" at gap {gap}" if gap else ""))
    return " ".join(said)


def standing(name: str, found: Mapping[str, list[float]], where: str = "") -> str:
    """Which model is best by a metric, which are surely worse, and which may be as good (Welch's t-test over seeds).

    At 5 % for all comparisons with the best together (Holm 1979).
    """
    means = {model: statistics.fmean(each) for model, each in found.items()}
    best, *others = sorted(means, key=lambda model: means[model], reverse=name in HIGHER_IS_BETTER)
    if not others:
        return f"By {name}{where}: {best} {means[best]:.4g}."
    if len(found[best]) < 2:
        return f"By {name}{where}: {best} is best with this seed; one seed does not say which model is better."
    chances = {model: _chance(found[best], found[model]) for model in others}
    surely: set[str] = set()
    for place, model in enumerate(sorted(others, key=lambda model: chances[model])):
        if chances[model] * (len(others) - place) >= SIGNIFICANT:
            break
        surely.add(model)
    parts = [f"better than {listed([model for model in others if model in surely], 'and')}"] if surely else []
    if alike := [model for model in others if model not in surely]:
        parts.append(f"but {listed(alike, 'and')} may be as good: seeds differ as much")
    return f"By {name}{where}: {best} is best in the mean, {', '.join(parts)}."


def _chance(best: list[float], other: list[float]) -> float:
    """Two-sided p-value of the difference of two means, from at least two values each."""
    from scipy.stats import ttest_ind_from_stats

    if best == other or not all(map(math.isfinite, best)):
        return 1.0
    if not all(map(math.isfinite, other)):
        return 0.0  # what is infinitely worse needs no test
    samples = [(statistics.fmean(each), statistics.stdev(each), len(each)) for each in (best, other)]
    if samples[0][1] == samples[1][1] == 0:  # each the same with every seed
        return float(samples[0][0] == samples[1][0])
    return float(ttest_ind_from_stats(*samples[0], *samples[1], equal_var=False).pvalue)


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
    qualities = shown(document["judged_by"], document.get("gaps", []))
    longest, rows, best = "longest_gap" in models[0], [], set()
    for model in models:
        cells = [_cell(**_at(gap, model["metrics"])[name]) for _, name, gap in qualities]
        reached = [str(model["longest_gap"] or "none")] if longest else []
        rows.append([model["model"], f"{model['parameters']:,}", f"{model['seconds']:.0f}", *cells, *reached])
    for baseline in _at(qualities[0][2], baselines):
        cells = [_cell(_at(gap, baselines)[baseline].get(name)) for _, name, gap in qualities]
        rows.append([baseline, "", "", *cells, *[""] * longest])
    for column, (_, name, gap) in enumerate(qualities, start=3):
        means = [_at(gap, model["metrics"])[name]["mean"] for model in models]
        top = max(means) if name in HIGHER_IS_BETTER else min(means)
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
    made = table(document)
    rows = [made.columns, ["---", *["---:"] * (len(made.columns) - 1)], *made.rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([made.title, "", *lines, "", made.verdict])


def as_plain(document: dict[str, Any]) -> str:
    """Columns of plain text and the verdict."""
    made = table(document)
    columns = list(zip(made.columns, *made.rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    aligned = [[cell.rjust(width) for cell in column] for column, width in zip(columns, widths, strict=True)]
    aligned[0] = [cell.ljust(widths[0]) for cell in columns[0]]
    lines = ["  ".join(row).rstrip() for row in zip(*aligned, strict=True)]
    return "\n".join([made.title, "", *lines, "", made.verdict])


def on_terminal(document: dict[str, Any], console: Console) -> None:
    """The same with lines, the best values bold."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid
    from rich.text import Text

    made, grid = table(document), Grid(box=SIMPLE_HEAD)
    for place, column in enumerate(made.columns):
        grid.add_column(column, justify="right" if place else "left", overflow="fold", no_wrap=bool(place))
    for row, cells in enumerate(made.rows):
        styled = [Text(cell, "bold" if (row, column) in made.best else "") for column, cell in enumerate(cells)]
        grid.add_row(*styled, end_section=row == made.models - 1)
    for part in (Text(made.title), grid, Text(made.verdict)):
        console.print(part, highlight=False)
