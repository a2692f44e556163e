"""Long sequences read side by side, window after window: the state of one batch starts the next.

Truncated back-propagation through time (Williams & Peng 1990) over contiguous streams: gradients stop at the border
between two windows, the state does not. A state begins at zero where a document begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PIECE = 4  # windows: in training a long document is cut about as often, where a line begins, and begins anew there
SHORT = 256  # tokens that a piece should have at least
CUTS = 10_000  # at most; a text so long is learned well in longer pieces too
ROW = 8192  # tokens that a stream should have at least when a split is scored
WARM_UP = 1024  # tokens read before a stream that is scored, unscored, where it does not begin with its document


Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
Batch = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]


class Chosen(NamedTuple):
    """What the streams read at a step, each `(rows,)`."""

    place: Places  # of the first token
    end: Places  # of its document
    first: Flags  # whether the document begins here
    fresh: Flags  # whether the state begins at zero: there, and at the first step
    real: Flags  # whether the window counts


@dataclass(frozen=True)
class Layout:
    """Which window each of `rows` streams reads at each of `steps`, worked out when it is asked for.

    The windows of all documents are numbered; row r reads number `offset + r * span + step`.
    """

    begins: Places  # of the documents in the order in which they are read
    ends: Places
    length: int
    rows: int
    steps: int
    span: int
    offset: int
    wraps: bool = False  # whether numbers beyond the last window go on at the first

    @cached_property
    def behind(self) -> Places:
        """How many windows there are up to the end of each document."""
        return np.cumsum(_windows(self.begins, self.ends, self.length))

    def at(self, step: int) -> Chosen:
        """What is read at a step."""
        number, count = self.offset + np.arange(self.rows) * self.span + step, int(self.behind[-1])
        real = (number < count) & (step + self.offset >= 0) | self.wraps
        number = number % count if self.wraps else number.clip(0, count - 1)
        document = np.searchsorted(self.behind, number, "right")
        within = number - np.append(0, self.behind)[document]
        place, first = self.begins[document] + within * self.length, within == 0
        return Chosen(place, self.ends[document], first, first | (step == 0), real)


@dataclass(frozen=True)
class Streams:
    """One split: documents that follow each other, the i-th from token `starts[i]` to where the next one starts.

    `read(chosen)` gives inputs int32, targets int32 and weights float32, each `(rows, length)`. `border(places)` gives
    the next place from each on at which a line begins.
    """

    starts: Places  # ascending
    stop: int  # of the last document
    length: int
    read: Callable[[Chosen], Batch]
    border: Callable[[Places], Places]
    ending: int = 0  # 1 where the end of a document is predicted too, one place after its last token

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return self.stop - int(self.starts[0])

    @cached_property
    def ends(self) -> Places:
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
        """An epoch: documents in another order, long ones in pieces, cut elsewhere each time.

        A piece begins like a document, at a zero state, so that a text without a past is nothing new; and what is read
        in pieces is less easily learned by heart (benchmarks/README.md). What fills no whole row is left out.
        """
        count = min(CUTS, max(1, self.tokens // self._piece))
        drawn = random.integers(self.starts[0], self.stop, count)
        cuts = self.border(drawn[self._long(drawn)])
        cuts = cuts[(cuts < self.stop) & ~np.isin(cuts - 1, self.starts)]
        begins = np.unique(np.concatenate([self.starts, cuts]))
        closed = np.append(np.isin(begins[1:], self.starts), True)  # before a cut nothing ends
        ends = np.append(begins[1:], self.stop) + self.ending * closed
        order = random.permutation(len(begins))
        begins, ends = begins[order], ends[order]
        count, rows = int(_windows(begins, ends, self.length).sum()), self.rows(batch_size)
        steps, first = count // rows, int(random.integers(count))
        return Layout(begins, ends, self.length, rows, steps, steps, first, wraps=True)

    def _long(self, places: Places) -> NDArray[np.bool_]:
        """Whether the documents at these places are longer than a piece."""
        document = np.searchsorted(self.starts, places, "right") - 1
        return (self.ends - self.starts)[document] > self._piece

    @property
    def _piece(self) -> int:
        """Tokens of a piece, about."""
        return max(PIECE * self.length, SHORT)

    def scoring(self, rows: int) -> Layout:
        """Every window once, in order, in at most `rows` streams, each warmed up on what comes before it."""
        rows = max(1, min(rows, self.tokens // ROW))
        span = -(-self.count // rows)
        before = -(-WARM_UP // self.length) if rows > 1 else 0
        return Layout(self.starts, self.ends, self.length, rows, span + before, span, -before)


def _windows(begins: Places, ends: Places, length: int) -> Places:
    """How many windows each document has."""
    return -(-(ends - begins) // length)
