"""N-gram language models with interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999).

p(token | context) = (c - D(c)) / c(context) + (mass of the discounts) × p(token | context without its first token)

At the highest order, c are counts. Below it they are continuation counts: the number of different tokens after which an
n-gram was seen. D is one of three discounts, for counts of 1, 2, and 3 or more. Below the unigram is the uniform
distribution. Contexts and n-grams are numbered by order, so that every operation is on whole arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.heads import CategoryRecord

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class _Counts:
    """Counts of the n-grams of one order, and the sums that smoothing needs for each context."""

    each: Ids  # (n-grams,)
    total: NDArray[Any]  # (contexts,)
    discounted: NDArray[Any]  # (contexts,), the mass that the discounts take away
    discounts: NDArray[Any]  # (4,), by count, the last one for 3 or more

    @classmethod
    def of(cls, each: Ids, context: Ids, contexts: int) -> _Counts:
        """Sum counts by context.

        Args:
            each: how often each n-gram was seen, `(n-grams,)`.
            context: the number of each n-gram's context, `(n-grams,)`.
            contexts: how many contexts there are.
        """
        discounts = _discounts(each)
        counted = discounts[np.minimum(each, 3)]
        return cls(each, np.bincount(context, each, contexts), np.bincount(context, counted, contexts), discounts)

    def probability(self, gram: Ids, context: Ids, lower: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of n-grams after contexts, `(tokens,)`.

        Args:
            gram: numbers of the n-grams, -1 where never seen.
            context: numbers of their contexts, -1 where never seen.
            lower: the probabilities by the next lower order.
        """
        seen, total = context >= 0, self.total[context]
        count = np.where(gram >= 0, self.each[gram], 0)
        rest = count - self.discounts[np.minimum(count, 3)]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(seen & (total > 0), (rest + self.discounted[context] * lower) / total, lower)


def _discounts(each: Ids) -> NDArray[Any]:
    """Return the discounts for counts of 0, 1, 2, and 3 or more: n - (n + 1) Y c(n + 1) / c(n), between 0.05 and n."""
    ones, twos, threes, fours = (int(np.count_nonzero(each == count)) for count in (1, 2, 3, 4))
    share = ones / max(ones + 2 * twos, 1)  # Y
    pairs = ((ones, twos), (twos, threes), (threes, fours))
    estimates = [
        number - (number + 1) * share * more / few if few else number / 2
        for number, (few, more) in enumerate(pairs, start=1)
    ]
    return np.array([0.0, *(min(max(discount, 0.05), count) for count, discount in enumerate(estimates, 1))])


@dataclass(frozen=True)
class _Order:
    """All n-grams of one order."""

    keys: Ids  # (n-grams,), ascending: the context's number × the size of the vocabulary + the token
    raw: _Counts
    continuation: _Counts
    likeliest: Ids  # (contexts,), the most frequent token after each

    def find(self, keys: Ids) -> Ids:
        """Return the numbers of n-grams by their keys, -1 where never seen."""
        index = np.searchsorted(self.keys, keys).clip(0, len(self.keys) - 1)
        return np.where(self.keys[index] == keys, index, -1)


class NGram:
    """An n-gram model.

    Args:
        stream: token ids `(tokens,)` to count.
        orders: the highest order.
        size: number of ids.
    """

    def __init__(self, stream: NDArray[Any], orders: int, size: int) -> None:
        self.size = size
        self.orders: list[_Order] = []
        tokens = stream.astype(np.int64)
        context, contexts = np.zeros(len(tokens), np.int64), 1  # of each token, at this order
        below: tuple[Ids, Ids, Ids, int] | None = None  # the order before: keys, n-gram of each token, counts, contexts
        for order in range(orders):
            keys, first, gram, counts = np.unique(
                context * size + tokens[order:], return_index=True, return_inverse=True, return_counts=True
            )
            if below is not None:  # each n-gram continues the shorter one that ends with it
                self._add(below, np.bincount(below[1][1:][first], minlength=len(below[0])))
            below = keys, gram, counts, contexts
            context, contexts = gram[:-1], len(keys)
        if below is not None:
            self._add(below, below[2])

    def _add(self, order: tuple[Ids, Ids, Ids, int], continuations: Ids) -> None:
        keys, _, counts, contexts = order
        context = keys // self.size
        ranked = np.lexsort((-counts, context))
        likeliest = np.zeros(contexts, np.int64)
        likeliest[context[ranked][::-1]] = (keys % self.size)[ranked][::-1]
        raw, continuation = (_Counts.of(each, context, contexts) for each in (counts, continuations))
        self.orders.append(_Order(keys, raw, continuation, likeliest))

    def score(self, stream: NDArray[Any], start: int) -> list[CategoryRecord]:
        """Predict `stream[start:]`, each token from all that precede it.

        The predicted token is the most frequent one after the longest context that has been seen.

        Args:
            stream: token ids `(tokens,)`.
            start: the first token to predict.

        Returns:
            The predictions of each order from 1 up.
        """
        tokens = stream.astype(np.int64)
        context = np.zeros(len(tokens), np.int64)
        lower = np.full(len(tokens), 1 / self.size)
        predicted, by_order = np.zeros(len(tokens), np.int64), []
        for order in self.orders:
            gram = np.where(context >= 0, order.find(context * self.size + tokens), -1)
            predicted = np.where(context >= 0, order.likeliest[context], predicted)
            logs = np.log(order.raw.probability(gram, context, lower))
            by_order.append(CategoryRecord(tokens[start:], predicted[start:], logs[start:]))
            lower = order.continuation.probability(gram, context, lower)
            context = np.concatenate([[-1], gram[:-1]])
        return by_order
