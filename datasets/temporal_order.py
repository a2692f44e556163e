"""Temporal order: in which order two events came, asked at the end of a long sequence of noise.

"a d … X … b … Y … c ?" -> "XY". Each event is X or Y. The first stands at a random place in the second tenth of the
sequence, the other in the sixth; all else is drawn from a, b, c and d. Experiment 6 of Hochreiter & Schmidhuber 1997,
placed as in Pascanu, Mikolov & Bengio 2013.
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
    "epochs": 12,
    "batch_size": 64,
    "learning_rate": 0.003,
    "schedule": "constant",
    "patience": 99,
    "stop_below": 0.01,
}
EVENTS, NOISE = ("X", "Y"), ("a", "b", "c", "d")
CLASSES = ("XX", "XY", "YX", "YY")  # the class's number in binary: 1 is Y


@click.option("--gap", default=50, show_default=True, type=GAPS, help="Tokens before the question.")
@click.option("--sequences", default=24000, show_default=True, type=COUNTS, help="Sequences in all.")
@splits.by_rows
def load(gap: int, sequences: int, split: str, seed: int) -> EventDataset:
    """Random sequences, cut into training, validation and test."""
    made, answers = drawn(sequences, gap, np.random.default_rng(seed))
    return EventDataset(Task((*EVENTS, *NOISE, QUESTION), CLASSES, made.shape[1]), made, answers, split)


def drawn(count: int, gap: int, random: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """`count` sequences.

    Returns:
        uint8 `(count, gap + 1)`: events are 0 and 1, noise 2 to 5, the question mark 6; and the classes, uint8
        `(count,)`.
    """
    first, question = len(EVENTS), len(EVENTS) + len(NOISE)
    made = random.integers(first, question, (count, gap + 1), np.uint8)
    events = random.integers(len(EVENTS), size=(count, 2), dtype=np.uint8)
    for event, tenth in enumerate((1, 5)):  # [gap / 10, 2 gap / 10) and [5 gap / 10, 6 gap / 10)
        places = random.integers(tenth * gap // 10, (tenth + 1) * gap // 10, count)
        made[np.arange(count), places] = events[:, event]
    made[:, -1] = question
    return made, 2 * events[:, 0] + events[:, 1]
