"""From options and tables to a dataset of series: read, split by time, and fit on the training rows."""

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
from seqapp.tasks.series.options import SeriesOptions, split_names
from seqapp.tasks.series.questions import raw_inputs
from seqapp.tasks.series.rows import Frame, SeriesRows
from seqapp.tasks.series.scale import Scale, default_kind, fit_scale
from seqapp.tasks.series.task import SeriesTask


def load_series(
    options: SeriesOptions, tables: Sequence[tuple[str, Table]], sha256: str, task: type[SeriesTask]
) -> SeriesDataset:
    """Make a dataset of tables with one series each.

    Args:
        options: the options of the command line.
        tables: pairs of a series' name and its table.
        sha256: of the source of the tables.
        task: the class of the task to fit.

    Raises:
        BadInput: the files, columns, rows or options do not fit together.
    """
    columns = _columns(tables[0][1], options)
    series = [read_series(name, table, columns, options.missing) for name, table in tables]
    least = options.horizon + 1
    cuts = [splits.cut_table(each.table, each.dates, options.split, options.split_at, least) for each in series]
    return SeriesSource(options, columns, series, _description(series, columns, sha256), task).dataset(cuts)


@dataclass(frozen=True)
class SeriesSource:
    """Series as they were read, from which a dataset is made, or one for each origin of a backtest."""

    options: SeriesOptions
    columns: Columns
    series: Sequence[Series]
    data: Mapping[str, Any]  # the description for run.json
    task: type[SeriesTask]

    def dataset(self, cuts: Sequence[Split]) -> SeriesDataset:
        """Fit a task on the training rows and return the dataset.

        Args:
            cuts: the split of each series, in its own rows.

        Raises:
            BadInput: the rows, columns and options do not fit together.
        """
        frame = _frame(self.series)
        cuts = tuple(cut.shifted(start) for cut, (start, _) in zip(cuts, frame.bounds, strict=True))
        task, season = self._fit(frame, cuts)
        rows = SeriesRows(task, frame, cuts, season)
        latest = raw_inputs(task, self.series[0], named=len(self.series) > 1)
        return SeriesDataset(task, rows, self.data, latest, self.fold)

    def fold(self, stop: int, validation: int) -> SeriesDataset:
        """Return the dataset of the one series as it was known at a row, with the horizon after it as the test split.

        Args:
            stop: number of known rows.
            validation: number of rows of the validation split.

        Raises:
            BadInput: there are several series, or too few rows.
        """
        if len(self.series) > 1:
            raise BadInput(f"--refit: expected one series, got {len(self.series)}. Leave --refit out.")
        end = stop + self.options.horizon
        cut = Split(*itertools.pairwise((0, stop - validation, stop, end)))
        return dataclasses.replace(self, series=[self.series[0].until(end)]).dataset([cut])

    def _fit(self, frame: Frame, cuts: Sequence[Split]) -> tuple[SeriesTask, int | None]:
        """Return the task, fitted on the training rows, and its season in rows."""
        options, columns = self.options, self.columns
        interval = None if frame.dates is None else frequency.infer_frequency(frame.dates[slice(*frame.bounds[0])])
        season = options.season or frequency.season_length(interval)
        training = frame.part(cuts, "train")
        scale = self._fit_scale(training, season)
        window, segment = options.window_and_segment(season, min(len(rows) for rows in training), scale.changes)
        _check_length(self.series, cuts, window, options.horizon)
        if options.calendar_items() and frame.dates is None:
            raise BadInput(f"--calendar: {self.series[0].table.source} has no date column; name one with --date.")
        task = self.task(
            columns=tuple(columns.numbers), targets=len(columns.targets), known=len(columns.known), window=window,
            horizon=options.horizon, scale=scale.kind, logs=scale.logs, centre=scale.centre, spread=scale.spread,
            missing=options.missing, date=columns.date, series=columns.series, calendar=options.calendar_items(),
            categories=_categories(frame, cuts, columns), segment=segment, channels=options.channels,
            levels=options.interval_levels(), rhythm=interval, strategy=options.strategy,
        )  # fmt: skip
        return task, season

    def _fit_scale(self, training: Sequence[NDArray[Any]], season: int | None) -> Scale:
        count = len(self.columns.targets)
        kind = self.options.scale or default_kind(season, [rows[:, :count] for rows in training])
        self._check_variation(training)
        scale = fit_scale(kind, count, training)
        _check_positive(self.series, self.columns.numbers, scale)
        return scale

    def _check_variation(self, training: Sequence[NDArray[Any]]) -> None:
        """Raise BadInput if a target is constant on the training rows."""
        for place, name in enumerate(self.columns.targets):
            values = np.concatenate([rows[:, place] for rows in training])
            if np.nanmin(values) == np.nanmax(values):
                raise BadInput(
                    f"{self.series[0].table.source}, column '{name}': all {len(values)} training rows hold "
                    f"{values[0]:g}, so there is nothing to learn. Choose another column, or another --split."
                )


