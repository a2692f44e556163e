"""Long sequences read side by side, window after window: the state of one batch starts the next.

Truncated back-propagation through time (Williams & Peng 1990) over contiguous streams: gradients stop at the border
between two windows, the state does not. A state begins at zero where a document begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import WHOLE, Batch, Shard, Tensor
from seqapp.data.epochs import pipeline
from seqapp.system.tensorflow import tf

PIECE = 4  # windows: in training a long document is cut about as often, where a line begins, and begins again there
MIN_PIECE = 256  # tokens that a piece should have at least
CUTS = 10_000  # at most; a text so long is learned well in longer pieces too
ROW = 8192  # tokens that a stream should have at least when a split is scored
MAX_SINGLE_STREAM = 200_000  # tokens of a split that is scored as one stream; a longer one is read side by side
SIDE_BY_SIDE = 64  # streams at most where a longer split is scored
WARM_UP = 1024  # tokens read before a stream that is scored, unscored, where it does not begin with its document


Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
Rows = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]


class Chosen(NamedTuple):
    """What the streams read at a step, each `(rows,)`."""

    place: Places  # of the first token
    end: Places  # of its document
    first: Flags  # whether the document begins here
    reset: Flags  # whether the state starts at zero: there, and at the first step
    real: Flags  # whether the window counts

    def rows(self, shard: Shard) -> Chosen:
        """One worker's share of the streams."""
        rows = np.array_split(np.arange(len(self.place)), shard.count)[shard.index]
        return Chosen(*(np.asarray(part[rows]) for part in self))  # type: ignore[arg-type] # places and flags, in order


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
class StreamsEpoch:
    """One pass over streams as a `layout` has it, of which a worker reads its `shard` of the rows."""

    read: Callable[[Chosen], Rows]
    layout: Layout
    shard: Shard

    @property
    def steps(self) -> int:
        """Batches."""
        return self.layout.steps

    @property
    def rows(self) -> int:
        """Streams that this worker reads."""
        return len(np.array_split(np.arange(self.layout.rows), self.shard.count)[self.shard.index])

    def batches(self, start: int = 0) -> Any:
        """A tf.data.Dataset of the batches from number `start` on."""

        def read(step: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
            window = self.layout.at(int(step)).rows(self.shard)
            inputs, targets, weights = self.read(window)
            return inputs, targets, weights * window.real[:, np.newaxis].astype(np.float32), window.reset

        def gather(step: Tensor) -> Batch:
            *parts, reset = tf.numpy_function(read, [step], (tf.int32, tf.int32, tf.float32, tf.bool))
            shaped = [tf.ensure_shape(part, [self.rows, self.layout.length]) for part in parts]
            inputs, targets, weights = shaped
            return Batch(inputs, targets, weights, reset=tf.ensure_shape(reset, [self.rows]))

        return pipeline(tf.data.Dataset.range(start, self.steps), gather)

    def in_order(self, parts: list[NDArray[Any]]) -> NDArray[Any]:
        """One part of each batch `(rows, steps, …)`: streams one after the other, each in its own order."""
        return np.concatenate(parts, 1)


@dataclass(frozen=True)
class Streams:
    """One split: documents that follow each other, the i-th from token `starts[i]` to where the next one starts.

    `read(window)` gives inputs int32, targets int32 and weights float32, each `(rows, length)`. `border(places)` gives
    the next place from each on at which a line begins.
    """

    starts: Places  # ascending
    stop: int  # of the last document
    length: int
    read: Callable[[Chosen], Rows]
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

    @property
    def carries_state(self) -> bool:
        """Yes: a batch continues the streams of the batch before."""
        return True

    def training(self, batch_size: int, random: np.random.Generator, shard: Shard = WHOLE) -> StreamsEpoch:
        """Documents in random order, long ones in pieces: see `training_layout`."""
        return StreamsEpoch(self.read, self.training_layout(batch_size, random), shard)

    def scoring(self, batch_size: int | None = None, shard: Shard = WHOLE) -> StreamsEpoch:
        """Every window once, in order; without a batch size, in one stream while the split is short."""
        alone = self.tokens <= MAX_SINGLE_STREAM
        return StreamsEpoch(self.read, self.scoring_layout(batch_size or (1 if alone else SIDE_BY_SIDE)), shard)

    def first(self, count: int) -> Batch:
        """The first batch of an epoch of training, of at most `count` streams."""
        batch = next(iter(self.training(count, np.random.default_rng(0)).batches()))
        numpy: Batch = tf.nest.map_structure(np.asarray, batch)
        return numpy

    def probes(self, count: int, steps: int) -> Batch | None:
        """Sequences evenly spread over the documents; where these are shorter than `steps`, as long as half of them."""
        lengths = self.ends - self.starts
        longest = np.sort(lengths)[::-1]
        length = min(steps, int(longest[np.searchsorted(longest.cumsum(), longest.sum() / 2)]))  # of half of the text
        fitting = np.maximum(lengths - length + 1, 0)  # places of each document where a sequence can begin
        total = int(fitting.sum())
        number = np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))
        document = np.searchsorted(fitting.cumsum(), number, "right")
        start, end = self.starts[document], self.ends[document]
        place, real, read = start + number - (fitting.cumsum() - fitting)[document], np.ones(len(number), bool), []
        for offset in range(0, length, self.length):
            first = place + offset == start
            read.append(self.read(Chosen(place + offset, end, first, first, real)))
        inputs, targets = (np.concatenate(part, 1)[:, :length] for part in list(zip(*read, strict=True))[:2])
        return Batch(inputs, targets[:, -1], np.ones(len(number), np.float32))

    def training_layout(self, batch_size: int, random: np.random.Generator) -> Layout:
        """An epoch: documents in another order, long ones in pieces, cut elsewhere each time.

        A piece begins like a document, at a zero state, so that a text without a past is nothing new; and what is read
        in pieces overfits less (benchmarks/README.md). What fills no whole row is left out.
        """
        count = min(CUTS, max(1, self.tokens // self._piece))
        candidates = random.integers(self.starts[0], self.stop, count)
        cuts = self.border(candidates[self._long(candidates)])
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
        return max(PIECE * self.length, MIN_PIECE)

    def scoring_layout(self, rows: int) -> Layout:
        """Every window once, in order, in at most `rows` streams, each warmed up on what comes before it."""
        rows = max(1, min(rows, self.tokens // ROW))
        span = -(-self.count // rows)
        before = -(-WARM_UP // self.length) if rows > 1 else 0
        return Layout(self.starts, self.ends, self.length, rows, span + before, span, -before)


def _windows(begins: Places, ends: Places, length: int) -> Places:
    """How many windows each document has."""
    return -(-(ends - begins) // length)
