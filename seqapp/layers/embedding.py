"""Keras's embeddings, whose outputs carry the table and ids that they were looked up with.

In training, a recurrent layer that reads such an output multiplies its kernel with each row of the table once, not with
every step of the sequence. The lookup travels on the tensor as Keras's own masks do; any layer in between loses it. The
gradient then goes to the table and not through the output: to differentiate with respect to the output, use Keras's
own Embedding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.saving import saved_as_keras_layer

MAX_ROWS = 1024  # with many more, multiplying each row of the table costs more than multiplying the steps


class Lookup(NamedTuple):
    """The rows of `table` `(tokens, size)` at `ids` int32 `(batch, steps)`."""

    table: Tensor
    ids: Tensor


@saved_as_keras_layer
class Embedding(keras.layers.Embedding):  # type: ignore[misc] # Keras has no types
    """`keras.layers.Embedding`: same options, weights and output."""

    def call(self, inputs: Tensor) -> Tensor:
        """Return rows of the table: `(batch, steps)` -> `(batch, steps, output_dim)`."""
        return _attach_lookup(self, inputs, super().call(inputs))


@saved_as_keras_layer
class ReversibleEmbedding(keras.layers.ReversibleEmbedding):  # type: ignore[misc] # Keras has no types
    """`keras.layers.ReversibleEmbedding`, whose table also scores all tokens: same options, weights and output."""

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        """Return rows of the table, `(batch, steps, output_dim)`, or score such rows, `(batch, steps, input_dim)`."""
        outputs: Any = super().call(inputs, reverse=reverse)
        return outputs if reverse else _attach_lookup(self, inputs, outputs)


def _attach_lookup(layer: Any, inputs: Tensor, outputs: Tensor) -> Tensor:
    plain = layer.input_dim <= MAX_ROWS and not layer.lora_enabled and layer.quantization_mode is None
    if plain and isinstance(outputs, tf.Tensor):
        table = tf.cast(tf.convert_to_tensor(layer.embeddings), layer.compute_dtype)
        outputs._seqapp_lookup = Lookup(table, tf.cast(inputs, tf.int32))
    return outputs


def lookup_of(sequences: Tensor) -> Lookup | None:
    """Return the lookup that produced this tensor; None unless it is an embedding's own output."""
    lookup: Lookup | None = getattr(sequences, "_seqapp_lookup", None)
    return lookup
