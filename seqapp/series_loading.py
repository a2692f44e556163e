"""From options and tables to a dataset of series: read, cut by time, and only then fitted, on the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqapp import rhythm, series_scale, splits
from seqapp.errors import BadInput
from seqapp.series_data import Frame, SeriesDataset
from seqapp.series_files import Columns, Series, read_series
from seqapp.series_options import Asked, listed
from seqapp.series_questions import question
from seqapp.series_task import SeriesTask
from seqapp.splits import Split
from seqapp.table import Table


def load_series(
    asked: Asked, tables: Sequence[tuple[str, Table]], sha256: str, task: type[SeriesTask]
) -> SeriesDataset:
    """The dataset of these tables, one series each.

    Raises:
        BadInput: the files, columns, rows or options do not go together.
    """
    columns = _columns(tables[0][1], asked)
    read = [read_series(name, table, columns, asked.missing) for name, table in tables]
    frame = _frame(read)
    cuts = _cuts(read, frame, asked)
    names = tuple(columns.numbers)
    targets = len(columns.targets)
    training = frame.part(cuts, "train")
    beat = rhythm.rhythm(frame.dates[slice(*frame.bounds[0])]) if frame.dates is not None else None
    season = asked.season or rhythm.season(beat)
    kind = asked.scale or series_scale.chosen(season, [rows[:, :targets] for rows in training])
    scale = series_scale.fitted(kind, targets, training)
    _refuse_below_zero(read, names, scale)
    window, segment = asked.shape(season, min(len(rows) for rows in training), scale.changes)
    _refuse_short(read, cuts, window, asked.horizon)
    made = task(
        columns=names, targets=targets, known=len(columns.known), window=window, horizon=asked.horizon,
        scale=kind, logs=scale.logs, centre=scale.centre, spread=scale.spread, missing=asked.missing,
        date=columns.date, calendar=asked.items(), categories=_seen(frame, cuts, columns), segment=segment,
        channels=asked.channels, levels=asked.percents(), rhythm=beat,
    )  # fmt: skip
    if made.calendar and frame.dates is None:
        raise BadInput(f"--calendar: {tables[0][1].source} has no date column; name one with --date.")
    source = tables[0][1].source if len(tables) == 1 else f"{len(tables)} series"
    data: dict[str, Any] = {"sha256": sha256, "rows": len(frame.values), "source": source, "series": len(tables)}
    if notes := [note for series in read for note in series.notes]:
        data["notes"] = notes
    if frame.dates is not None:
        data["dates"] = {"column": tables[0][1].date_column(columns.date), "rhythm": beat}
    dataset = SeriesDataset(made, frame, cuts, season, data)
    dataset.latest = question(made, read[0])
    return dataset


def _columns(table: Table, asked: Asked) -> Columns:
    """The columns asked for, by their exact names."""

    def named(names: str | None, option: str) -> tuple[str, ...]:
        return tuple(table.name(name, option) for name in listed(names))

    targets = named(asked.target, "--target") or (_usual_target(table, asked),)
    date = table.name(asked.date, "--date") if asked.date else None
    return Columns(targets, named(asked.inputs, "--inputs"), named(asked.known, "--known"),
                   named(asked.category, "--category"), date)  # fmt: skip


def _usual_target(table: Table, asked: Asked) -> str:
    """`close` where there is one, else the only column of numbers."""
    try:
        return table.name("close", "")
    except BadInput:
        taken = {table.date_column(asked.date), asked.series}
        numbers = [name for name in table.columns if name not in taken and table.is_numeric(name)]
        if len(numbers) == 1:
            return numbers[0]
        raise BadInput(
            f"{table.source}: which column is to be predicted? Name it with --target: "
            f"{', '.join(numbers) or 'there is no column of numbers'}."
        ) from None


def _frame(read: Sequence[Series]) -> Frame:
    ends = np.cumsum([len(series.values) for series in read]).tolist()
    dated = all(series.dates is not None for series in read)
    return Frame(
        tuple(series.name for series in read),
        tuple(zip([0, *ends[:-1]], ends, strict=True)),
        np.concatenate([series.values for series in read]),
        np.concatenate([series.categories for series in read]),
        [date for series in read for date in series.dates or []] if dated else None,
    )


def _cuts(read: Sequence[Series], frame: Frame, asked: Asked) -> list[Split]:
    """Each series cut by time, in rows of the frame."""
    found = []
    for series, (start, _) in zip(read, frame.bounds, strict=True):
        own = splits.cut_dated(series.table, series.dates, asked.split, asked.split_at, least=asked.horizon + 1)
        found.append(own.moved(start))
    return found


def _seen(frame: Frame, cuts: Sequence[Split], columns: Columns) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What the training rows hold of each column of categories, in alphabetical order."""
    rows = np.concatenate([frame.categories[slice(*cut.train)] for cut in cuts])
    return tuple(
        (name, tuple(sorted(set(rows[:, place].tolist()) - {""}))) for place, name in enumerate(columns.categories)
    )


def _refuse_below_zero(read: Sequence[Series], names: Sequence[str], scale: series_scale.Scale) -> None:
    """What is read as logarithms must stay above 0 after the training rows too."""
    for series in read:
        with np.errstate(invalid="ignore"):
            low = (series.values <= 0) & np.array(scale.logs)
        for row, column in np.argwhere(low)[:1]:
            plain = "differences" if scale.changes else "last"
            raise BadInput(
                f"{series.table.where(int(row), names[column])}: expected a number above 0, as --scale {scale.kind} "
                f"needs, got {series.values[row, column]:g}. Use --scale {plain}."
            )


def _refuse_short(read: Sequence[Series], cuts: Sequence[Split], window: int, horizon: int) -> None:
    for series, cut in zip(read, cuts, strict=True):
        rows = cut.train[1] - cut.train[0]
        if rows < window + horizon:
            raise BadInput(
                f"{series.table.source}: --window {window} with --horizon {horizon} needs at least {window + horizon} "
                f"training rows, got {rows}. Use a smaller --window, or give more rows."
            )
