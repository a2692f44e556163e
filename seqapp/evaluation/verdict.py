"""The verdict: one sentence on whether the model beats its baselines, from paired differences and not from a glance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import HIGHER_IS_BETTER, Baseline, Dataset
from seqapp.contract.head import Predictions

SIGNIFICANT = 0.05


def verdict(dataset: Dataset, model: Predictions, baselines: Mapping[str, Baseline]) -> str:
    """Compare the model's test cases with each baseline's, by each metric that the dataset is judged by."""
    theirs = {name: dataset.cases(baseline.predictions) for name, baseline in baselines.items()}
    sentences = []
    for metric, ours in dataset.cases(model).items():
        compared = {name: cases[metric] for name, cases in theirs.items() if metric in cases}
        standing = _standing(metric, ours, compared, baselines, dataset.overlap)
        sentences.append(f"By {metric} on {len(ours)} test cases: {standing}.")
    for name, baseline in baselines.items():
        if baseline.ceiling:
            metric, ours = next(iter(dataset.cases(model).items()))
            share = ours.mean() / theirs[name][metric].mean()
            sentences.append(f"It reaches {share:.1%} of {baseline.description}.")
    return " ".join(sentences)


def _standing(
    metric: str,
    ours: NDArray[Any],
    theirs: Mapping[str, NDArray[Any]],
    baselines: Mapping[str, Baseline],
    overlap: int,
) -> str:
    """In words: worse than X and no better than Y, but better than Z."""
    standing: dict[int, list[str]] = {-1: [], 0: [], 1: []}
    beatable = {name: cases for name, cases in theirs.items() if not baselines[name].ceiling}
    for name, gain in gains(ours, beatable, metric in HIGHER_IS_BETTER, overlap).items():
        standing[gain].append(name)
    words = {-1: ("worse than", "or"), 0: ("no better than", "or"), 1: ("better than", "and")}
    parts = [
        f"{words[gain][0]} {listed([baselines[name].description for name in names], words[gain][1])}"
        for gain, names in standing.items()
        if names
    ]
    if not standing[1]:
        return " and ".join(parts)
    margin = min(_margin(metric, ours, theirs[name]) for name in standing[1])
    won = parts.pop() + (", the best of them by " if standing[1][1:] else " by ") + _said(metric, margin)
    return ", but ".join(part for part in (" and ".join(parts), won) if part)


def _margin(metric: str, ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """By how much ours is better: a difference of shares of successes, or the part of their error that ours lacks."""
    if metric in HIGHER_IS_BETTER:
        return float(ours.mean() - theirs.mean())
    return 1 - float(ours.mean() / theirs.mean())


def _said(metric: str, margin: float) -> str:
    return f"{100 * margin:.1f} points" if metric in HIGHER_IS_BETTER else f"{margin:.1%}"


def gains(
    ours: NDArray[Any], theirs: Mapping[str, NDArray[Any]], higher_is_better: bool, overlap: int = 1
) -> dict[str, int]:
    """For each of theirs 1 if ours is better, -1 if worse, 0 if the difference may be chance.

    At 5 %, two-sided, for all of them together (Holm 1979): who compares often is lucky sometimes. Cases are in time
    order, and `overlap` of them in a row see partly the same.
    """
    found, chances = {}, {}
    for name, cases in theirs.items():
        with np.errstate(invalid="ignore"):
            difference = (ours - cases) if higher_is_better else (cases - ours)
        mean = float(difference.mean())
        found[name] = 0 if math.isnan(mean) or math.isclose(mean, 0.0, abs_tol=1e-12) else int(math.copysign(1, mean))
        if np.isfinite(difference).all():  # what is infinitely worse needs no test
            chances[name] = probability_of_chance(difference, overlap)
    certain = True
    for place, name in enumerate(sorted(chances, key=lambda each: chances[each])):
        certain = certain and chances[name] * (len(chances) - place) < SIGNIFICANT
        found[name] *= int(certain)
    return found


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


def listed(names: list[str], word: str) -> str:
    """ "a, b and c"."""
    return f" {word} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
