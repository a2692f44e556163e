"""Batches of a split as tf.data: an order of indices in, encoded inputs, targets and weights out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Windows


def shuffled(windows: Windows, seed: int, epoch: int) -> NDArray[Any]:
    """The order of an epoch: fixed by seed and epoch alone, so that a resumed run can take it up in the middle."""
    return np.random.default_rng([seed, epoch]).permutation(windows.count)


def batches(windows: Windows, order: NDArray[Any], batch_size: int) -> Any:
    """A tf.data.Dataset of `(inputs, targets, weights)` batches in this order; the last one may be smaller."""
    import tensorflow as tf

    indices = tf.data.Dataset.from_tensor_slices(np.asarray(order, np.int64)).batch(batch_size)
    return indices.map(windows.gather, num_parallel_calls=2, deterministic=True).prefetch(2)
