"""Temporal order: in which order two events occurred, predicted at the end of a long sequence of noise.

"a d … X … b … Y … c ?" -> "XY". Each event is X or Y. The first is at a random place in the second tenth of the
sequence, the other in the sixth; the rest is random tokens from a to d. Experiment 6 of Hochreiter & Schmidhuber 1997,
with the places of Pascanu, Mikolov & Bengio 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.data import splits
from seqapp.tasks.classification.events import QUESTION, EventDataset, EventTask, count_option, gap_option

Task = EventTask
DEFAULTS = {
    "units": 64,
    "epochs": 12,
    "batch_size": 64,
    "learning_rate": 0.003,
    "schedule": "constant",
    "patience": 99,
    "stop_below": 0.01,
}
EVENTS, NOISE = ("X", "Y"), ("a", "b", "c", "d")
CLASSES = ("XX", "XY", "YX", "YY")  # the class's number in binary: 1 is Y


@dataclass(frozen=True)
class Options:
    """Options of the random sequences."""

    gap: int = gap_option(50, "Number of tokens before the question.")
    sequences: int = count_option()
    split: str = splits.split_option()


def load(options: Options, seed: int) -> EventDataset:
    """Generate random sequences and split them."""
    sequences, answers = random_sequences(options.sequences, options.gap, np.random.default_rng(seed))
    task = Task((*EVENTS, *NOISE, QUESTION), CLASSES, sequences.shape[1])
    return EventDataset(task, sequences, answers, options.split)


def random_sequences(count: int, gap: int, random: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Generate sequences.

    Args:
        count: number of sequences.
        gap: as the option.
        random: source of randomness.

    Returns:
        The sequences, uint8 `(count, gap + 1)`: events are 0 and 1, noise 2 to 5, the question mark 6; and the classes,
        uint8 `(count,)`.
    """
    first, question = len(EVENTS), len(EVENTS) + len(NOISE)
    sequences = random.integers(first, question, (count, gap + 1), np.uint8)
    events = random.integers(len(EVENTS), size=(count, 2), dtype=np.uint8)
    for event, tenth in enumerate((1, 5)):  # [gap / 10, 2 gap / 10) and [5 gap / 10, 6 gap / 10)
        steps = random.integers(tenth * gap // 10, (tenth + 1) * gap // 10, count)
        sequences[np.arange(count), steps] = events[:, event]
    sequences[:, -1] = question
    return sequences, 2 * events[:, 0] + events[:, 1]
