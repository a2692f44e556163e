"""Forecasts of the test origins beside the actual values: the record that model and baselines are measured by."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.tasks.series.intervals import quantiles_of


@dataclass(frozen=True)
class ErrorScale:
    """What errors are divided by to be comparable between targets and series, from the training rows."""

    change: NDArray[Any]  # mean absolute (seasonal) difference, (targets,)
    deviation: NDArray[Any]  # standard deviation, 1 for a constant target, (targets,)

    @classmethod
    def fit(cls, training: Sequence[NDArray[Any]], season: int) -> ErrorScale:
        """Compute the scale on the training rows.

        Args:
            training: `(rows, targets)` for each series, raw units, NaN where a value is missing.
            season: rows in a season, 1 for none; a series no longer than that counts as having none.
        """
        lag = season if min(len(rows) for rows in training) > season else 1
        changes = np.concatenate([np.abs(rows[lag:] - rows[:-lag]) for rows in training])
        deviation = np.nanstd(np.concatenate(training), axis=0)
        return cls(np.nanmean(changes, axis=0), np.where(deviation > 0, deviation, 1.0))


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of the test origins beside the actual values, in raw units."""

    actual: NDArray[Any]  # (origins, targets, horizon)
    quantiles: NDArray[Any]  # (origins, targets, horizon, 2 * levels + 1), or 1 quantile where there is no interval
    columns: tuple[str, ...]  # the targets
    levels: tuple[float, ...]  # nominal coverage of the intervals in percent
    last: NDArray[Any]  # the last known value at each origin, (origins, targets)
    scale: ErrorScale

    @property
    def median(self) -> NDArray[Any]:
        """The point forecasts, `(origins, targets, horizon)`."""
        return np.asarray(self.quantiles[..., self.quantiles.shape[-1] // 2])

    @functools.cached_property
    def error(self) -> NDArray[Any]:
        """Absolute errors, `(origins, targets, horizon)`."""
        return np.asarray(np.abs(self.actual - self.median))

    @property
    def unit(self) -> Any:
        """What reported errors are divided by: 1 for one target, the deviations `(targets, 1)` for several."""
        return self.scale.deviation[:, None] if len(self.columns) > 1 else 1.0

    @property
    def has_intervals(self) -> bool:
        """Whether there is more than a point forecast."""
        return bool(self.quantiles.shape[-1] > 1)

    @property
    def has_direction(self) -> bool:
        """Whether one target is forecast to change: forecasts that repeat the last value have no direction."""
        known = np.broadcast_to(self.last[..., None], self.median.shape)
        return len(self.columns) == 1 and not np.allclose(self.median, known, rtol=1e-6)

    def interval(self, level: float) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the lower and upper bounds of the interval at `level` percent."""
        index = sorted(self.levels, reverse=True).index(level)
        return self.quantiles[..., index], self.quantiles[..., -1 - index]

    def covered(self, level: float) -> NDArray[Any]:
        """Return whether each actual value lies in its interval at `level` percent, `(origins, targets, horizon)`."""
        lower, upper = self.interval(level)
        return np.asarray((lower <= self.actual) & (self.actual <= upper))

    @functools.cached_property
    def pinball(self) -> NDArray[Any]:
        """Pinball loss `(origins, targets, horizon)`, the mean over the bounds and the median."""
        at = np.array(quantiles_of(self.levels))
        error = self.actual[..., None] - self.quantiles
        return np.asarray(np.maximum(at * error, (at - 1) * error).mean(-1))

    def by_horizon(self) -> list[dict[str, float]]:
        """Return the mean absolute error and the coverage of each row ahead, the nearest first."""
        columns = {"mae": self.error / self.unit}
        columns |= {f"coverage_{level:g}": self.covered(level) for level in self.levels if self.has_intervals}
        means = {name: values.mean((0, 1)).tolist() for name, values in columns.items()}
        return [dict(zip(means, row, strict=True)) for row in zip(*means.values(), strict=True)]
