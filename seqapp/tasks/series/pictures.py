"""Pictures of a forecast: forecast and actual values, coverage of the intervals, error by rows ahead."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from seqapp.evaluation.figures import LINES, Draw
from seqapp.tasks.series.forecasts import Forecasts
from seqapp.tasks.series.rows import SeriesRows

MAX_ROWS = 150  # rows in a picture: with more the intervals cannot be seen


def pictures(rows: SeriesRows, model: str, forecasts: Mapping[str, Forecasts]) -> dict[str, Draw]:
    """Return functions that draw on matplotlib's Axes, by the name of the picture.

    Args:
        rows: the rows that were forecast.
        model: the name of the model in `forecasts`.
        forecasts: those of the model and of each baseline, by name.
    """
    with_intervals = {name: each for name, each in forecasts.items() if each.has_intervals}
    drawings: dict[str, Draw] = {
        "forecast": functools.partial(forecast, rows, forecasts[model]),
        "coverage": functools.partial(coverage, with_intervals),
    }
    if rows.spec.horizon > 1:
        drawings["error_by_horizon"] = functools.partial(error_by_horizon, forecasts)
    return drawings


def forecast(rows: SeriesRows, forecasts: Forecasts, axes: Any) -> None:
    """Draw the first target: with a horizon of 1 the last forecasts, else the last forecast and the rows before it."""
    spec, origins = rows.spec, rows.origins("test")
    if spec.horizon == 1:
        ahead, quantiles = origins[-MAX_ROWS:] + 1, forecasts.quantiles[-MAX_ROWS:, 0, 0]
        visible = ahead
    else:
        end, quantiles = int(origins[-1]) + 1 + spec.horizon, forecasts.quantiles[-1, 0]
        ahead = np.arange(end - spec.horizon, end)
        visible = np.arange(max(0, end - spec.horizon - max(3 * spec.horizon, 30)), end)
    for index, level in enumerate(spec.widest_first):
        lower, upper, gray = quantiles[:, index], quantiles[:, -1 - index], str(0.88 - 0.16 * index)
        axes.fill_between(ahead, lower, upper, color=gray, lw=0, label=f"{level:g} % interval")
    axes.plot(visible, rows.frame.values[visible, 0], "-", color="black", lw=1.2, label="actual")
    axes.plot(ahead, quantiles[:, len(spec.levels)], "--", color="black", lw=1.2, label="forecast")
    _label_rows(axes, rows, visible)
    name, unit = spec.columns[0], "row" if spec.horizon == 1 else "rows"
    axes.set(ylabel=name, title=f"{name}, {spec.horizon} {unit} ahead, test split")
    axes.legend(frameon=False)


def _label_rows(axes: Any, rows: SeriesRows, visible: Any) -> None:
    """Label the horizontal axis with five dates, or with row numbers if there are no dates."""
    if rows.frame.dates is None:
        axes.set(xlabel="row")
        return
    ticks = visible[np.linspace(0, len(visible) - 1, 5).astype(int)]
    axes.set_xticks(ticks, [rows.frame.dates[row].replace("T", "\n") for row in ticks])
    axes.set(xlabel="date")


def error_by_horizon(forecasts: Mapping[str, Forecasts], axes: Any) -> None:
    """Draw the mean absolute error of each row ahead, for the model and each baseline."""
    for (name, each), (color, style) in zip(forecasts.items(), LINES, strict=False):
        errors = [row["mae"] for row in each.by_horizon()]
        axes.plot(range(1, len(errors) + 1), errors, style, color=color, label=name)
    columns = next(iter(forecasts.values())).columns
    unit = columns[0] if len(columns) == 1 else "training standard deviations"
    axes.set(xlabel="rows ahead", ylabel=f"mean absolute error ({unit})", ylim=(0, None))
    axes.legend(frameon=False)


def coverage(forecasts: Mapping[str, Forecasts], axes: Any) -> None:
    """Draw the share of actual values inside each interval against the interval's nominal coverage."""
    levels = sorted(next(iter(forecasts.values())).levels)
    axes.plot([0, 100], [0, 100], ":", color="darkgrey", label="ideal")
    for (name, each), marker in zip(forecasts.items(), "os^v", strict=False):
        covered = [100 * each.covered(level).mean() for level in levels]
        axes.plot(levels, covered, marker, color="black", fillstyle="none", label=name)
    axes.set(xlabel="interval (%)", ylabel="covered on the test split (%)", xlim=(0, 102), ylim=(0, 102))
    axes.legend(frameon=False)
