"""Paired tests: whether a difference between two models' test cases may be chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Summarize = Callable[[NDArray[Any]], Any]

SIGNIFICANT = 0.05
RESAMPLES = 1000


def gains(
    ours: NDArray[Any],
    theirs: Mapping[str, NDArray[Any]],
    higher_is_better: bool,
    overlap: int = 1,
    summarize: Summarize = np.mean,
) -> dict[str, int]:
    """Compare our test cases with those of others, at 5 %, two-sided, for all comparisons together.

    Args:
        ours: values of a metric `(cases,)`, or statistics `(cases, statistics)`, in time order.
        theirs: the same of others, by name.
        higher_is_better: whether a larger value is better.
        overlap: how many consecutive cases share a part of what they look at.
        summarize: the metric of cases, if these are statistics.

    Returns:
        By name 1 if ours is better, -1 if worse, 0 if the difference may be chance.
    """
    signs, chances, direction = {}, {}, 1 if higher_is_better else -1
    for name, cases in theirs.items():
        if ours.ndim == 1:
            signs[name], chance = _of_means(direction * ours, direction * cases, overlap)
        else:
            signs[name], chance = _of_resamples(summarize, ours, cases, direction)
        if chance is not None:
            chances[name] = chance
    sure = holm(chances)
    return {name: sign if sure.get(name, True) else 0 for name, sign in signs.items()}


def holm(chances: Mapping[str, float]) -> dict[str, bool]:
    """Which of several differences are significant at 5 % for all of them together (Holm 1979).

    Args:
        chances: p-values by name.
    """
    sure, rest = {}, True
    for place, name in enumerate(sorted(chances, key=lambda each: chances[each])):
        rest = rest and chances[name] * (len(chances) - place) < SIGNIFICANT
        sure[name] = rest
    return sure


def _of_means(ours: NDArray[Any], theirs: NDArray[Any], overlap: int) -> tuple[int, float | None]:
    """Sign and p-value of the mean difference; an infinite difference needs no test."""
    with np.errstate(invalid="ignore"):
        difference = ours - theirs
    sign = _sign(float(difference.mean()))
    return sign, probability_of_chance(difference, overlap) if np.isfinite(difference).all() else None


def _of_resamples(summarize: Summarize, ours: NDArray[Any], theirs: NDArray[Any], direction: int) -> tuple[int, float]:
    """Sign and p-value of a metric that is not the mean of cases, by paired bootstrap (Koehn 2004)."""
    random, count = np.random.default_rng(0), len(ours)
    difference = summarize(ours) - summarize(theirs)
    draws = [random.integers(0, count, count) for _ in range(RESAMPLES)]
    resampled = np.array([summarize(ours[rows]) - summarize(theirs[rows]) for rows in draws])
    against = int((resampled * np.sign(difference) <= 0).sum())
    return direction * _sign(difference), min(1.0, 2 * (against + 1) / (RESAMPLES + 1))


def _sign(value: float) -> int:
    return 0 if math.isnan(value) or math.isclose(value, 0.0, abs_tol=1e-12) else int(math.copysign(1, value))


def probability_of_chance(difference: NDArray[Any], overlap: int) -> float:
    """Two-sided p-value of a mean difference of 0, of case-by-case differences `(cases,)` in time order.

    The test of Diebold & Mariano 1995 with the small-sample correction of Harvey, Leybourne & Newbold 1997. The
    long-run variance takes lags as far as cases overlap, and at least as far as Newey & West 1994 ask for, with
    Bartlett's weights: losses come in calm and in wild stretches, so that neighbours are alike.
    """
    from scipy.stats import t

    count = len(difference)
    lags = min(count - 1, max(overlap - 1, int(4 * (count / 100) ** (2 / 9))))
    centred = difference - difference.mean()
    covariances = [float(centred[lag:] @ centred[: count - lag]) / count for lag in range(lags + 1)]
    variance = covariances[0] + 2 * sum((1 - lag / (lags + 1)) * part for lag, part in enumerate(covariances[1:], 1))
    if variance <= 1e-24:  # the same difference each time: a sign test
        return 2 * 0.5**count if difference.any() else 1.0
    correction = (count + 1 - 2 * overlap + overlap * (overlap - 1) / count) / count
    statistic = abs(difference.mean()) * math.sqrt(max(correction, 0.0) / (variance / count))
    return float(2 * t.sf(statistic, count - 1))
