"""From options and tables to a dataset of series: read, cut by time, and only then fitted, on the training rows."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.data import frequency, splits
from seqapp.data.splits import Split
from seqapp.data.table import Table
from seqapp.errors import BadInput
from seqapp.tasks.series.dataset import SeriesDataset
from seqapp.tasks.series.files import Columns, Series, read_series
from seqapp.tasks.series.options import Asked, listed
from seqapp.tasks.series.questions import question
from seqapp.tasks.series.rows import Frame
from seqapp.tasks.series.scale import Scale
from seqapp.tasks.series.scale import chosen as chosen_scale
from seqapp.tasks.series.scale import fitted as fitted_scale
from seqapp.tasks.series.task import SeriesTask


@dataclass(frozen=True)
class Source:
    """Series that were read, and what was asked of them."""

    asked: Asked
    columns: Columns
    series: Sequence[Series]
    data: Mapping[str, Any]
    task: type[SeriesTask]

    def dataset(self, cuts: Sequence[Split]) -> SeriesDataset:
        """The dataset of the series so cut, each in its own rows; everything is fitted on the training rows.

        Raises:
            BadInput: the rows, columns and options do not go together.
        """
        frame = _frame(self.series)
        cuts = [cut.moved(start) for cut, (start, _) in zip(cuts, frame.bounds, strict=True)]
        task, season = self._fitted(frame, cuts)
        dataset = SeriesDataset(task, frame, cuts, season, self.data)
        dataset.latest = question(task, self.series[0], named=len(self.series) > 1)
        dataset.fold = self.fold
        return dataset

    def fold(self, stop: int, validation: int) -> SeriesDataset:
        """The one series as it was known at row `stop`, and the horizon after it as the test split.

        Raises:
            BadInput: there are several series, or too few rows before.
        """
        if len(self.series) > 1:
            raise BadInput(f"--refit: expected one series, got {len(self.series)}. Leave --refit out.")
        horizon = self.asked.horizon
        bounds = (0, stop - validation, stop, stop + horizon)
        cut = Split(*itertools.pairwise(bounds))
        return dataclasses.replace(self, series=[self.series[0].until(stop + horizon)]).dataset([cut])

    def _fitted(self, frame: Frame, cuts: Sequence[Split]) -> tuple[SeriesTask, int | None]:
        """The task, and its season."""
        asked, columns = self.asked, self.columns
        targets, training = len(columns.targets), frame.part(cuts, "train")
        beat = None if frame.dates is None else frequency.rhythm(frame.dates[slice(*frame.bounds[0])])
        season = asked.season or frequency.season(beat)
        kind = asked.scale or chosen_scale(season, [rows[:, :targets] for rows in training])
        self._refuse_constant(training)
        scale = fitted_scale(kind, targets, training)
        _refuse_below_zero(self.series, columns.numbers, scale)
        window, segment = asked.shape(season, min(len(rows) for rows in training), scale.changes)
        _refuse_short(self.series, cuts, window, asked.horizon)
        if asked.items() and frame.dates is None:
            raise BadInput(f"--calendar: {self.series[0].table.source} has no date column; name one with --date.")
        task = self.task(
            columns=tuple(columns.numbers), targets=targets, known=len(columns.known), window=window,
            horizon=asked.horizon, scale=kind, logs=scale.logs, centre=scale.centre, spread=scale.spread,
            missing=asked.missing, date=columns.date, series=columns.series, calendar=asked.items(),
            categories=_seen(frame, cuts, columns), segment=segment, channels=asked.channels,
            levels=asked.percents(), rhythm=beat, strategy=asked.strategy,
        )  # fmt: skip
        return task, season

    def _refuse_constant(self, training: Sequence[NDArray[Any]]) -> None:
        for place, name in enumerate(self.columns.targets):
            values = np.concatenate([rows[:, place] for rows in training])
            if np.nanmin(values) == np.nanmax(values):
                raise BadInput(
                    f"{self.series[0].table.source}, column '{name}': all {len(values)} training rows hold "
                    f"{values[0]:g}, so there is nothing to learn. Choose another column, or another --split."
                )


def load_series(
    asked: Asked, tables: Sequence[tuple[str, Table]], sha256: str, task: type[SeriesTask]
) -> SeriesDataset:
    """The dataset of these tables, one series each.

    Raises:
        BadInput: the files, columns, rows or options do not go together.
    """
    columns = _columns(tables[0][1], asked)
    series = [read_series(name, table, columns, asked.missing) for name, table in tables]
    least = asked.horizon + 1
    cuts = [splits.cut_dated(one.table, one.dates, asked.split, asked.split_at, least) for one in series]
    return Source(asked, columns, series, _about(series, columns, sha256), task).dataset(cuts)


def _about(series: Sequence[Series], columns: Columns, sha256: str) -> dict[str, Any]:
    """What run.json says of the data."""
    first = series[0].table
    data: dict[str, Any] = {
        "sha256": sha256,
        "rows": sum(len(one.values) for one in series),
        "source": first.source if len(series) == 1 else f"{len(series)} series",
    }
    if notes := [note for one in series for note in one.notes]:
        data["notes"] = notes
    if series[0].dates is not None:
        data["dates"] = {"column": first.date_column(columns.date), "format": first.date_format(columns.date)}
    return data


def _columns(table: Table, asked: Asked) -> Columns:
    """The columns asked for, by their exact names."""

    def named(names: str | None, option: str) -> tuple[str, ...]:
        return tuple(table.name(name, option) for name in listed(names))

    targets = named(asked.target, "--target") or (_usual_target(table, asked),)
    date = table.name(asked.date, "--date") if asked.date else None
    known = named(asked.known, "--known")
    if twice := set(targets) & set(known):
        raise BadInput(f"--known: '{min(twice)}' is what is to be predicted; nobody knows it in advance.")
    series = table.name(asked.series, "--series") if asked.series else None
    return Columns(targets, named(asked.inputs, "--inputs"), known, named(asked.category, "--category"), date, series)


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


def _seen(frame: Frame, cuts: Sequence[Split], columns: Columns) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What the training rows hold of each column of categories, in alphabetical order."""
    rows = np.concatenate([frame.categories[slice(*cut.train)] for cut in cuts])
    return tuple(
        (name, tuple(sorted(set(rows[:, place].tolist()) - {""}))) for place, name in enumerate(columns.categories)
    )


def _refuse_below_zero(read: Sequence[Series], names: Sequence[str], scale: Scale) -> None:
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
