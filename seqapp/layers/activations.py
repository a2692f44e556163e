"""Activations side by side in one array, and their derivative from their own values: no input is kept for it.

sigmoid(z) is tanh(z / 2) / 2 + 1 / 2, so gates of both kinds are one tanh over all columns, which vectorises where a
concatenation of four results does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from seqapp.heads import Tensor

SCALE = {"sigmoid": 0.5, "tanh": 1.0}  # m in m·tanh(m·z) + 1 - m
COVERED = (*SCALE, "relu", "linear")


@dataclass(frozen=True)
class Activations:
    """One activation for each of the equal blocks of columns of an array `(batch, blocks * units)`."""

    names: tuple[str, ...]

    def __call__(self, z: Tensor) -> Tensor:
        """The activated array, in the shape of `z`."""
        if self._gated:
            scale = self._scale(z)
            return scale * tf.tanh(scale * z) + (1 - scale)
        return _side_by_side([getattr(tf.nn, name, tf.identity)(block) for name, block in self._blocks(z)])

    def gradient(self, values: Tensor, upstream: Tensor) -> Tensor:
        """The gradient with respect to `z`, from the activated values and the gradient with respect to them."""
        if self._gated:
            scale = self._scale(values)
            tanh = values - (1 - scale)  # m·tanh(m·z)
            return upstream * (scale * scale - tanh * tanh)
        pairs = zip(self._blocks(values), tf.split(upstream, len(self.names), -1), strict=True)
        return _side_by_side([block * _slope(name, value) for (name, value), block in pairs])

    @property
    def _gated(self) -> bool:
        return all(name in SCALE for name in self.names)

    def _scale(self, like: Tensor) -> Tensor:
        units = like.shape[-1] // len(self.names)
        return tf.constant(np.repeat([SCALE[name] for name in self.names], units), like.dtype)

    def _blocks(self, z: Tensor) -> list[tuple[str, Tensor]]:
        return list(zip(self.names, tf.split(z, len(self.names), -1), strict=True))


def _slope(name: str, value: Tensor) -> Tensor:
    """The derivative of an activation where its value is `value`."""
    if name == "sigmoid":
        return value * (1 - value)
    if name == "tanh":
        return 1 - value * value
    return tf.cast(value > 0, value.dtype) if name == "relu" else tf.ones_like(value)


def _side_by_side(blocks: list[Tensor]) -> Tensor:
    return tf.concat(blocks, -1) if len(blocks) > 1 else blocks[0]
