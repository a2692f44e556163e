"""The verdict: one sentence on whether the model beats its baselines, decided by paired tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline, Dataset, Metric
from seqapp.evaluation.significance import gains

WORDS = {-1: ("worse than", "or"), 0: ("no better than", "or"), 1: ("better than", "and")}


def judged(dataset: Dataset[Any], record: Any) -> dict[str, NDArray[Any]]:
    """The test cases of a record by the metrics that the verdict is about."""
    cases = {metric.name: metric.cases(record) for metric in dataset.metrics if metric.judged}
    return {name: values for name, values in cases.items() if values is not None}


def verdict(dataset: Dataset[Any], record: Any, baselines: Mapping[str, Baseline[Any]]) -> str:
    """Compare the model's test cases with each baseline's, by each metric that the dataset is judged by."""
    theirs = {name: judged(dataset, baseline.predictions) for name, baseline in baselines.items()}
    metrics = {metric.name: metric for metric in dataset.metrics}
    ours = judged(dataset, record)
    sentences = []
    for name, cases in ours.items():
        comparable = {baseline: each[name] for baseline, each in theirs.items() if name in each}
        standing = _standing(metrics[name], cases, comparable, baselines, dataset.overlap)
        sentences.append(f"By {name} on {len(cases)} test cases: {standing}.")
    for baseline, about in baselines.items():
        if about.ceiling:
            name, cases = next(iter(ours.items()))
            share = metrics[name].summarize(cases) / metrics[name].summarize(theirs[baseline][name])
            sentences.append(f"It reaches {share:.1%} of {about.description}.")
    return " ".join(sentences)


def _standing(
    metric: Metric[Any],
    ours: NDArray[Any],
    theirs: Mapping[str, NDArray[Any]],
    baselines: Mapping[str, Baseline[Any]],
    overlap: int,
) -> str:
    """In words: worse than X and no better than Y, but better than Z."""
    standing: dict[int, list[str]] = {-1: [], 0: [], 1: []}
    beatable = {name: cases for name, cases in theirs.items() if not baselines[name].ceiling}
    for name, gain in gains(ours, beatable, metric.higher_is_better, overlap, metric.summarize).items():
        standing[gain].append(name)
    parts = [
        f"{WORDS[gain][0]} {enumerated([baselines[name].description for name in names], WORDS[gain][1])}"
        for gain, names in standing.items()
        if names
    ]
    if not standing[1]:
        return " and ".join(parts)
    margin = min(_margin(metric, ours, theirs[name]) for name in standing[1])
    by = f"{100 * margin:.1f} points" if metric.higher_is_better else f"{margin:.1%}"
    won = parts.pop() + (", the best of them by " if standing[1][1:] else " by ") + by
    return ", but ".join(part for part in (" and ".join(parts), won) if part)


def _margin(metric: Metric[Any], ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """By how much ours is better: a difference of shares of successes, or the part of their error that ours lacks."""
    our_value, their_value = (np.float64(metric.summarize(cases)) for cases in (ours, theirs))
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(our_value - their_value if metric.higher_is_better else 1 - our_value / their_value)


def enumerated(names: list[str], word: str) -> str:
    """Join names: "a, b and c"."""
    return f" {word} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
