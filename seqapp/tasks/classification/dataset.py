"""Baselines and metrics for a category that follows another: majority, repeat-last, Markov chain, accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Dataset
from seqapp.contract.head import Classified

UNSEEN = 0.5  # added to every count, so that no category that may happen has probability 0


class CategoryDataset(Dataset):
    """A dataset judged by the share of categories named right and by log-loss; windows and baselines are left to do."""

    def cases(self, predictions: Classified) -> dict[str, NDArray[Any]]:
        """1 for each step named right, else 0; and its nats where probabilities are known."""
        found = {"accuracy": (predictions.actual == predictions.predicted).astype(float)}
        return found if predictions.log_probability is None else found | {"log_loss": -predictions.logs}

    def metrics(self, predictions: Classified) -> dict[str, float]:
        """Accuracy, and log-loss where probabilities are known."""
        return category_metrics(predictions)


def majority(train: NDArray[Any], actual: NDArray[Any], classes: int) -> Classified:
    """The training split's frequencies, whatever came before. `train` and `actual` are class numbers `(n,)`."""
    counts = np.bincount(train, minlength=classes) + UNSEEN
    return Classified.from_probability(actual, np.broadcast_to(counts / counts.sum(), (len(actual), classes)))


def repeat_last(
    train_last: NDArray[Any], train: NDArray[Any], last: NDArray[Any], actual: NDArray[Any], classes: int
) -> Classified:
    """The last known category again, with the probability that it had on the training split.

    `last` is -1 where nothing is known yet: all categories are equal there.
    """
    known = train_last >= 0
    stays = ((train_last[known] == train[known]).sum() + UNSEEN) / (known.sum() + UNSEEN * classes)
    probability = np.full((len(actual), classes), (1 - stays) / max(classes - 1, 1))
    probability[np.arange(len(actual)), last] = stays
    probability[last < 0] = 1 / classes
    return Classified.from_probability(actual, probability)


def markov(
    train_state: NDArray[Any], train: NDArray[Any], state: NDArray[Any], actual: NDArray[Any], classes: int
) -> Classified:
    """How often each category followed the state before it on the training split; state -1 (unknown) is one of them."""
    counts = np.full((classes + 1, classes), UNSEEN)
    np.add.at(counts, (train_state, train), 1)
    return Classified.from_probability(actual, counts[state] / counts[state].sum(-1, keepdims=True))


def category_metrics(predictions: Classified) -> dict[str, float]:
    """`accuracy`, and `log_loss` in nats where probabilities are known."""
    measured = {"accuracy": float((predictions.actual == predictions.predicted).mean())}
    if predictions.log_probability is not None:
        measured["log_loss"] = float(-predictions.logs.mean())
    return measured


def draw(probability: NDArray[Any], temperature: float, random: np.random.Generator) -> int:
    """One index drawn from `probability ** (1 / temperature)`; the likeliest at temperature 0."""
    if temperature == 0:
        return int(probability.argmax())
    with np.errstate(divide="ignore"):
        logits = np.log(probability.astype(float)) / temperature
    weights = np.exp(logits - logits.max())
    return int(random.choice(len(weights), p=weights / weights.sum()))
