"""Batches of a split as tf.data: an order of indices in, encoded inputs, targets and weights out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Windows
from seqapp.heads import Tensor

LENGTHS = 16  # steps


def shuffled(windows: Windows, seed: int, epoch: int) -> NDArray[Any]:
    """The order of an epoch: fixed by seed and epoch alone, so that a resumed run can take it up in the middle."""
    return np.random.default_rng([seed, epoch]).permutation(windows.count)


def batches(windows: Windows, order: NDArray[Any], batch_size: int) -> Any:
    """A tf.data.Dataset of `(inputs, targets, weights)` batches in this order, all of one size.

    The last one is filled up with its last window at weight 0, in a resumed epoch too, and windows whose length differs
    from batch to batch are made longer with steps of weight 0, to a multiple of `LENGTHS`: every new shape would be
    compiled anew.
    """
    import tensorflow as tf

    size = min(batch_size, windows.count)
    filled = np.pad(np.asarray(order, np.int64), (0, -len(order) % size), mode="edge")
    real = np.arange(len(filled)) < len(order)

    def gather(indices: Tensor, real: Tensor) -> tuple[Tensor, ...]:
        inputs, targets, weights = windows.gather(indices)
        weights = tf.where(tf.reshape(real, [-1] + [1] * (len(weights.shape) - 1)), weights, 0)
        same = inputs.shape[1] is not None
        return tuple(part if same else _lengthened(part) for part in (inputs, targets, weights))

    indices = tf.data.Dataset.from_tensor_slices((filled, real)).batch(size, drop_remainder=True)
    options = tf.data.Options()
    options.autotune.enabled = False  # its thread is waited for at the end of an epoch, for as long as the epoch took
    return indices.map(gather, num_parallel_calls=2, deterministic=True).prefetch(2).with_options(options)


def _lengthened(part: Tensor) -> Tensor:
    """The sequence `(batch, steps, ...)` with zeros at the end, up to a multiple of `LENGTHS` steps."""
    import tensorflow as tf

    return tf.pad(part, [[0, 0], [0, -tf.shape(part)[1] % LENGTHS]] + [[0, 0]] * (len(part.shape) - 2))
