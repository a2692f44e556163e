"""What there is to see of a forecast: what came beside it, its errors by rows ahead, what its intervals cover."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from seqapp.api.pictures import LINES, Draw
from seqapp.contract import Baseline
from seqapp.contract.head import Estimated
from seqapp.tasks.series.metrics import Measured

if TYPE_CHECKING:
    from seqapp.tasks.series.dataset import SeriesDataset

MOST = 150  # rows in a picture: more would hide the intervals


def pictures(dataset: SeriesDataset, model: str, said: Estimated, baselines: Mapping[str, Baseline]) -> dict[str, Draw]:
    """By name, of the first target."""
    named = {model: said} | {name: one.predictions for name, one in baselines.items()}
    measured = {name: dataset.measured(one) for name, one in named.items()}  # type: ignore[arg-type]
    drawn: dict[str, Draw] = {
        "forecast": functools.partial(forecast, dataset, measured[model]),
        "coverage": functools.partial(coverage, {name: one for name, one in measured.items() if one.bounded}),
    }
    if dataset.task.horizon > 1:
        drawn["error_by_horizon"] = functools.partial(error_by_horizon, measured)
    return drawn


def forecast(dataset: SeriesDataset, measured: Measured, axes: Any) -> None:
    """One row ahead: each of the last forecasts against what came. Further: the last forecast, and what led to it."""
    task, name = dataset.task, dataset.task.columns[0]
    if task.horizon == 1:
        rows, shown = dataset.origins("test")[-MOST:] + 1, slice(-MOST, None)
        known, quantiles = rows, measured.quantiles[shown, 0, 0]
    else:
        origin = int(dataset.origins("test")[-1])
        rows, quantiles = np.arange(origin + 1, origin + 1 + task.horizon), measured.quantiles[-1, 0]
        known = np.arange(max(0, origin + 1 - max(3 * task.horizon, 30)), origin + 1 + task.horizon)
    widest = sorted(task.levels, reverse=True)
    for place, level in enumerate(widest):
        grey = str(0.88 - 0.16 * place)
        axes.fill_between(
            rows, quantiles[:, place], quantiles[:, -1 - place], color=grey, lw=0, label=f"{level:g} % interval"
        )
    axes.plot(known, dataset.frame.values[known, 0], "-", color="black", lw=1.2, label="what came")
    axes.plot(rows, quantiles[:, len(widest)], "--", color="black", lw=1.2, label="forecast")
    if dataset.frame.dates is None:
        axes.set(xlabel="row")
    else:
        places = np.linspace(0, len(known) - 1, 5).astype(int)
        axes.set_xticks(known[places], [dataset.frame.dates[known[place]].replace("T", "\n") for place in places])
        axes.set(xlabel="date")
    axes.set(ylabel=name, title=f"{name}, {task.horizon} {'row' if task.horizon == 1 else 'rows'} ahead, test split")
    axes.legend(frameon=False)


def error_by_horizon(measured: Mapping[str, Measured], axes: Any) -> None:
    """The mean absolute error of each row ahead, of the model and each baseline."""
    for (name, one), (color, style) in zip(measured.items(), LINES, strict=False):
        errors = [row["mae"] for row in one.by_horizon()]
        axes.plot(range(1, len(errors) + 1), errors, style, color=color, label=name)
    columns = next(iter(measured.values())).columns
    unit = columns[0] if len(columns) == 1 else "training standard deviations"
    axes.set(xlabel="rows ahead", ylabel=f"mean absolute error ({unit})", ylim=(0, None))
    axes.legend(frameon=False)


def coverage(measured: Mapping[str, Measured], axes: Any) -> None:
    """The share of what came that lies inside each interval, against the share that the interval says."""
    first = next(iter(measured.values()))
    axes.plot([0, 100], [0, 100], ":", color="darkgrey", label="as they say")
    for (name, one), mark in zip(measured.items(), "os^v", strict=False):
        inside = [100 * one.inside(level).mean() for level in sorted(first.levels)]
        axes.plot(sorted(first.levels), inside, mark, color="black", fillstyle="none", label=name)
    axes.set(xlabel="interval (%)", ylabel="covered on the test split (%)", xlim=(0, 102), ylim=(0, 102))
    axes.legend(frameon=False)
