"""What a sceptic would forecast a series by: its last value, its drift, its last season, a line through its window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline
from seqapp.contract.head import Estimated

if TYPE_CHECKING:
    from seqapp.tasks.series.dataset import SeriesDataset

FITTED, AT_ONCE = 20_000_000, 5_000_000  # values in the windows that the line is fitted to; in those of one product
RIDGE = 1.0  # of windows of unit size: little beside thousands of rows, enough for fifty


def baselines(dataset: SeriesDataset) -> dict[str, Baseline]:
    """By name, in raw units, each `(origins, targets * horizon, quantiles)`; the first has an interval."""
    origins = dataset.origins("test")
    actual, last = dataset.ahead(origins), dataset.last(origins).astype(float)
    target = dataset.task.columns[0].lower()
    means = {
        "repeat_last": (_still(dataset), f"repeating the last {'close' if target == 'close' else 'value'}"),
        "drift": (_drift(dataset), "the training split's drift"),
        "linear": (_linear(dataset, origins), "a linear autoregression on the same window"),
    }
    if dataset.season:
        means["seasonal_naive"] = (_seasonal(dataset, origins), f"the value {dataset.season} rows before")
    found = {}
    for name, (moved, description) in means.items():
        made = _back(dataset, moved, last)
        flat = made.reshape(len(origins), -1, made.shape[-1])
        found[name] = Baseline(Estimated(actual.reshape(len(origins), -1), flat), description)
    return found


def _back(dataset: SeriesDataset, distances: NDArray[Any], last: NDArray[Any]) -> NDArray[Any]:
    """Distances `(origins, targets, horizon, quantiles)` of levels or logarithms from the last values, raw."""
    logs = _logs(dataset)
    levels = distances + np.where(logs, np.log(np.where(logs, last, 1)), last)[..., None, None]
    return np.asarray(np.where(logs[:, None, None], np.exp(np.where(logs[:, None, None], levels, 0)), levels))


def _logs(dataset: SeriesDataset) -> NDArray[Any]:
    return np.array(dataset.task.logs[: dataset.task.targets])


def _levels(dataset: SeriesDataset) -> NDArray[Any]:
    """The targets of all rows, `(rows, targets)`, their logarithms where the task reads them."""
    logs, values = _logs(dataset), dataset.frame.values[:, : dataset.task.targets]
    return np.where(logs, np.log(np.where(logs, values, 1)), values)


def _filled(dataset: SeriesDataset) -> NDArray[Any]:
    """The same, gaps filled with the value before, else the next one of the series."""
    import pandas as pd

    levels = _levels(dataset)
    if not np.isnan(levels).any():
        return levels
    return np.concatenate([pd.DataFrame(levels[start:stop]).ffill().bfill() for start, stop in dataset.frame.bounds])


def _series(dataset: SeriesDataset) -> Iterator[tuple[NDArray[Any], slice]]:
    """Each series' training levels, and which of the test origins are its own."""
    origins, levels = dataset.origins("test"), _levels(dataset)
    for (start, stop), cut in zip(dataset.frame.bounds, dataset.cuts, strict=True):
        first, beyond = np.searchsorted(origins, [start, stop])
        yield levels[slice(*cut.train)], slice(int(first), int(beyond))


def _still(dataset: SeriesDataset) -> NDArray[Any]:
    """No change, with the interval that the training rows' changes over so many rows have around none."""
    horizon, quantiles = dataset.task.horizon, dataset.task.quantiles
    shape = (len(dataset.origins("test")), dataset.task.targets, horizon, len(quantiles))
    found = np.empty(shape)
    for training, own in _series(dataset):
        for ahead in range(1, horizon + 1):
            spread = np.nanquantile(training[ahead:] - training[:-ahead], quantiles, axis=0).T
            found[own, :, ahead - 1] = spread - spread[:, len(quantiles) // 2, None]
    return found


def _drift(dataset: SeriesDataset) -> NDArray[Any]:
    """The mean change of the training rows, each row ahead."""
    ahead = np.arange(1, dataset.task.horizon + 1)
    found = np.empty((len(dataset.origins("test")), dataset.task.targets, len(ahead), 1))
    for training, own in _series(dataset):
        found[own] = (np.nanmean(np.diff(training, axis=0), axis=0)[:, None] * ahead)[..., None]
    return found


def _seasonal(dataset: SeriesDataset, origins: NDArray[Any]) -> NDArray[Any]:
    """The values of the same place in the season before."""
    season, ahead, levels = int(dataset.season or 1), np.arange(1, dataset.task.horizon + 1), _filled(dataset)
    same = origins[:, None] + ahead - season * np.ceil(ahead / season).astype(int)
    starts = np.array([start for start, _ in dataset.frame.bounds])
    first = starts[np.searchsorted(starts, origins, side="right") - 1][:, None]
    same = np.where(same < first, origins[:, None], same)  # a series younger than its season repeats its last value
    return np.asarray((levels[same] - levels[origins][:, None]).swapaxes(1, 2)[..., None])


def _linear(dataset: SeriesDataset, origins: NDArray[Any]) -> NDArray[Any]:
    """Ridge regression of what comes on the window, each target on its own, for each row of the horizon."""
    levels = _filled(dataset)
    training = dataset.origins("train")
    training = training[np.unique(np.linspace(0, len(training) - 1, FITTED // dataset.task.window).astype(int))]
    lines = [_line(own, training, origins, dataset.task.window, dataset.task.horizon) for own in levels.T]
    return np.stack(lines, 1)[..., None]


def _line(
    levels: NDArray[Any], training: NDArray[Any], origins: NDArray[Any], window: int, horizon: int
) -> NDArray[Any]:
    """Distances `(origins, horizon)` of one target's `levels` `(rows,)`, by a line fitted to `training` origins."""
    from sklearn.linear_model import Ridge

    unit = levels[training].std() or 1.0

    def seen(rows: NDArray[Any]) -> NDArray[Any]:
        return np.asarray((levels[rows[:, None] + np.arange(1 - window, 0)] - levels[rows][:, None]) / unit)

    come = levels[training[:, None] + np.arange(1, horizon + 1)] - levels[training][:, None]
    line = Ridge(RIDGE).fit(seen(training), come / unit)
    parts = np.array_split(origins, -(-len(origins) * window // AT_ONCE))
    made = [np.asarray(line.predict(seen(part))).reshape(len(part), horizon) for part in parts]
    return np.concatenate(made) * unit
