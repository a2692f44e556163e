"""Batches as tf.data pipelines: examples gathered by index, all batches of one size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import WHOLE, Batch, Shard, Tensor
from seqapp.system.tensorflow import tf

LENGTHS = 16  # steps


def batches(gather: Callable[[Tensor], Batch], order: NDArray[Any], batch_size: int, shard: Shard = WHOLE) -> Any:
    """Build a tf.data.Dataset of batches, all of one size.

    The last batch is filled up with its last example at weight 0, in a resumed epoch too. Axes of steps whose size
    differs from batch to batch are padded at the end with zeros to a multiple of `LENGTHS`: every new shape would be
    compiled again.

    Args:
        gather: int64 `(batch,)` -> the examples with these indices.
        order: indices of examples, `(examples,)`.
        batch_size: rows of a global batch.
        shard: which of these rows to read.
    """
    filled = np.pad(np.asarray(order, np.int64), (0, -len(order) % batch_size), mode="edge")
    real = np.arange(len(filled)) < len(order)
    rows = np.array_split(np.arange(batch_size), shard.count)[shard.index]
    filled = filled.reshape(-1, batch_size)[:, rows].reshape(-1)
    real = real.reshape(-1, batch_size)[:, rows].reshape(-1)

    def padded(indices: Tensor, real: Tensor) -> Batch:
        batch = gather(indices)
        weights = tf.where(tf.reshape(real, [-1] + [1] * (len(batch.weights.shape) - 1)), batch.weights, 0)
        lengthened: Batch = tf.nest.map_structure(_lengthened, batch._replace(weights=weights))
        return lengthened

    return pipeline(tf.data.Dataset.from_tensor_slices((filled, real)).batch(len(rows), drop_remainder=True), padded)


def pipeline(indices: Any, gather: Callable[..., Batch]) -> Any:
    """Map a tf.data.Dataset of indices to batches, in order, a little ahead of the training step."""
    options = tf.data.Options()
    options.autotune.enabled = False  # its thread is waited for at the end of an epoch, for as long as the epoch took
    return indices.map(gather, num_parallel_calls=2, deterministic=True).prefetch(2).with_options(options)


def _lengthened(part: Tensor) -> Tensor:
    """`(batch, steps, …)` with zeros at the end up to a multiple of `LENGTHS` steps, if its steps are not fixed."""
    if len(part.shape) < 2 or part.shape[1] is not None:
        return part
    return tf.pad(part, [[0, 0], [0, -tf.shape(part)[1] % LENGTHS]] + [[0, 0]] * (len(part.shape) - 2))
