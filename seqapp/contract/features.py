"""What goes into a network and into a SavedModel: tokens or vectors, examples of a split, signatures.

Part of the contract between a dataset and everything after it: seqapp/contract/__init__.py gives these names too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.head import Tensor


@dataclass(frozen=True)
class Tokens:
    """The network reads int32 ids `(batch, steps)` below `size`, through an embedding."""

    size: int


@dataclass(frozen=True)
class Vectors:
    """The network reads float32 `(batch, steps, size)`."""

    size: int


@dataclass(frozen=True)
class Windows:
    """`count` examples of one split; `gather(indices)` gives a batch of them with TensorFlow ops.

    `gather` takes int64 `(batch,)` and returns inputs `(batch, steps[, size])`, targets `(batch, steps[, ...])` and
    float32 weights `(batch, steps)`. The same index always gives the same example, so an epoch is an order of indices.
    """

    count: int
    gather: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]

    @classmethod
    def from_arrays(cls, inputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any]) -> Windows:
        """Windows that lie ready in memory, example first."""
        import tensorflow as tf

        held = [tf.constant(array) for array in (inputs, targets, np.asarray(weights, np.float32))]
        return cls(len(inputs), lambda indices: tuple(tf.gather(array, indices) for array in held))


@dataclass(frozen=True)
class Signature:
    """A function of the SavedModel: `inputs` are tf.TensorSpec by name, `function(**raw)` gives tensors by name."""

    inputs: Mapping[str, Any]
    function: Callable[..., dict[str, Tensor]]
