"""Datasets whose answer is a category: metrics, and baselines for a category that follows another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Dataset, Metric
from seqapp.heads import CategoryRecord

SMOOTHING = 0.5  # added to every count, so that a category that was never seen has a probability above 0


class CategoryDataset(Dataset[CategoryRecord]):
    """A dataset judged by accuracy and log-loss; subclasses add examples and baselines."""

    @property
    def metrics(self) -> Sequence[Metric[CategoryRecord]]:
        """Accuracy, and log-loss where probabilities are known."""
        return CATEGORY_METRICS


def correct(record: CategoryRecord) -> NDArray[np.float64]:
    """1 for each case predicted right, else 0, `(cases,)`."""
    return np.asarray(record.actual == record.predicted, float)


def nats(record: CategoryRecord) -> NDArray[np.float64] | None:
    """Minus the log-probability of each case, `(cases,)`; None where probabilities are not known."""
    return None if record.log_probability is None else -record.log_probability


CATEGORY_METRICS = (Metric("accuracy", correct, higher_is_better=True), Metric("log_loss", nats))


def majority(train: NDArray[Any], actual: NDArray[Any], classes: int) -> CategoryRecord:
    """Predict by the training split's frequencies, whatever came before.

    Args:
        train: class numbers of the training split, `(cases,)`.
        actual: class numbers to predict, `(cases,)`.
        classes: number of classes.
    """
    counts = np.bincount(train, minlength=classes) + SMOOTHING
    return CategoryRecord.from_probability(actual, np.broadcast_to(counts / counts.sum(), (len(actual), classes)))


def repeat_last(
    train_last: NDArray[Any], train: NDArray[Any], last: NDArray[Any], actual: NDArray[Any], classes: int
) -> CategoryRecord:
    """Predict the last known category, with the probability that a repetition had on the training split.

    Args:
        train_last: the last known class before each training case, -1 for none, `(cases,)`.
        train: class numbers of the training split, `(cases,)`.
        last: as `train_last`, before the cases to predict; -1 gives every class the same probability.
        actual: class numbers to predict, `(cases,)`.
        classes: number of classes.
    """
    known = train_last >= 0
    repeats = ((train_last[known] == train[known]).sum() + SMOOTHING) / (known.sum() + SMOOTHING * classes)
    probability = np.full((len(actual), classes), (1 - repeats) / max(classes - 1, 1))
    probability[np.arange(len(actual)), last] = repeats
    probability[last < 0] = 1 / classes
    return CategoryRecord.from_probability(actual, probability)


def markov(
    train_state: NDArray[Any], train: NDArray[Any], state: NDArray[Any], actual: NDArray[Any], classes: int
) -> CategoryRecord:
    """Predict by how often each category followed the state before it on the training split.

    Args:
        train_state: the state before each training case, below `classes`; -1 (unknown) is a state too, `(cases,)`.
        train: class numbers of the training split, `(cases,)`.
        state: as `train_state`, before the cases to predict.
        actual: class numbers to predict, `(cases,)`.
        classes: number of classes.
    """
    counts = np.full((classes + 1, classes), SMOOTHING)
    np.add.at(counts, (train_state, train), 1)
    return CategoryRecord.from_probability(actual, counts[state] / counts[state].sum(-1, keepdims=True))
