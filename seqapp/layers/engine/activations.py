"""Activations, and their derivative from their own values, so that nothing else is kept for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from seqapp.contract.head import Tensor

FUNCTIONS = {"sigmoid": tf.sigmoid, "tanh": tf.tanh, "relu": tf.nn.relu, "linear": tf.identity}
_SCALE = {"sigmoid": 0.5, "tanh": 1.0}


@dataclass(frozen=True)
class Activations:
    """One activation for each of the equal blocks of columns of an array `(batch, blocks * units)`."""

    names: tuple[str, ...]

    def __call__(self, z: Tensor) -> list[Tensor]:
        """The activated blocks, each `(batch, units)`."""
        return [FUNCTIONS[name](block) for name, block in zip(self.names, self._blocks(z), strict=True)]

    def gradient(self, values: Tensor, upstream: Tensor) -> Tensor:
        """The gradient with respect to `z`, from the activated values and the gradient with respect to them.

        sigmoid(z) is tanh(z / 2) / 2 + 1 / 2: with m = 1/2 for sigmoid and 1 for tanh, both are m·tanh(m·z) + 1 - m,
        whose derivative is one formula over all columns; that vectorises where four blocks side by side do not.
        """
        if all(name in _SCALE for name in self.names):
            units = values.shape[-1] // len(self.names)
            scale = tf.constant(np.repeat([_SCALE[name] for name in self.names], units), values.dtype)
            tanh = values - (1 - scale)  # m·tanh(m·z)
            return upstream * (scale * scale - tanh * tanh)
        slopes = [_slope(name, value) for name, value in zip(self.names, self._blocks(values), strict=True)]
        return upstream * tf.concat(slopes, -1)

    def _blocks(self, z: Tensor) -> list[Tensor]:
        return [z] if len(self.names) == 1 else list(tf.split(z, len(self.names), -1))


def _slope(name: str, value: Tensor) -> Tensor:
    """The derivative of an activation where its value is `value`."""
    if name == "sigmoid":
        return value * (1 - value)
    if name == "tanh":
        return 1 - value * value
    return tf.cast(value > 0, value.dtype) if name == "relu" else tf.ones_like(value)
