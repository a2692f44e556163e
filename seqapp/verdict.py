"""The verdict: one sentence on whether the model beats its baselines, from paired differences and not from a glance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline, Dataset
from seqapp.heads import Predictions

BLOCKS = 20  # consecutive cases are alike; means of 20 blocks are nearly independent
STUDENT = 2.093  # two-sided 5 % point of Student's t with 19 degrees of freedom


def verdict(dataset: Dataset, model: Predictions, baselines: Mapping[str, Baseline]) -> str:
    """Compare the model's test cases with each baseline's, by the dataset's deciding metric."""
    ours = dataset.cases(model)
    beaten: list[str] = []
    equal: list[str] = []
    ahead: list[str] = []
    ceilings: list[str] = []
    for baseline in baselines.values():
        theirs = dataset.cases(baseline.predictions)
        if baseline.ceiling:
            ceilings.append(f"It reaches {_percent(ours, theirs)} of {baseline.description}.")
            continue
        gain = significant_gain(ours, theirs, dataset.higher_is_better)
        (beaten if gain > 0 else ahead if gain < 0 else equal).append(baseline.description)
    parts = []
    if ahead:
        parts.append(f"worse than {_either(ahead)}")
    if equal:
        parts.append(f"no better than {_either(equal)}")
    if beaten:
        parts.append(f"better than {_both(beaten)}")
    sentence = ", but ".join(parts) if len(parts) < 3 else f"{parts[0]}, {parts[1]}, but {parts[2]}"
    return " ".join([f"By {dataset.metric} on {len(ours)} test cases: {sentence}.", *ceilings])


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


def _percent(ours: NDArray[Any], theirs: NDArray[Any]) -> str:
    return f"{100 * ours.mean() / theirs.mean():.1f} %"


def _both(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