def _description(series: Sequence[Series], columns: Columns, sha256: str) -> dict[str, Any]:
    """Describe the data for run.json."""
    first = series[0].table
    data: dict[str, Any] = {
        "sha256": sha256,
        "rows": sum(len(each.values) for each in series),
        "source": first.source if len(series) == 1 else f"{len(series)} series",
    }
    if notes := [note for each in series for note in each.notes]:
        data["notes"] = notes
    if dates := first.date_column(columns.date):
        data["dates"] = {"column": dates.name, "format": dates.format}
    return data


def _columns(table: Table, options: SeriesOptions) -> Columns:
    """Return the exact names of the requested columns."""

    def exact(names: str | None, option: str) -> tuple[str, ...]:
        return tuple(table.name(name, option) for name in split_names(names))

    targets = exact(options.target, "--target") or (_default_target(table, options),)
    known = exact(options.known, "--known")
    if both := set(targets) & set(known):
        raise BadInput(f"--known: '{min(both)}' is a target, so it is not known in advance. Leave it out.")
    return Columns(
        targets=targets,
        inputs=exact(options.inputs, "--inputs"),
        known=known,
        categories=exact(options.category, "--category"),
        date=table.name(options.date, "--date") if options.date else None,
        series=table.name(options.series, "--series") if options.series else None,
    )


def _default_target(table: Table, options: SeriesOptions) -> str:
    """Return `close` if there is such a column, else the only numeric column."""
    if close := table.match("close"):
        return close
    dates = table.date_column(options.date)
    others = {dates and dates.name, options.series}
    numeric = [name for name in table.columns if name not in others and table.is_numeric(name)]
    if len(numeric) == 1:
        return numeric[0]
    if not numeric:
        raise BadInput(f"{table.source}: expected a numeric column to predict, found none.")
    raise BadInput(f"{table.source}: which column is to be predicted? Name it with --target: {', '.join(numeric)}.")


def _frame(series: Sequence[Series]) -> Frame:
    ends = np.cumsum([len(each.values) for each in series]).tolist()
    dated = all(each.dates is not None for each in series)
    return Frame(
        names=tuple(each.name for each in series),
        bounds=tuple(zip([0, *ends[:-1]], ends, strict=True)),
        values=np.concatenate([each.values for each in series]),
        categories=np.concatenate([each.categories for each in series]),
        dates=[date for each in series for date in each.dates or []] if dated else None,
    )


def _categories(frame: Frame, cuts: Sequence[Split], columns: Columns) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return each categorical column with its values in the training rows, in alphabetical order."""
    rows = np.concatenate([frame.categories[slice(*cut.train)] for cut in cuts])
    return tuple(
        (name, tuple(sorted(set(rows[:, place].tolist()) - {""}))) for place, name in enumerate(columns.categories)
    )


def _check_positive(series: Sequence[Series], names: Sequence[str], scale: Scale) -> None:
    """Raise BadInput if a column that is read as logarithms is not above 0 in all rows, also after training."""
    for each in series:
        with np.errstate(invalid="ignore"):
            low = (each.values <= 0) & np.array(scale.logs)
        for row, column in np.argwhere(low)[:1]:
            plain = "differences" if scale.changes else "last"
            raise BadInput(
                f"{each.table.where(int(row), names[column])}: expected a number above 0, as --scale {scale.kind} "
                f"needs, got {each.values[row, column]:g}. Use --scale {plain}."
            )


def _check_length(series: Sequence[Series], cuts: Sequence[Split], window: int, horizon: int) -> None:
    """Raise BadInput if a series has no whole window with its horizon in the training rows."""
    for each, cut in zip(series, cuts, strict=True):
        rows = cut.train[1] - cut.train[0]
        if rows < window + horizon:
            raise BadInput(
                f"{each.table.source}: --window {window} with --horizon {horizon} needs at least {window + horizon} "
                f"training rows, got {rows}. Use a smaller --window, or give more rows."
            )
