"""Recall: which symbol stood at the beginning, asked after a gap of distractors.

"C a f g b … ?" -> "C". One of A to H, then `--gap` tokens drawn from a to h, then the question mark. Nothing but the
first step tells the answer, so the network must hold it in its state for the whole gap.
"""

from __future__ import annotations

from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from seqapp.data import splits
from seqapp.tasks.classification.events import COUNTS, GAPS, QUESTION, EventDataset, EventTask

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


@click.option("--gap", default=20, show_default=True, type=GAPS, help="Distractors in a sequence.")
@click.option("--sequences", default=24000, show_default=True, type=COUNTS, help="Sequences in all.")
@splits.by_rows
def load(gap: int, sequences: int, split: str, seed: int) -> EventDataset:
    """Random sequences, cut into training, validation and test."""
    made, answers = drawn(sequences, gap, np.random.default_rng(seed))
    return EventDataset(Task((*SYMBOLS, *DISTRACTORS, QUESTION), SYMBOLS, made.shape[1]), made, answers, split)


def drawn(count: int, gap: int, random: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """`count` sequences.

    Returns:
        uint8 `(count, gap + 2)`: symbols are 0 to 7, distractors 8 to 15, the question mark 16; and the symbol, uint8
        `(count,)`.
    """
    first, question = len(SYMBOLS), len(SYMBOLS) + len(DISTRACTORS)
    made = random.integers(first, question, (count, gap + 2), np.uint8)
    made[:, 0] = random.integers(len(SYMBOLS), size=count)
    made[:, -1] = question
    return made, made[:, 0].copy()
