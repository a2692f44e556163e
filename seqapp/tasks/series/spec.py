"""The specification of a forecaster: its columns, window, horizon and fitted scale, and the sizes that follow.

Every other file of this package may use it; it knows neither networks nor files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqapp.data import frequency
from seqapp.errors import expect
from seqapp.tasks.series.features import PERIODS, Layout
from seqapp.tasks.series.intervals import quantiles_of
from seqapp.tasks.series.scale import KINDS, Scale

CHANNELS = ("joint", "independent")
STRATEGIES = ("direct", "recursive")
MISSING = ("error", "drop", "forward", "mask")


@dataclass(frozen=True)
class SeriesSpec:
    """What a forecaster reads and predicts, as run.json keeps it."""

    columns: tuple[str, ...]  # the targets first, those known in advance last
    targets: int  # number of target columns
    known: int  # number of columns known in advance
    window: int  # rows that the network reads
    horizon: int  # rows to forecast
    scale: str  # one of `KINDS`
    logs: tuple[bool, ...]  # for each column, whether its logarithm is used
    centre: tuple[float, ...]  # for each column, the mean of the training rows
    spread: tuple[float, ...]  # for each column, their standard deviation
    missing: str = "error"
    date: str | None = None  # the date column, if there is one
    calendar: tuple[str, ...] = ()  # features of the date, each one of `PERIODS`
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()  # columns, each with its values in the training rows
    segment: int = 1  # rows in one time step of the network
    channels: str = "joint"
    levels: tuple[float, ...] = (80.0, 95.0)  # nominal coverage of the intervals in percent
    rhythm: str | None = None  # the frequency of the dates, by pandas' name
    strategy: str = "direct"
    series: str | None = None  # in a long table, the column with the name of each row's series
    offsets: tuple[Any, ...] = ()  # how far to widen each interval: (targets, horizon, levels), scaled

    def __post_init__(self) -> None:
        self.check()

    @property
    def scaling(self) -> Scale:
        """The fitted scale."""
        return Scale(self.scale, self.logs, self.centre, self.spread)

    @property
    def independent(self) -> bool:
        """Whether one network reads and forecasts each target separately."""
        return self.channels == "independent" and self.targets > 1

    @property
    def layout(self) -> Layout:
        """How rows are arranged as time steps of the network."""
        return Layout(
            scale=self.scaling,
            targets=self.targets,
            known=self.known,
            mask=self.missing == "mask",
            categories=tuple(len(values) for _, values in self.categories),
            segment=self.segment,
            independent=self.independent,
        )

    @property
    def steps(self) -> int:
        """Time steps of a window."""
        return (self.window - self.scaling.changes) // self.segment

    @property
    def ahead(self) -> int:
        """Rows that the network forecasts in one call: the horizon, or 1 with the recursive strategy."""
        return 1 if self.strategy == "recursive" else self.horizon

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The quantiles that bound the intervals, ascending, the median in the middle."""
        return quantiles_of(self.levels)

    @property
    def widest_first(self) -> list[float]:
        """The levels of the intervals in the order of their lower bounds."""
        return sorted(self.levels, reverse=True)

    def output_names(self) -> dict[tuple[int, int], str]:
        """Map (target, index of the quantile) to the name of that output.

        Example: levels (80, 95) -> lower_95, lower, forecast, upper, upper_95; the second target's forecast is
        `forecast_<column>`.
        """
        names, middle = {}, len(self.levels)
        for target, column in enumerate(self.columns[: self.targets]):
            suffix = "" if target == 0 else f"_{re.sub(r'[^0-9A-Za-z_.]', '_', column)}"
            names[target, middle] = f"forecast{suffix}"
            for index, level in enumerate(self.widest_first):
                percent = "" if level == self.levels[0] else f"_{level:g}"
                names[target, index] = f"lower{percent}{suffix}"
                names[target, 2 * middle - index] = f"upper{percent}{suffix}"
        return names

    def check(self) -> None:
        """Check that the fields are consistent with each other.

        Raises:
            BadInput: they are not; the message says what was expected.
        """
        self._check_columns()
        self._check_choices()
        steps = self.window - self.scaling.changes
        expect(self.window > 1 and self.horizon > 0, "a window and a horizon", (self.window, self.horizon))
        expect(self.segment > 0 and steps % self.segment == 0, f"a segment that divides {steps} steps", self.segment)
        expect(all(0 < level < 100 for level in self.levels), "percentages", self.levels)
        expect(0 < len(set(self.levels)) == len(self.levels), "different percentages", self.levels)
        expect(frequency.is_frequency(self.rhythm), "a frequency of dates", self.rhythm)
        shape = np.shape(self.offsets) if self.offsets else None
        expect(shape in (None, (self.targets, self.horizon, len(self.levels))), "an offset for each interval", shape)

    def _check_columns(self) -> None:
        columns = len(self.columns)
        expect(0 < self.targets <= columns - self.known <= columns, "target and known columns among all", self.columns)
        expect(len(set(self.columns)) == columns, "different columns", self.columns)
        sizes = {len(self.logs), len(self.centre), len(self.spread), columns}
        expect(len(sizes) == 1 and all(self.spread), "a scale for each column")
        expect(len({name for name, _ in self.categories}) == len(self.categories), "different categorical columns")

    def _check_choices(self) -> None:
        for value, choices in (
            (self.scale, KINDS),
            (self.channels, CHANNELS),
            (self.strategy, STRATEGIES),
            (self.missing, MISSING),
            *((item, tuple(PERIODS)) for item in self.calendar),
        ):
            expect(value in choices, f"one of {', '.join(choices)}", value)
