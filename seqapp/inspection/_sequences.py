"""Sequences to probe a network with: each ends at a step that is scored, and all are as long as each other.

They come from the validation split only: the test split is read once, by `evaluate`. Leaves out what is done with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Dataset, Windows
from seqapp.data.streams import Chosen, Streams
from seqapp.errors import BadInput


@dataclass(frozen=True)
class Probes:
    """`inputs` `(n, steps[, size])`, read from a zero state; `targets` `(n, ...)` are those of the last step."""

    inputs: NDArray[Any]
    targets: NDArray[Any]

    @property
    def steps(self) -> int:
        """Length of the sequences."""
        return int(self.inputs.shape[1])

    def __len__(self) -> int:
        """How many sequences there are."""
        return len(self.inputs)


def probes(dataset: Dataset, count: int, steps: int) -> Probes:
    """At most `count` sequences of at most `steps` steps, evenly spread over the validation split.

    Where examples or documents are shorter than `steps`, the sequences are as long as half of them can fill. A sequence
    is the earliest part of its example that ends at a scored step, so it begins where the example does if it can.

    Raises:
        BadInput: the sequences would have less than two steps.
    """
    split = dataset.windows("validation")
    found = _of_streams(split, count, steps) if isinstance(split, Streams) else _of_windows(split, count, steps)
    if found is None or found.steps < 2:
        raise BadInput(
            "the validation split: expected sequences of at least 2 steps that end at a scored one, got none."
        )
    return found


def _of_windows(windows: Windows, count: int, steps: int) -> Probes | None:
    import tensorflow as tf

    spread = _evenly(windows.count, 2 * count)
    inputs, targets, weights = (np.asarray(part) for part in windows.gather(tf.constant(spread)))
    scored, width = weights > 0, weights.shape[1]
    reach = np.where(scored.any(1), width - scored[:, ::-1].argmax(1), 0)  # steps up to the last scored one
    length = min(steps, int(np.sort(reach)[len(reach) // 2]))
    if not length:
        return None
    ends = scored & (np.arange(width) >= length - 1)
    kept = np.flatnonzero(ends.any(1))
    kept = kept[_evenly(len(kept), count)]
    end = ends[kept].argmax(1)
    return Probes(inputs[kept[:, None], end[:, None] + np.arange(1 - length, 1)], targets[kept, end])


def _of_streams(streams: Streams, count: int, steps: int) -> Probes | None:
    lengths = streams.ends - streams.starts
    longest = np.sort(lengths)[::-1]
    length = min(steps, int(longest[np.searchsorted(longest.cumsum(), longest.sum() / 2)]))  # of half of the text
    fitting = np.maximum(lengths - length + 1, 0)  # places of each document where a sequence can begin
    number = _evenly(int(fitting.sum()), count)
    document = np.searchsorted(fitting.cumsum(), number, "right")
    start, end = streams.starts[document], streams.ends[document]
    place, real, read = start + number - (fitting.cumsum() - fitting)[document], np.ones(len(number), bool), []
    for offset in range(0, length, streams.length):
        first = place + offset == start
        read.append(streams.read(Chosen(place + offset, end, first, first, real)))
    inputs, targets = (np.concatenate(part, 1)[:, :length] for part in list(zip(*read, strict=True))[:2])
    return Probes(inputs, targets[:, -1])


def _evenly(total: int, count: int) -> NDArray[np.int64]:
    """At most `count` numbers below `total`, evenly spread, ascending: 10, 3 -> 0, 4, 9."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))
