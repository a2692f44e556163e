"""Metrics of forecasts of a positive number: errors in its own unit and on log-returns, direction, intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def forecast_metrics(
    actual: NDArray[Any], quantiles: NDArray[Any], last: NDArray[Any], scale: float, levels: tuple[float, ...]
) -> dict[str, float]:
    """Measure forecasts against what came.

    Args:
        actual: what came, `(origins, horizon)`, raw units.
        quantiles: what was said, `(origins, horizon, levels)`, or one level where there is no interval.
        last: the last known value at each origin, `(origins,)`.
        scale: mean absolute (seasonal) difference of the training rows, for MASE (Hyndman & Koehler 2006).
        levels: of the quantiles, ascending, 0.1 to 0.9 around the median.
    """
    from sklearn.metrics import mean_absolute_error, mean_pinball_loss, root_mean_squared_error

    forecast, known = quantiles[..., quantiles.shape[-1] // 2], last[:, np.newaxis]
    error = mean_absolute_error(actual, forecast)
    measured = {
        "mae": error,
        "rmse": root_mean_squared_error(actual, forecast),
        "log_return_mae": np.abs(np.log(actual) - np.log(forecast)).mean(),
    }
    if scale > 0:  # a series that repeats itself exactly has no yardstick
        measured["mase"] = error / scale
    moved = actual != known
    if not np.array_equal(forecast, np.broadcast_to(known, forecast.shape)):  # no change names no direction
        measured["direction_accuracy"] = ((forecast > known) == (actual > known))[moved].mean()
    measured["always_up"] = (actual > known)[moved].mean()
    if quantiles.shape[-1] == len(levels):
        measured["coverage_80"] = ((quantiles[..., 0] <= actual) & (actual <= quantiles[..., -1])).mean()
        losses = [
            mean_pinball_loss(actual.ravel(), quantiles[..., index].ravel(), alpha=level)
            for index, level in enumerate(levels)
        ]
        measured["pinball"] = np.mean(losses)
    return {name: float(value) for name, value in measured.items()}
