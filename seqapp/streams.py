"""Long sequences read side by side, window after window: the state of one batch starts the next.

Truncated back-propagation through time (Williams & Peng 1990) over contiguous streams: gradients stop at the border
between two windows, the state does not. A state begins at zero where a document begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqapp.heads import Tensor

RESTARTS = 1 / 64  # of the windows in training begin at a zero state, so that short prompts are nothing new
LONG = 8  # windows: where a document holds as many, each epoch cuts it at other places
ROW = 8192  # tokens that a stream should have at least when a split is scored
WARM_UP = 1024  # tokens read before a stream that is scored, unscored, where it does not begin with its document


class Layout(NamedTuple):
    """Which window each stream reads at each step."""

    windows: NDArray[np.int64]  # (steps, rows, 2): its first token's place, and where its document ends
    fresh: NDArray[np.bool_]  # (steps, rows): whether the state begins at zero
    real: NDArray[np.bool_]  # (steps, rows): whether the window counts


@dataclass(frozen=True)
class Streams:
    """One split: documents that follow each other, the i-th from token `starts[i]` to where the next one starts.

    `gather(windows, fresh)` takes int64 `(batch, 2)` and bool `(batch,)` as in `Layout` and gives inputs
    `(batch, length)`, targets `(batch, length)` and float32 weights `(batch, length)` with TensorFlow ops.
    """

    starts: NDArray[np.int64]  # ascending
    stop: int  # of the last document
    length: int
    gather: Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
    ending: int = 0  # 1 where the end of a document is predicted too, one place after its last token

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return self.stop - int(self.starts[0])

    @property
    def count(self) -> int:
        """How many windows there are."""
        return len(self._windows(self.starts, self._ends)[0])

    @property
    def _ends(self) -> NDArray[np.int64]:
        return np.append(self.starts[1:], self.stop) + self.ending

    def rows(self, batch_size: int) -> int:
        """How many streams an epoch of training reads side by side: fewer than asked for where there is little text."""
        return min(batch_size, max(1, self.count // 2))

    def training(self, batch_size: int, random: np.random.Generator) -> Layout:
        """An epoch: documents in another order, long ones cut at other places; what fills no whole row is left out."""
        order = random.permutation(len(self.starts))
        begins, ends = self.starts[order], self._ends[order]
        begins = begins + np.where(ends - begins >= LONG * self.length, random.integers(self.length), 0)
        windows, fresh = self._windows(begins, ends)
        shift = int(random.integers(len(windows)))
        rows = self.rows(batch_size)
        steps = len(windows) // rows
        windows = np.roll(windows, -shift, 0)[: steps * rows].reshape(rows, steps, 2).swapaxes(0, 1)
        fresh = np.roll(fresh, -shift, 0)[: steps * rows].reshape(rows, steps).swapaxes(0, 1)
        fresh = fresh | (random.random(fresh.shape) < RESTARTS)
        fresh[0] = True
        return Layout(windows, fresh, np.ones_like(fresh))

    def scoring(self, rows: int) -> Layout:
        """Every window once, in order, in at most `rows` streams, each warmed up on what comes before it."""
        windows, fresh = self._windows(self.starts, self._ends)
        rows = max(1, min(rows, self.tokens // ROW))
        steps = -(-len(windows) // rows)
        before = -(-WARM_UP // self.length) if rows > 1 else 0
        places = np.arange(-before, steps)[:, np.newaxis] + np.arange(rows) * steps
        real = (np.arange(-before, steps)[:, np.newaxis] >= 0) & (places < len(windows))
        places = places.clip(0, len(windows) - 1)
        fresh = fresh[places]
        fresh[0] = True
        return Layout(windows[places], fresh, real)

    def _windows(
        self, begins: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """All windows `(windows, 2)` of documents in this order, and whether each is its document's first."""
        counts = -(-(ends - begins) // self.length)
        document = np.repeat(np.arange(len(begins)), counts)
        number = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.stack([begins[document] + number * self.length, ends[document]], 1), number == 0
