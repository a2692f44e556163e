"""Sequences that views read: of one length, each ending at a scored step.

They come from the validation split only: the test split is read once, by `evaluate`.
"""

from __future__ import annotations

from typing import Any

from seqapp.contract import Batch, Dataset
from seqapp.errors import BadInput


def sequences(dataset: Dataset[Any], count: int, steps: int) -> Batch:
    """At most `count` sequences of at most `steps` steps, spread over the validation split.

    Raises:
        BadInput: the sequences would have fewer than two steps.
    """
    batch = dataset.examples("validation").probes(count, steps)
    if batch is None or batch.inputs.shape[1] < 2:
        raise BadInput(
            "the validation split: expected sequences of at least 2 steps that end at a scored one, got none."
        )
    return batch
