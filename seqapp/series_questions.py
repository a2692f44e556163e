"""Questions about a series: from a CSV to the raw inputs of a task, and the dates that its answers are about."""

from __future__ import annotations

import numpy as np

from seqapp.contract import Raw
from seqapp.errors import BadInput
from seqapp.rhythm import following
from seqapp.series_files import Columns, Series, read_series
from seqapp.series_task import SeriesTask
from seqapp.table import parse_csv


def read(task: SeriesTask, text: str, source: str) -> Raw:
    """The question after the last row of a CSV that has the columns of the training.

    Raises:
        BadInput: a column is missing, a value is not usable, or there are too few rows.
    """
    table = parse_csv(text, source)
    names = [table.name(column, "") for column in task.columns]
    first = len(names) - task.known
    columns = Columns(
        tuple(names[: task.targets]),
        tuple(names[task.targets : first]),
        tuple(names[first:]),
        tuple(table.name(column, "") for column, _ in task.categories),
        task.date if task.date in table.columns else None,
    )
    series = read_series(source, table, columns, task.missing)
    needed = task.window + (task.horizon if len(series.known) < task.horizon and task.known else 0)
    if len(series.values) < needed:
        raise BadInput(f"{source}: expected at least {needed} rows (the model's window), got {len(series.values)}.")
    return question(task, series)


def question(task: SeriesTask, series: Series) -> Raw:
    """What comes after the last row of a series; where too little is known of that in advance, after an earlier row.

    Beside what the signature asks for it holds `date`, the dates of the rows to come.
    """
    stop, horizon, dates = len(series.values), task.horizon, series.dates
    known = series.known[:horizon]
    ahead = following(dates[-1], task.rhythm, horizon) if dates and task.rhythm else None
    if task.known and len(known) < horizon:
        stop -= horizon
        known = series.values[stop:, len(task.columns) - task.known :]
        ahead = dates[stop:] if dates else None
    rows = slice(stop - task.window, stop)
    raw: Raw = {"history": series.values[np.newaxis, rows].astype(np.float32)}
    if task.known:
        raw["known"] = known[np.newaxis].astype(np.float32)
    if task.categories:
        raw["categories"] = series.categories[np.newaxis, rows]
    if task.calendar and dates and ahead:
        raw["dates"] = np.array([[*dates[rows], *ahead]], object)
    if ahead:
        raw["date"] = np.array([ahead], object)
    return raw
