"""N-gram language models with Witten-Bell smoothing (Witten & Bell 1991): the baseline of next-token prediction.

p(token | context) = (count(context, token) + kinds(context) × p(token | shorter context))
                     / (count(context) + kinds(context)),
where kinds(context) is how many different tokens followed it; below the unigram lies the uniform distribution.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.heads import Classified

Follower = tuple[NDArray[Any], NDArray[Any]]  # token ids and how often each followed


class NGram:
    """Counts of a token stream up to `order`; the distribution after any context."""

    def __init__(self, stream: NDArray[Any], order: int, size: int) -> None:
        self.order, self.size = order, size
        self.followers = [_followers(stream, length) for length in range(order)]

    def distribution(self, context: tuple[int, ...], order: int) -> NDArray[Any]:
        """Probabilities `(size,)` of the next token after the last `order` - 1 tokens of `context`."""
        probability = np.full(self.size, 1 / self.size)
        for length in range(order):
            if length > len(context):
                break
            found = self.followers[length].get(context[len(context) - length :])
            if found is None:
                break
            tokens, counts = found
            probability = probability * len(tokens)
            probability[tokens] += counts
            probability /= counts.sum() + len(tokens)
        return probability

    def score(self, contexts: list[tuple[int, ...]], actual: NDArray[Any], order: int) -> Classified:
        """Predictions of `actual` (n,), each after its context (the tokens before it, oldest first)."""
        ends: dict[tuple[int, ...], list[int]] = {}
        for index, context in enumerate(contexts):
            ends.setdefault(context[max(0, len(context) - order + 1) :] if order > 1 else (), []).append(index)
        predicted, logs = np.zeros(len(actual), int), np.zeros(len(actual))
        for context, indices in ends.items():
            probability = self.distribution(context, order)
            predicted[indices] = probability.argmax()
            logs[indices] = np.log(probability[actual[indices]])
        return Classified(actual, predicted, logs)

    def best_order(self, contexts: list[tuple[int, ...]], actual: NDArray[Any]) -> int:
        """The order from 2 up with the lowest cross-entropy on these (validation) tokens."""
        orders = range(2, self.order + 1)
        return max(orders, key=lambda order: float(np.mean(self.score(contexts, actual, order).logs)))


def _followers(stream: NDArray[Any], length: int) -> dict[tuple[int, ...], Follower]:
    """What followed each context of `length` tokens."""
    tokens = stream.tolist()
    counted = Counter(zip(*(tokens[start:] for start in range(length + 1)), strict=False))
    grouped: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for gram, count in counted.items():
        grouped.setdefault(gram[:-1], []).append((gram[-1], count))
    columns = {context: np.array(pairs).T for context, pairs in grouped.items()}
    return {context: (tokens, counts) for context, (tokens, counts) in columns.items()}
