"""The verdict: one sentence on whether the model beats its baselines, from paired differences and not from a glance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import HIGHER_IS_BETTER, Baseline, Dataset
from seqapp.heads import Predictions

BLOCKS = 20  # consecutive cases are alike; means of 20 blocks are nearly independent
STUDENT = 2.093  # two-sided 5 % point of Student's t with 19 degrees of freedom


def verdict(dataset: Dataset, model: Predictions, baselines: Mapping[str, Baseline]) -> str:
    """Compare the model's test cases with each baseline's, by each metric that the dataset is judged by."""
    theirs = {name: dataset.cases(baseline.predictions) for name, baseline in baselines.items()}
    sentences = []
    for metric, ours in dataset.cases(model).items():
        compared = {name: cases[metric] for name, cases in theirs.items() if metric in cases}
        sentences.append(f"By {metric} on {len(ours)} test cases: {_standing(metric, ours, compared, baselines)}.")
    for name, baseline in baselines.items():
        if baseline.ceiling:
            metric, ours = next(iter(dataset.cases(model).items()))
            share = ours.mean() / theirs[name][metric].mean()
            sentences.append(f"It reaches {share:.1%} of {baseline.description}.")
    return " ".join(sentences)


def _standing(
    metric: str, ours: NDArray[Any], theirs: Mapping[str, NDArray[Any]], baselines: Mapping[str, Baseline]
) -> str:
    """In words: worse than X and no better than Y, but better than Z."""
    standing: dict[int, list[str]] = {-1: [], 0: [], 1: []}
    for name, cases in theirs.items():
        if not baselines[name].ceiling:
            standing[significant_gain(ours, cases, metric in HIGHER_IS_BETTER)].append(name)
    words = {-1: ("worse than", "or"), 0: ("no better than", "or"), 1: ("better than", "and")}
    parts = [
        f"{words[gain][0]} {_listed([baselines[name].description for name in names], words[gain][1])}"
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


def significant_gain(ours: NDArray[Any], theirs: NDArray[Any], higher_is_better: bool) -> int:
    """1 if ours is better, -1 if worse, 0 if the difference may be chance (paired t-test on block means, 5 %)."""
    with np.errstate(invalid="ignore"):
        difference = (ours - theirs) if higher_is_better else (theirs - ours)
    if len(difference) < 2 * BLOCKS or not np.isfinite(difference).all():
        mean = float(np.nan_to_num(difference).mean())
        return 0 if math.isclose(mean, 0.0, abs_tol=1e-12) else int(math.copysign(1, mean))
    means = np.array([block.mean() for block in np.array_split(difference, BLOCKS)])
    error = means.std(ddof=1) / math.sqrt(BLOCKS)
    return 0 if abs(means.mean()) <= STUDENT * error else int(math.copysign(1, means.mean()))


def _listed(names: list[str], word: str) -> str:
    return f" {word} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
