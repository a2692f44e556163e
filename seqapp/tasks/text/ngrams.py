"""N-gram language models with interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999): the text baseline.

p(token | context) = (c - D(c)) / c(context) + (what the discounts left) × p(token | context without its first token)

At the highest order c are counts. Below it they are continuation counts: after how many different tokens an n-gram was
seen. D is one of three discounts, for counts of 1, 2, and 3 or more. Below the unigram lies the uniform distribution.
Contexts and n-grams are numbered by order, so that all is done on whole arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.head import Classified

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class _Counts:
    """Counts of the n-grams of one order, with the sums that smoothing needs for each context."""

    each: Ids
    total: NDArray[Any]
    left: NDArray[Any]  # what the discounts take from each context
    discounts: NDArray[Any]

    @classmethod
    def of(cls, each: Ids, context: Ids, contexts: int) -> _Counts:
        """`each` and `context` `(n-grams,)`."""
        ones, twos, threes, fours = (int(np.count_nonzero(each == count)) for count in (1, 2, 3, 4))
        share = ones / max(ones + 2 * twos, 1)
        pairs = ((ones, twos), (twos, threes), (threes, fours))
        found = [
            number - (number + 1) * share * more / few if few else number / 2
            for number, (few, more) in enumerate(pairs, start=1)
        ]
        discounts = np.array([0.0, *(min(max(discount, 0.05), count) for count, discount in enumerate(found, 1))])
        taken = discounts[np.minimum(each, 3)]
        return cls(each, np.bincount(context, each, contexts), np.bincount(context, taken, contexts), discounts)

    def probability(self, gram: Ids, context: Ids, lower: NDArray[Any]) -> NDArray[Any]:
        """Of n-grams after contexts `(tokens,)`, -1 where never seen, given the next lower order's."""
        seen, total = context >= 0, self.total[context]
        count = np.where(gram >= 0, self.each[gram], 0)
        kept = count - self.discounts[np.minimum(count, 3)]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(seen & (total > 0), (kept + self.left[context] * lower) / total, lower)


@dataclass(frozen=True)
class _Order:
    """All n-grams of one order: sorted `keys`, a context's number × the vocabulary's size + the token."""

    keys: Ids
    raw: _Counts
    continued: _Counts
    likeliest: Ids  # after each context

    def find(self, keys: Ids) -> Ids:
        """Numbers of the n-grams, -1 where never seen."""
        place = np.searchsorted(self.keys, keys).clip(0, len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place, -1)


class NGram:
    """Counts of a stream of ids below `size`, up to `orders`."""

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

    def _add(self, counted: tuple[Ids, Ids, Ids, int], continued: Ids) -> None:
        keys, _, counts, contexts = counted
        context = keys // self.size
        ranked = np.lexsort((-counts, context))
        likeliest = np.zeros(contexts, np.int64)
        likeliest[context[ranked][::-1]] = (keys % self.size)[ranked][::-1]
        raw, continuing = (_Counts.of(each, context, contexts) for each in (counts, continued))
        self.orders.append(_Order(keys, raw, continuing, likeliest))

    def score(self, stream: NDArray[Any], start: int) -> list[Classified]:
        """Predictions of `stream[start:]`, each after all that stands before it, by order from 1 up.

        A guess is what came most often after the longest context that has been seen.
        """
        tokens = stream.astype(np.int64)
        context = np.zeros(len(tokens), np.int64)
        lower = np.full(len(tokens), 1 / self.size)
        guess, found = np.zeros(len(tokens), np.int64), []
        for order in self.orders:
            gram = np.where(context >= 0, order.find(context * self.size + tokens), -1)
            guess = np.where(context >= 0, order.likeliest[context], guess)
            logs = np.log(order.raw.probability(gram, context, lower))
            found.append(Classified(tokens[start:], guess[start:], logs[start:]))
            lower = order.continued.probability(gram, context, lower)
            context = np.concatenate([[-1], gram[:-1]])
        return found
