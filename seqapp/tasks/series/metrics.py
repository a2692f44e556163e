"""Metrics of forecasts: errors in the series' own units, on scaled values and on log-returns, direction, intervals.

Model and baselines are measured by the same code, on the same origins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.evaluation.verdict import gains

LAGS = 5  # rows that a forecast is looked for in


def quantiles_of(levels: Sequence[float]) -> tuple[float, ...]:
    """The quantiles that bound intervals at these levels in percent, ascending, the median in the middle."""
    below = sorted((1 - level / 100) / 2 for level in levels)
    return (*below, 0.5, *(1 - level for level in reversed(below)))


@dataclass(frozen=True)
class Measured:
    """Forecasts laid beside what came, raw units."""

    columns: tuple[str, ...]  # the targets
    actual: NDArray[Any]  # (origins, targets, horizon)
    quantiles: NDArray[Any]  # (origins, targets, horizon, 2 * levels + 1), or one where there is no interval
    last: NDArray[Any]  # the value known last at each origin, (origins, targets)
    levels: tuple[float, ...]  # percent that the intervals are to cover
    change: NDArray[Any]  # mean absolute (seasonal) difference of the training rows, (targets,)
    deviation: NDArray[Any]  # standard deviation of the training rows, (targets,)

    @property
    def forecast(self) -> NDArray[Any]:
        """The medians, `(origins, targets, horizon)`."""
        return np.asarray(self.quantiles[..., self.quantiles.shape[-1] // 2])

    @property
    def error(self) -> NDArray[Any]:
        """Absolute errors, `(origins, targets, horizon)`."""
        return np.asarray(np.abs(self.actual - self.forecast))

    @property
    def yardstick(self) -> NDArray[Any]:
        """What scaled values are multiples of: the training deviation, 1 where a target is constant."""
        return np.asarray(np.where(self.deviation > 0, self.deviation, 1.0))

    @property
    def bounded(self) -> bool:
        """Whether there are intervals."""
        return bool(self.quantiles.shape[-1] > 1)

    def interval(self, level: float) -> tuple[NDArray[Any], NDArray[Any]]:
        """Lower and upper bounds at a level in percent."""
        place = sorted(self.levels, reverse=True).index(level)
        return self.quantiles[..., place], self.quantiles[..., -1 - place]

    def inside(self, level: float) -> NDArray[Any]:
        """Whether what came lies in the interval at a level in percent, `(origins, targets, horizon)`."""
        lower, upper = self.interval(level)
        return np.asarray((lower <= self.actual) & (self.actual <= upper))

    @property
    def unit(self) -> Any:
        """What errors are told in: one target's own unit, 1; of several the yardstick `(targets, 1)`."""
        return self.yardstick[:, None] if len(self.columns) > 1 else 1.0

    def pinball(self) -> NDArray[Any]:
        """Pinball loss `(origins, targets, horizon)`, the mean over the bounds and the median."""
        at = np.array(quantiles_of(self.levels))
        off = self.actual[..., None] - self.quantiles
        return np.asarray(np.maximum(at * off, (at - 1) * off).mean(-1))

    def by_horizon(self) -> list[dict[str, float]]:
        """For each row ahead the mean absolute error, of several targets on scaled values, and what intervals cover."""
        columns = {"mae": self.error / self.unit}
        columns |= {f"coverage_{level:g}": self.inside(level) for level in self.levels if self.bounded}
        means = {name: each.mean((0, 1)).tolist() for name, each in columns.items()}
        return [dict(zip(means, row, strict=True)) for row in zip(*means.values(), strict=True)]

    def cases(self) -> dict[str, NDArray[Any]]:
        """What the verdict is about, `(origins,)`; of several targets on scaled values, so that each counts."""
        found = {"scaled_mae" if len(self.columns) > 1 else "mae": (self.error / self.unit).mean((1, 2))}
        if self.bounded:
            found["pinball"] = (self.pinball() / self.unit).mean((1, 2))
        return found


def forecast_metrics(measured: Measured) -> dict[str, float]:
    """Named metrics; of several targets on scaled values, then the error of each in its own unit."""
    scaled = measured.error / measured.yardstick[:, None]
    found = {"scaled_mae": scaled.mean(), "scaled_mse": np.square(scaled).mean()}
    if (measured.change > 0).all():  # a series that repeats itself exactly has no yardstick
        found["mase"] = (measured.error / measured.change[:, None]).mean()  # Hyndman & Koehler 2006
    if len(measured.columns) > 1:
        found |= {f"mae_{name}": measured.error[:, place].mean() for place, name in enumerate(measured.columns)}
    else:
        found = _of_one(measured) | found
    if measured.bounded:
        found |= _of_intervals(measured)
    return {name: float(value) for name, value in found.items()}


def _of_one(measured: Measured) -> dict[str, Any]:
    """In the target's own unit."""
    actual, forecast, known = measured.actual, measured.forecast, measured.last[..., None]
    found = {"mae": measured.error.mean(), "rmse": np.sqrt(np.square(measured.error).mean())}
    if (actual > 0).all() and (forecast > 0).all():
        found["log_return_mae"] = np.abs(np.log(actual) - np.log(forecast)).mean()
        found["mape"] = (measured.error / actual).mean()
    moved = actual != known
    found["always_up"] = (actual > known)[moved].mean() if moved.any() else np.nan
    if not np.allclose(forecast, np.broadcast_to(known, forecast.shape), rtol=1e-6):  # no change names no direction
        found["direction_accuracy"] = ((forecast > known) == (actual > known))[moved].mean()
    return found


def _of_intervals(measured: Measured) -> dict[str, Any]:
    found = {f"coverage_{level:g}": measured.inside(level).mean() for level in measured.levels}
    return found | {"pinball": (measured.pinball() / measured.unit).mean()}


def lag(measured: Measured) -> int | None:
    """By how many rows the forecasts one row ahead come late: where they correlate best with what came before.

    None where there is nothing to correlate: other horizons, several targets, constant values.
    """
    actual, forecast = measured.actual[:, 0, 0], measured.forecast[:, 0, 0]
    if len(actual) < 10 * LAGS or actual.std() == 0 or forecast.std() == 0:
        return None
    at = [np.corrcoef(forecast[LAGS:], actual[LAGS - late : len(actual) - late])[0, 1] for late in range(LAGS + 1)]
    return int(np.argmax(at))


def remarks(measured: Measured) -> list[str]:
    """Whether the forecast comes late, and whether its direction is better than always saying up."""
    from scipy.stats import binomtest

    found = []
    if late := lag(measured):
        rows = "row" if late == 1 else f"{late} rows"
        found.append(f"One row ahead it comes late: the forecast is most like the value {rows} before its own.")
    metrics = forecast_metrics(measured)
    if "direction_accuracy" in metrics:
        moved = measured.actual[:, :, 0] != measured.last
        rose = (measured.actual[:, :, 0] > measured.last)[moved]
        hits = (measured.forecast[:, :, 0] > measured.last)[moved] == rose
        low, high = binomtest(int(hits.sum()), len(hits)).proportion_ci(0.95, "wilson")
        gain = gains(hits.astype(float), {"up": rose.astype(float)}, higher_is_better=True)["up"]
        standing = {1: "better than", 0: "no better than", -1: "worse than"}[gain]
        up = rose.mean()
        found.append(
            f"Its direction one row ahead is right in {hits.mean():.1%} (95 % between {low:.1%} and {high:.1%}), "
            f"{standing} always up, {up:.1%}."
        )
    return found
