"""Metrics of forecasts: errors in raw units, scaled errors, errors of log-returns, direction, coverage of intervals."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Metric
from seqapp.tasks.series.forecasts import Forecasts


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
