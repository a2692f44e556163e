"""Frames: a small picture at each step, read as one flat vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.options import NetworkOptions
from seqapp.system.tensorflow import keras, tf


@dataclass(frozen=True)
class Frames:
    """The network reads float32 `(batch, steps, height, width, channels)`, brightness from 0 to 1."""

    height: int
    width: int
    channels: int = 1

    @property
    def size(self) -> int:
        """Numbers of one frame."""
        return self.height * self.width * self.channels

    def spec(self) -> Any:
        """float32 `(batch, steps, height, width, channels)`."""
        return tf.TensorSpec([None, None, self.height, self.width, self.channels], tf.float32)

    def random_values(self, batch: int, steps: int, random: np.random.Generator) -> NDArray[Any]:
        """Brightness, all values equally likely."""
        return random.random((batch, steps, self.height, self.width, self.channels), np.float32)

    def reader(self, options: NetworkOptions, name: str = "") -> Any:
        """A layer that flattens each frame."""
        return keras.layers.Reshape((-1, self.size), name=f"{name}flatten")

    def fault(self, values: NDArray[Any]) -> tuple[str, str] | None:
        """NaN or infinity."""
        return None if np.isfinite(values).all() else ("finite numbers", "NaN or infinity")
