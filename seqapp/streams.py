"""Long sequences read side by side, window after window: the state of one batch starts the next.

Truncated back-propagation through time (Williams & Peng 1990) over contiguous streams: gradients stop at the border
between two windows, the state does not. A state begins at zero where a document begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

RESTARTS = 1 / 64  # of the windows in training begin at a zero state, so that short prompts are nothing new
LONG = 8  # windows: where a document holds as many, each epoch cuts it at other places
ROW = 8192  # tokens that a stream should have at least when a split is scored
WARM_UP = 1024  # tokens read before a stream that is scored, unscored, where it does not begin with its document


Batch = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True)
class Layout:
    """Which window each of `rows` streams reads at each of `steps`, worked out when it is asked for.

    The windows of all documents are numbered; row r reads number `offset + r * span + step`.
    """

    begins: NDArray[np.int64]  # of the documents in the order in which they are read
    ends: NDArray[np.int64]
    length: int
    rows: int
    steps: int
    span: int
    offset: int
    salt: int | None = None  # of the restarts in training, where numbers beyond the last window go on at the first

    @cached_property
    def behind(self) -> NDArray[np.int64]:
        """How many windows there are up to the end of each document."""
        return np.cumsum(_windows(self.begins, self.ends, self.length))

    def at(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """What is read at a step: the first token's place and the document's end `(rows, 2)`; whether the state begins
        at zero `(rows,)`; whether the window counts `(rows,)`.
        """
        number, count = self.offset + np.arange(self.rows) * self.span + step, int(self.behind[-1])
        if self.salt is None:
            real = (number < count) & (step + self.offset >= 0)
            number = number.clip(0, count - 1)
        else:
            real, number = np.ones(self.rows, bool), number % count
        document = np.searchsorted(self.behind, number, "right")
        within = number - np.append(0, self.behind)[document]
        windows = np.stack([self.begins[document] + within * self.length, self.ends[document]], 1)
        fresh = (within == 0) | (step == 0)
        if self.salt is not None:
            fresh |= np.random.default_rng([self.salt, step]).random(self.rows) < RESTARTS
        return windows, fresh, real


@dataclass(frozen=True)
class Streams:
    """One split: documents that follow each other, the i-th from token `starts[i]` to where the next one starts.

    `read(windows, fresh)` takes int64 `(rows, 2)` and bool `(rows,)` as in `Layout.at` and gives inputs int32, targets
    int32 and weights float32, each `(rows, length)`.
    """

    starts: NDArray[np.int64]  # ascending
    stop: int  # of the last document
    length: int
    read: Callable[[NDArray[np.int64], NDArray[np.bool_]], Batch]
    ending: int = 0  # 1 where the end of a document is predicted too, one place after its last token

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return self.stop - int(self.starts[0])

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where the documents end."""
        return np.append(self.starts[1:], self.stop) + self.ending

    @cached_property
    def count(self) -> int:
        """How many windows there are."""
        return int(_windows(self.starts, self.ends, self.length).sum())

    def rows(self, batch_size: int) -> int:
        """How many streams an epoch of training reads side by side: fewer than asked for where there is little text."""
        return min(batch_size, max(1, self.count // 2))

    def training(self, batch_size: int, random: np.random.Generator) -> Layout:
        """An epoch: documents in another order, long ones cut at other places; what fills no whole row is left out."""
        order = random.permutation(len(self.starts))
        begins, ends = self.starts[order], self.ends[order]
        begins = begins + np.where(ends - begins >= LONG * self.length, random.integers(self.length), 0)
        count, rows = int(_windows(begins, ends, self.length).sum()), self.rows(batch_size)
        steps, first = count // rows, int(random.integers(count))
        return Layout(begins, ends, self.length, rows, steps, steps, first, int(random.integers(2**62)))

    def scoring(self, rows: int) -> Layout:
        """Every window once, in order, in at most `rows` streams, each warmed up on what comes before it."""
        rows = max(1, min(rows, self.tokens // ROW))
        span = -(-self.count // rows)
        before = -(-WARM_UP // self.length) if rows > 1 else 0
        return Layout(self.starts, self.ends, self.length, rows, span + before, span, -before)


def _windows(begins: NDArray[np.int64], ends: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """How many windows each document has."""
    return -(-(ends - begins) // length)
