"""Baselines of a forecast: the last value, drift, the last season, a linear regression on the window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline
from seqapp.tasks.series.forecasts import Forecasts
from seqapp.tasks.series.rows import SeriesRows

MAX_FITTED_VALUES = 20_000_000  # values in the windows that the regression is fitted to
MAX_PREDICTED_VALUES = 5_000_000  # values in the windows that it predicts from at once
RIDGE = 1.0  # for windows scaled to unit size: negligible with thousands of rows, enough for fifty


def baselines(rows: SeriesRows) -> dict[str, Baseline[Forecasts]]:
    """Return the baselines by name, as forecasts of all test origins; only `repeat_last` has intervals."""
    origins = rows.origins("test")
    last = rows.last(origins).astype(float)
    close = rows.spec.columns[0].lower() == "close"
    distances = {
        "repeat_last": (_repeat_last(rows), f"repeating the last {'close' if close else 'value'}"),
        "drift": (_drift(rows), "the training split's drift"),
        "linear": (_linear(rows, origins), "a linear autoregression on the same window"),
    }
    if rows.season:
        distances["seasonal_naive"] = (_seasonal(rows, origins), f"the value {rows.season} rows before")
    return {
        name: Baseline(rows.forecasts(_to_raw(rows, distance, last)), description)
        for name, (distance, description) in distances.items()
    }


def _to_raw(rows: SeriesRows, distances: NDArray[Any], last: NDArray[Any]) -> NDArray[Any]:
    """Convert distances of levels or logarithms `(origins, targets, horizon, quantiles)` to raw units."""
    logs = _logs(rows)
    levels = distances + np.where(logs, np.log(np.where(logs, last, 1)), last)[..., None, None]
    return np.asarray(np.where(logs[:, None, None], np.exp(np.where(logs[:, None, None], levels, 0)), levels))


def _logs(rows: SeriesRows) -> NDArray[Any]:
    return np.array(rows.spec.logs[: rows.spec.targets])


def _levels(rows: SeriesRows) -> NDArray[Any]:
    """Return the targets of all rows `(rows, targets)`, as logarithms where the scale takes them."""
    logs, values = _logs(rows), rows.frame.values[:, : rows.spec.targets]
    return np.where(logs, np.log(np.where(logs, values, 1)), values)


def _filled_levels(rows: SeriesRows) -> NDArray[Any]:
    """Return the levels with gaps filled by the value before, else by the next one of the series."""
    import pandas as pd

    levels = _levels(rows)
    if not np.isnan(levels).any():
        return levels
    return np.concatenate([pd.DataFrame(levels[start:stop]).ffill().bfill() for start, stop in rows.frame.bounds])


def _by_series(rows: SeriesRows) -> Iterator[tuple[NDArray[Any], slice]]:
    """Yield the training levels of each series, and the slice of the test origins that belong to it."""
    origins, levels = rows.origins("test"), _levels(rows)
    for (start, stop), cut in zip(rows.frame.bounds, rows.cuts, strict=True):
        first, end = np.searchsorted(origins, [start, stop])
        yield levels[slice(*cut.train)], slice(int(first), int(end))


def _repeat_last(rows: SeriesRows) -> NDArray[Any]:
    """Predict no change, with intervals from the changes of the training rows over as many rows."""
    horizon, quantiles = rows.spec.horizon, rows.spec.quantiles
    distances = np.empty((len(rows.origins("test")), rows.spec.targets, horizon, len(quantiles)))
    for training, own in _by_series(rows):
        for ahead in range(1, horizon + 1):
            changes = np.nanquantile(training[ahead:] - training[:-ahead], quantiles, axis=0).T
            distances[own, :, ahead - 1] = changes - changes[:, len(quantiles) // 2, None]
    return distances


def _drift(rows: SeriesRows) -> NDArray[Any]:
    """Predict the mean change of the training rows for each row ahead."""
    ahead = np.arange(1, rows.spec.horizon + 1)
    distances = np.empty((len(rows.origins("test")), rows.spec.targets, len(ahead), 1))
    for training, own in _by_series(rows):
        distances[own] = (np.nanmean(np.diff(training, axis=0), axis=0)[:, None] * ahead)[..., None]
    return distances


def _seasonal(rows: SeriesRows, origins: NDArray[Any]) -> NDArray[Any]:
    """Predict the value at the same position in the last season."""
    season, ahead, levels = int(rows.season or 1), np.arange(1, rows.spec.horizon + 1), _filled_levels(rows)
    source = origins[:, None] + ahead - season * np.ceil(ahead / season).astype(int)
    starts = np.array([start for start, _ in rows.frame.bounds])
    first = starts[np.searchsorted(starts, origins, side="right") - 1][:, None]
    source = np.where(source < first, origins[:, None], source)  # less than a season of rows: repeat the last value
    return np.asarray((levels[source] - levels[origins][:, None]).swapaxes(1, 2)[..., None])


def _linear(rows: SeriesRows, origins: NDArray[Any]) -> NDArray[Any]:
    """Predict by ridge regression on the window, one for each target."""
    levels, window = _filled_levels(rows), rows.spec.window
    training = rows.origins("train")
    training = training[np.unique(np.linspace(0, len(training) - 1, MAX_FITTED_VALUES // window).astype(int))]
    distances = [_regression(own, training, origins, window, rows.spec.horizon) for own in levels.T]
    return np.stack(distances, 1)[..., None]


def _regression(
    levels: NDArray[Any], training: NDArray[Any], origins: NDArray[Any], window: int, horizon: int
) -> NDArray[Any]:
    """Fit a regression of the next `horizon` levels on the last `window`, and predict with it.

    Args:
        levels: one target, `(rows,)`.
        training: the origins to fit to.
        origins: the origins to predict from.
        window: rows that the regression sees.
        horizon: rows that it predicts.

    Returns:
        Distances from the level at each origin, `(origins, horizon)`.
    """
    from sklearn.linear_model import Ridge

    unit = levels[training].std() or 1.0

    def inputs(rows: NDArray[Any]) -> NDArray[Any]:
        return np.asarray((levels[rows[:, None] + np.arange(1 - window, 0)] - levels[rows][:, None]) / unit)

    targets = levels[training[:, None] + np.arange(1, horizon + 1)] - levels[training][:, None]
    ridge = Ridge(RIDGE).fit(inputs(training), targets / unit)
    parts = np.array_split(origins, -(-len(origins) * window // MAX_PREDICTED_VALUES))
    predicted = [np.asarray(ridge.predict(inputs(part))).reshape(len(part), horizon) for part in parts]
    return np.concatenate(predicted) * unit
