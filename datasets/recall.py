"""Recall: which symbol was at the start of a sequence, predicted after a gap of distractors.

"C a f g b … ?" -> "C". One of A to H, then `--gap` random tokens from a to h, then the question mark. Only the first
step determines the answer, so the network must keep it in its state for the whole gap.
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
    "epochs": 20,
    "batch_size": 64,
    "learning_rate": 0.005,
    "schedule": "constant",  # a network learns one symbol after the other, some of them late
    "patience": 99,
    "stop_below": 0.01,
}
SYMBOLS, DISTRACTORS = tuple("ABCDEFGH"), tuple("abcdefgh")


@dataclass(frozen=True)
class Options:
    """Options of the random sequences."""

    gap: int = gap_option(20, "Number of distractors in a sequence.")
    sequences: int = count_option()
    split: str = splits.split_option()


def load(options: Options, seed: int) -> EventDataset:
    """Generate random sequences and split them."""
    sequences, answers = random_sequences(options.sequences, options.gap, np.random.default_rng(seed))
    task = Task((*SYMBOLS, *DISTRACTORS, QUESTION), SYMBOLS, sequences.shape[1])
    return EventDataset(task, sequences, answers, options.split)


def random_sequences(count: int, gap: int, random: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Generate sequences.

    Args:
        count: number of sequences.
        gap: as the option.
        random: source of randomness.

    Returns:
        The sequences, uint8 `(count, gap + 2)`: symbols are 0 to 7, distractors 8 to 15, the question mark 16; and the
        symbols to recall, uint8 `(count,)`.
    """
    first, question = len(SYMBOLS), len(SYMBOLS) + len(DISTRACTORS)
    sequences = random.integers(first, question, (count, gap + 2), np.uint8)
    sequences[:, 0] = random.integers(len(SYMBOLS), size=count)
    sequences[:, -1] = question
    return sequences, sequences[:, 0].copy()
