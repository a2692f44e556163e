"""Keras's embeddings, which leave a note on their output of which rows they looked up.

In training, a recurrent layer that reads the output multiplies its kernel with the rows of the table, once each, not
with every step of the sequence. The note rides on the tensor as Keras's own masks do; anything in between loses it. The
gradient then goes to the table and not through the output: ask for it there, or train with Keras's own Embedding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.layers.saving import saved_as_keras_own

LARGEST = 1024  # rows: with many more, multiplying each costs more than multiplying the steps


class Rows(NamedTuple):
    """Which rows of which table: `table` `(tokens, size)`, `ids` `(batch, steps)`."""

    table: Tensor
    ids: Tensor


@saved_as_keras_own
class Embedding(keras.layers.Embedding):  # type: ignore[misc] # Keras has no types
    """`keras.layers.Embedding`: same options, weights and output."""

    def call(self, inputs: Tensor) -> Tensor:
        """Rows of the table: `(batch, steps)` -> `(batch, steps, output_dim)`."""
        return _noted(self, inputs, super().call(inputs))


@saved_as_keras_own
class ReversibleEmbedding(keras.layers.ReversibleEmbedding):  # type: ignore[misc] # Keras has no types
    """`keras.layers.ReversibleEmbedding`, whose table also gives the scores of all tokens: same options and output."""

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        """Rows of the table, or `reverse`: scores `(batch, steps, input_dim)` of `(batch, steps, output_dim)`."""
        outputs: Any = super().call(inputs, reverse=reverse)
        return outputs if reverse else _noted(self, inputs, outputs)


def _noted(layer: Any, inputs: Tensor, outputs: Tensor) -> Tensor:
    plain = layer.input_dim <= LARGEST and not layer.lora_enabled and layer.quantization_mode is None
    if plain and isinstance(outputs, tf.Tensor):
        table = tf.cast(tf.convert_to_tensor(layer.embeddings), layer.compute_dtype)
        outputs._seqapp_rows = Rows(table, tf.cast(inputs, tf.int32))
    return outputs


def rows_of(sequences: Tensor) -> Rows | None:
    """What an `Embedding` looked up to make this tensor, if nothing came in between."""
    found: Rows | None = getattr(sequences, "_seqapp_rows", None)
    return found
