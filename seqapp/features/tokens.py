"""Tokens: ids below a count, read through an embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.options import NetworkOptions
from seqapp.system.tensorflow import keras, tf


@dataclass(frozen=True)
class Tokens:
    """The network reads int32 ids `(batch, steps)` below `size`, through an embedding."""

    size: int

    def spec(self) -> Any:
        """int32 `(batch, steps)`."""
        return tf.TensorSpec([None, None], tf.int32)

    def random_values(self, batch: int, steps: int, random: np.random.Generator) -> NDArray[Any]:
        """Ids, all equally likely."""
        return random.integers(0, self.size, (batch, steps), np.int32)

    def reader(self, options: NetworkOptions, name: str = "") -> Any:
        """An embedding; with `tie_embeddings` one whose table also gives the scores of all tokens."""

        from seqapp.layers import Embedding, ReversibleEmbedding

        if options.tie_embeddings:
            small = keras.initializers.RandomUniform(-0.1, 0.1)  # the rows are the head's weights too
            return ReversibleEmbedding(self.size, options.units, embeddings_initializer=small, name=f"{name}embedding")
        unit = keras.initializers.RandomNormal(stddev=1.0)  # Keras's 0.05 takes three times as many epochs to learn
        return Embedding(self.size, min(self.size, options.units), unit, name=f"{name}embedding")

    def fault(self, values: NDArray[Any]) -> tuple[str, str] | None:
        """Ids outside 0 to `size` - 1."""
        low, high = int(values.min()), int(values.max())
        if low >= 0 and high < self.size:
            return None
        return f"numbers from 0 to {self.size - 1}", f"{low} to {high}"
