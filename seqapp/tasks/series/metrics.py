"""Metrics of forecasts: errors in raw units, scaled errors, errors of log-returns, direction, coverage of intervals.

The model and its baselines are measured by the same code on the same origins.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Metric
from seqapp.evaluation.significance import gains
from seqapp.tasks.series.intervals import quantiles_of

MAX_LAG = 5  # rows


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


def forecast_metrics(columns: Sequence[str], levels: Sequence[float]) -> list[Metric[Forecasts]]:
    """Return all metrics of forecasts.

    With several targets scaled errors come first, so that each target counts, then the error of each in its own unit.

    Args:
        columns: the targets.
        levels: nominal coverage of the intervals in percent.
    """
    several = len(columns) > 1
    scaled = [
        Metric("scaled_mae", lambda each: _per_origin(_scaled_error(each)), judged=several),
        Metric("scaled_mse", lambda each: _per_origin(np.square(_scaled_error(each))), judged=False),
        Metric("mase", _scaled_by_change, judged=False),
    ]
    errors = [*scaled, *map(_of_target, range(len(columns)), columns)] if several else [*ONE_TARGET, *scaled]
    coverage = [
        Metric(f"coverage_{level:g}", functools.partial(_coverage, level), higher_is_better=True, judged=False)
        for level in levels
    ]
    return [*errors, *coverage, Metric("pinball", _pinball)]


def _per_origin(values: NDArray[Any]) -> NDArray[Any]:
    """Average `(origins, targets, horizon)` over targets and horizon."""
    return np.asarray(values.mean((1, 2)))


def _scaled_error(forecasts: Forecasts) -> NDArray[Any]:
    return np.asarray(forecasts.error / forecasts.scale.deviation[:, None])


def _scaled_by_change(forecasts: Forecasts) -> NDArray[Any] | None:
    """Errors as multiples of the (seasonal) change of the training rows (Hyndman & Koehler 2006)."""
    if not (forecasts.scale.change > 0).all():  # a series that repeats itself exactly has no scale
        return None
    return _per_origin(forecasts.error / forecasts.scale.change[:, None])


def _of_target(index: int, name: str) -> Metric[Forecasts]:
    return Metric(f"mae_{name}", lambda each: np.asarray(each.error[:, index].mean(1)), judged=False)


def _coverage(level: float, forecasts: Forecasts) -> NDArray[Any] | None:
    return _per_origin(forecasts.covered(level)) if forecasts.has_intervals else None


def _pinball(forecasts: Forecasts) -> NDArray[Any] | None:
    return _per_origin(forecasts.pinball / forecasts.unit) if forecasts.has_intervals else None


def _log_return_error(forecasts: Forecasts) -> NDArray[Any] | None:
    if not ((forecasts.actual > 0).all() and (forecasts.median > 0).all()):
        return None
    return _per_origin(np.abs(np.log(forecasts.actual) - np.log(forecasts.median)))


def _relative_error(forecasts: Forecasts) -> NDArray[Any] | None:
    positive = (forecasts.actual > 0).all() and (forecasts.median > 0).all()
    return _per_origin(forecasts.error / forecasts.actual) if positive else None


def _rises(forecasts: Forecasts) -> NDArray[Any]:
    """How many values rose and how many changed, `(origins, 2)`."""
    return _counts(forecasts, forecasts.actual > forecasts.last[..., None])


def _correct_directions(forecasts: Forecasts) -> NDArray[Any] | None:
    """How many directions are correct and how many values changed, `(origins, 2)`."""
    if not forecasts.has_direction:
        return None
    last = forecasts.last[..., None]
    return _counts(forecasts, (forecasts.median > last) == (forecasts.actual > last))


def _counts(forecasts: Forecasts, hits: NDArray[Any]) -> NDArray[Any]:
    changed = forecasts.actual != forecasts.last[..., None]
    return np.stack([(hits & changed).sum((1, 2)), changed.sum((1, 2))], 1)


def _share(counts: NDArray[Any]) -> float:
    hits, count = counts.sum(0)
    return float(hits / count) if count else math.nan


ONE_TARGET: tuple[Metric[Forecasts], ...] = (
    Metric("mae", lambda each: _per_origin(each.error)),
    Metric("rmse", lambda each: _per_origin(np.square(each.error)), lambda cases: np.sqrt(cases.mean()), judged=False),
    Metric("log_return_mae", _log_return_error, judged=False),
    Metric("mape", _relative_error, judged=False),
    Metric("always_up", _rises, _share, judged=False),
    Metric("direction_accuracy", _correct_directions, _share, higher_is_better=True, judged=False),
)


def lag(forecasts: Forecasts) -> int | None:
    """Return by how many rows the forecasts one row ahead lag: the shift at which they correlate best with the past.

    Only the first target is compared. None if there are too few origins, or constant values.
    """
    actual, median = forecasts.actual[:, 0, 0], forecasts.median[:, 0, 0]
    if len(actual) < 10 * MAX_LAG or actual.std() == 0 or median.std() == 0:
        return None
    shifted = [actual[MAX_LAG - shift : len(actual) - shift] for shift in range(MAX_LAG + 1)]
    return int(np.argmax([np.corrcoef(median[MAX_LAG:], values)[0, 1] for values in shifted]))


def remarks(forecasts: Forecasts) -> list[str]:
    """Return sentences on whether the forecasts lag and how good their direction is."""
    sentences = []
    if rows := lag(forecasts):
        earlier = "one row" if rows == 1 else f"{rows} rows"
        sentences.append(f"One row ahead the forecast lags: it correlates best with the value {earlier} earlier.")
    if forecasts.has_direction and (forecasts.actual[:, :, 0] != forecasts.last).any():
        sentences.append(_direction(forecasts))
    return sentences


def _direction(forecasts: Forecasts) -> str:
    """Compare the direction one row ahead with always predicting up."""
    from scipy.stats import binomtest

    changed = forecasts.actual[:, :, 0] != forecasts.last
    rises = (forecasts.actual[:, :, 0] > forecasts.last)[changed]
    hits = (forecasts.median[:, :, 0] > forecasts.last)[changed] == rises
    low, high = binomtest(int(hits.sum()), len(hits)).proportion_ci(0.95, "wilson")
    gain = gains(hits.astype(float), {"up": rises.astype(float)}, higher_is_better=True)["up"]
    comparison = {1: "better than", 0: "no better than", -1: "worse than"}[gain]
    return (
        f"Its direction one row ahead is correct in {hits.mean():.1%} of cases (95 % interval {low:.1%} to "
        f"{high:.1%}), {comparison} always predicting up, {rises.mean():.1%}."
    )
