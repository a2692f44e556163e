"""Sentences that belong to the verdict: whether forecasts lag behind the series, and how good their direction is."""

from __future__ import annotations

import numpy as np

from seqapp.evaluation.significance import gains
from seqapp.tasks.series.forecasts import Forecasts

MAX_LAG = 5  # rows


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
