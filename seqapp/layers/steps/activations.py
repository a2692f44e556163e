"""Activations, with derivatives computed from the activated values, so that the backward pass needs no other tensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from seqapp.contract import Tensor

FUNCTIONS = {"sigmoid": tf.sigmoid, "tanh": tf.tanh, "relu": tf.nn.relu, "linear": tf.identity}
_TANH_SCALE = {"sigmoid": 0.5, "tanh": 1.0}


@dataclass(frozen=True)
class Activations:
    """One activation for each of the equal blocks of columns of an array `(batch, blocks * units)`."""

    names: tuple[str, ...]

    def __call__(self, z: Tensor) -> list[Tensor]:
        """Return the activated blocks, each `(batch, units)`."""
        return [FUNCTIONS[name](block) for name, block in zip(self.names, self._blocks(z), strict=True)]

    def gradient(self, values: Tensor, upstream: Tensor) -> Tensor:
        """Return the gradient with respect to `z`.

        sigmoid(z) is tanh(z / 2) / 2 + 1 / 2: with m = 1/2 for sigmoid and 1 for tanh, both are m·tanh(m·z) + 1 - m,
        whose derivative is one formula over all columns; that vectorizes where four blocks side by side do not.

        Args:
            values: activated, `(batch, blocks * units)`.
            upstream: gradient with respect to `values`, in the same shape.
        """
        if all(name in _TANH_SCALE for name in self.names):
            units = values.shape[-1] // len(self.names)
            scale = tf.constant(np.repeat([_TANH_SCALE[name] for name in self.names], units), values.dtype)
            tanh = values - (1 - scale)  # m·tanh(m·z)
            return upstream * (scale * scale - tanh * tanh)
        slopes = [_slope(name, value) for name, value in zip(self.names, self._blocks(values), strict=True)]
        return upstream * tf.concat(slopes, -1)

    def _blocks(self, z: Tensor) -> list[Tensor]:
        return [z] if len(self.names) == 1 else list(tf.split(z, len(self.names), -1))


def _slope(name: str, value: Tensor) -> Tensor:
    """Return the derivative of an activation where its value is `value`."""
    if name == "sigmoid":
        return value * (1 - value)
    if name == "tanh":
        return 1 - value * value
    return tf.cast(value > 0, value.dtype) if name == "relu" else tf.ones_like(value)
