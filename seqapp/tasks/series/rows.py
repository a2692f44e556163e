"""The rows of one or more series, cut by time, and the origins from which they are forecast.

An origin is the last row that is known to a forecast. The rows that are predicted lie in one split; the window may
reach back into the split before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import SPLITS, Tensor
from seqapp.data.splits import Split
from seqapp.tasks.series.features import Window, calendar_features, category_ids
from seqapp.tasks.series.forecasts import ErrorScale, Forecasts
from seqapp.tasks.series.spec import SeriesSpec


@dataclass(frozen=True)
class Frame:
    """Rows of one or more series, one series after the other, each oldest first."""

    names: tuple[str, ...]
    bounds: tuple[tuple[int, int], ...]  # first row and end of each series
    values: NDArray[Any]  # (rows, columns), raw units, NaN where a value is missing
    categories: NDArray[Any]  # str (rows, categorical columns)
    dates: Sequence[str] | None

    def part(self, cuts: Sequence[Split], split: str) -> list[NDArray[Any]]:
        """Return the values of a split, one array for each series."""
        return [self.values[slice(*getattr(cut, split))] for cut in cuts]

    def labels(self, rows: NDArray[Any]) -> list[str]:
        """Return the date of each row, or its number; with several series, the name of the series first."""
        labels = [self.dates[row] if self.dates else str(row) for row in rows.tolist()]
        if len(self.bounds) == 1:
            return labels
        series = np.searchsorted([stop for _, stop in self.bounds], rows, "right")
        return [f"{self.names[number]} {label}" for number, label in zip(series, labels, strict=True)]

    def describe(self, cuts: Sequence[Split]) -> dict[str, Any]:
        """Describe the splits for run.json: rows or number of series and values, first and last date."""
        if len(cuts) == 1:
            return cuts[0].describe(self.dates)
        described: dict[str, Any] = {}
        for name in SPLITS:
            parts = [getattr(cut, name) for cut in cuts]
            described[name] = {"series": len(parts), "values": sum(stop - start for start, stop in parts)}
            if self.dates is not None:
                described[name] |= {
                    "first": min(self.dates[start] for start, _ in parts),
                    "last": max(self.dates[stop - 1] for _, stop in parts),
                }
        return described


@dataclass(frozen=True)
class SeriesRows:
    """A frame, the splits of each of its series, and the origins in them."""

    spec: SeriesSpec
    frame: Frame
    cuts: tuple[Split, ...]  # of each series, in rows of the frame
    season: int | None  # rows in a season
    test_origins: NDArray[Any] | None = None  # a selection of the test origins; None for all

    def origins(self, split: str) -> NDArray[Any]:
        """Return the origins of a split, int64 `(origins,)`, series by series.

        With missing="mask" an origin is left out if a target is missing in its row or in the horizon after it.
        """
        if split == "test" and self.test_origins is not None:
            return self.test_origins
        reach, horizon, parts = self.spec.window - 1, self.spec.horizon, []
        for (start, _), cut in zip(self.frame.bounds, self.cuts, strict=True):
            first, stop = getattr(cut, split)
            parts.append(np.arange(max(first - 1, start + reach), stop - horizon))
        origins = np.concatenate(parts)
        if self.spec.missing != "mask":
            return origins
        missing = np.isnan(self.frame.values[:, : self.spec.targets]).any(1)
        before = np.concatenate([[0], np.cumsum(missing)])  # number of gaps before each row
        return np.asarray(origins[before[origins + horizon + 1] == before[origins]])

    def ahead(self, origins: NDArray[Any]) -> NDArray[Any]:
        """Return the targets' actual values after each origin, raw, `(origins, targets, horizon)`."""
        rows = origins[:, None] + np.arange(1, self.spec.horizon + 1)
        return self.frame.values[rows][..., : self.spec.targets].swapaxes(1, 2)

    def last(self, origins: NDArray[Any]) -> NDArray[Any]:
        """Return the targets' values at each origin, raw, float32 `(origins, targets)`."""
        return self.frame.values[origins, : self.spec.targets].astype(np.float32)

    @functools.cached_property
    def error_scale(self) -> ErrorScale:
        """The scale of errors on the training rows, for scaled metrics."""
        training = [rows[:, : self.spec.targets] for rows in self.frame.part(self.cuts, "train")]
        return ErrorScale.fit(training, self.season or 1)

    def forecasts(self, quantiles: NDArray[Any]) -> Forecasts:
        """Put forecasts of all test origins beside the actual values.

        Args:
            quantiles: `(origins, targets, horizon, quantiles)`, raw units; one quantile where there is no interval.
        """
        origins = self.origins("test")
        return Forecasts(
            actual=self.ahead(origins),
            quantiles=quantiles,
            columns=self.spec.columns[: self.spec.targets],
            levels=self.spec.levels,
            last=self.last(origins).astype(float),
            scale=self.error_scale,
        )

    def gather(self, ahead: int) -> Callable[[Tensor], tuple[Window, Tensor]]:
        """Return a function that gathers the windows of some origins, and the targets after them.

        Args:
            ahead: rows after each origin.

        Returns:
            A TensorFlow function of origins int64 `(batch,)`; its targets are raw, `(batch, targets, ahead)`.
        """
        import tensorflow as tf

        spec = self.spec
        values, dates, ids = tf.constant(self.frame.values, tf.float32), self._calendar(), self._category_ids()
        back, forward = np.arange(1 - spec.window, 1), np.arange(1, ahead + 1)

        def at(origins: Tensor) -> tuple[Window, Tensor]:
            origin = origins[:, None]
            history, future = tf.gather(values, origin + back), tf.gather(values, origin + forward)
            window = Window(
                history=history,
                known=future[:, :, len(spec.columns) - spec.known :],
                calendar=tf.gather(dates, origin + np.r_[back, forward]),
                categories=tf.gather(ids, origin + back),
            )
            return window, tf.transpose(future[:, :, : spec.targets], [0, 2, 1])

        return at

    def _calendar(self) -> Tensor:
        """Return the calendar features of every row, `(rows, 2 * items)`."""
        import tensorflow as tf

        if not self.spec.calendar:
            return tf.zeros([len(self.frame.values), 0])
        return calendar_features(tf.constant(list(self.frame.dates or [])), self.spec.calendar)

    def _category_ids(self) -> Tensor:
        """Return the category ids of every row, int32 `(rows, categorical columns)`."""
        import tensorflow as tf

        if not self.spec.categories:
            return tf.zeros([len(self.frame.values), 0], tf.int32)
        names = tf.constant(self.frame.categories.tolist(), tf.string)
        return category_ids(names, [values for _, values in self.spec.categories])
