"""Datasets whose answer is a category: metrics, and baselines for a category that follows another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Dataset
from seqapp.contract.head import Classified

SMOOTHING = 0.5  # added to every count, so that a category that was never seen has a probability above 0


class CategoryDataset(Dataset):
    """A dataset judged by accuracy and log-loss; subclasses add windows and baselines."""

    def cases(self, predictions: Classified) -> dict[str, NDArray[Any]]:
        """Return 1 for each step predicted right, else 0; and its nats where probabilities are known, `(steps,)`."""
        correct = {"accuracy": (predictions.actual == predictions.predicted).astype(float)}
        return correct if predictions.log_probability is None else correct | {"log_loss": -predictions.logs}

    def metrics(self, predictions: Classified) -> dict[str, float]:
        """Return accuracy, and log-loss where probabilities are known."""
        return category_metrics(predictions)


def majority(train: NDArray[Any], actual: NDArray[Any], classes: int) -> Classified:
    """Predict by the training split's frequencies, whatever came before.

    Args:
        train: class numbers of the training split, `(cases,)`.
        actual: class numbers to predict, `(cases,)`.
        classes: number of classes.
    """
    counts = np.bincount(train, minlength=classes) + SMOOTHING
    return Classified.from_probability(actual, np.broadcast_to(counts / counts.sum(), (len(actual), classes)))


def repeat_last(
    train_last: NDArray[Any], train: NDArray[Any], last: NDArray[Any], actual: NDArray[Any], classes: int
) -> Classified:
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
    return Classified.from_probability(actual, probability)


def markov(
    train_state: NDArray[Any], train: NDArray[Any], state: NDArray[Any], actual: NDArray[Any], classes: int
) -> Classified:
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
    return Classified.from_probability(actual, counts[state] / counts[state].sum(-1, keepdims=True))


def category_metrics(predictions: Classified) -> dict[str, float]:
    """Return `accuracy`, and `log_loss` in nats where probabilities are known."""
    metrics = {"accuracy": float((predictions.actual == predictions.predicted).mean())}
    if predictions.log_probability is not None:
        metrics["log_loss"] = float(-predictions.logs.mean())
    return metrics
