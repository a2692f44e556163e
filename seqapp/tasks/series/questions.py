"""Questions about a series: from a CSV to raw inputs and the dates of the answer, and from a drawn row to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqapp.contract import Raw
from seqapp.data.frequency import following
from seqapp.data.table import Table, parse_csv
from seqapp.errors import BadInput
from seqapp.tasks.series.files import Columns, Series, cut_table, read_series
from seqapp.tasks.series.task import SeriesTask


def read(task: SeriesTask, text: str, source: str) -> Raw:
    """The question after the last row of a CSV with the columns of the training; of a long table, after each series'.

    Raises:
        BadInput: a column is missing, a value is not usable, or there are too few rows.
    """
    table = parse_csv(text, source)
    long = task.series is not None and task.series in table.columns
    tables = cut_table(table, str(task.series)) if long else [(source, table)]
    asked = [_asked(task, name, one, source, long) for name, one in tables]
    return {name: np.concatenate([raw[name] for raw in asked]) for name in asked[0]}


def _asked(task: SeriesTask, name: str, table: Table, source: str, named: bool) -> Raw:
    names = [table.name(column, "") for column in task.columns]
    first = len(names) - task.known
    columns = Columns(
        tuple(names[: task.targets]),
        tuple(names[task.targets : first]),
        tuple(names[first:]),
        tuple(table.name(column, "") for column, _ in task.categories),
        task.date if task.date in table.columns else None,
    )
    series = read_series(name, table, columns, task.missing)
    needed = task.window + (task.horizon if len(series.known) < task.horizon and task.known else 0)
    if len(series.values) < needed:
        of = f", series '{name}'" if named else ""
        raise BadInput(f"{source}{of}: expected at least {needed} rows (the model's window), got {len(series.values)}.")
    return question(task, series, named)


def question(task: SeriesTask, series: Series, named: bool = False) -> Raw:
    """What comes after the last row of a series; where too little is known of that in advance, after an earlier row.

    Beside what the signature asks for it holds `date`, the dates of the rows to come; `series`, its name, where it is
    one of many (`named`); and `earlier`, by how many rows the question is asked before the end.
    """
    stop, horizon, dates = len(series.values), task.horizon, series.dates
    known = series.known[:horizon]
    ahead = following(dates[-1], task.rhythm, horizon) if dates and task.rhythm else None
    beside: Raw = {"series": np.array([series.name], object)} if named else {}
    if task.known and len(known) < horizon:
        stop -= horizon
        known = series.values[stop:, len(task.columns) - task.known :]
        ahead = dates[stop:] if dates else None
        beside["earlier"] = np.array([horizon])
    rows = slice(stop - task.window, stop)
    raw: Raw = {"history": series.values[np.newaxis, rows].astype(np.float32)} | beside
    if task.known:
        raw["known"] = known[np.newaxis].astype(np.float32)
    if task.categories:
        raw["categories"] = series.categories[np.newaxis, rows]
    if task.calendar and dates and ahead:
        raw["dates"] = np.array([[*dates[rows], *ahead]], object)
    if ahead:
        raw["date"] = np.array([ahead], object)
    return raw


def describe(task: SeriesTask, answer: Raw) -> str:
    """One line a row ahead and target, with the row's date where it is known."""
    names, lines = task.names(), []
    of = f"{answer['series']}, " if "series" in answer else ""
    dates = answer.get("date", [f"+{ahead}" for ahead in range(1, task.horizon + 1)])
    for target, column in enumerate(task.columns[: task.targets]):
        for ahead, date in enumerate(dates[: task.horizon]):
            at = [answer[names[target, place]][ahead] for place in range(len(task.quantiles))]
            widest = sorted(task.levels, reverse=True)
            said = [
                f"{level:g} % between {at[widest.index(level)]:.6g} and {at[-1 - widest.index(level)]:.6g}"
                for level in task.levels
            ]
            lines.append(f"{of}{column} {date}: {at[len(task.levels)]:.6g}  ({', '.join(said)})")
    return "\n".join(lines)


def extend(task: SeriesTask, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
    """The next row, each target drawn from its quantiles; all other columns stay at their last value."""
    row, names = np.array(raw["history"][:, -1:], np.float32), task.names()
    for target in range(task.targets):
        knots = [float(answer[names[target, place]][0, 0]) for place in range(len(task.quantiles))]
        drawn = _drawn(knots, task.quantiles, task.logs[target], random.random())
        middle = knots[len(task.levels)]
        row[0, 0, target] = middle + temperature * (drawn - middle)
    moved = raw | {"history": np.concatenate([raw["history"], row], 1)[:, -task.window :]}
    for name in raw.keys() & {"known", "categories"}:
        moved[name] = np.concatenate([raw[name][:, 1:], raw[name][:, -1:]], 1)
    for name in raw.keys() & {"dates", "date"}:
        after = following(str(raw[name][0, -1]), task.rhythm, 1)
        moved[name] = np.concatenate([raw[name][:, 1:], np.array([after], object)], 1)
    drawn_row = [float(value) for value in row[0, 0, : task.targets]]
    return moved, drawn_row[0] if task.targets == 1 else drawn_row


def _drawn(knots: list[float], at: tuple[float, ...], logarithmic: bool, share: float) -> float:
    """The value below which `share` of the values lie: a line from quantile to quantile, and on beyond the last."""
    places = np.log(knots) if logarithmic else np.array(knots)
    inside = int(np.clip(np.searchsorted(at, share), 1, len(at) - 1))
    part = (share - at[inside - 1]) / (at[inside] - at[inside - 1])
    value = places[inside - 1] + part * (places[inside] - places[inside - 1])
    return float(np.exp(value) if logarithmic else value)
