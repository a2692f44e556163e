"""Two recurrent layers over the same sequence, one from its beginning and one from its end; Schuster & Paliwal 1997.

Keras's `Bidirectional` has no initial state to step with, and at the last step of a sequence its backward layer has
read that step only; here every step can have the backward layer's last output, computed from the whole sequence.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.saving import saved_as


@saved_as("BothWays")
class Bidirectional(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    """`(batch, steps, features)` -> `(batch, steps, 2 * units)` and the last states of both layers.

    Args:
        forward_layer: a recurrent layer that returns sequences and states.
        backward_layer: the same with `go_backwards`.
        finish: whether every step has the backward layer's last output, at the sequence's first step, instead of its
            output at that step.
    """

    def __init__(self, forward_layer: Any, backward_layer: Any, finish: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.supports_masking = True
        # Keras saves weights under the names of these attributes; files of seqapp 0.1 have these
        self.forward, self.backward = forward_layer, backward_layer
        self.finish = finish

    @property
    def forward_layer(self) -> Any:
        """The layer that reads from the beginning."""
        return self.forward

    @property
    def backward_layer(self) -> Any:
        """The layer that reads from the end."""
        return self.backward

    def build(self, shape: Any) -> None:
        """Build both layers for the same input, `(batch, steps, features)`."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(shape)
        self.built = True

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """Return zeros, each `(batch, units)`, those of the forward layer first."""
        layers = (self.forward_layer, self.backward_layer)
        return [state for layer in layers for state in tf.nest.flatten(layer.get_initial_state(batch_size))]

    def call(
        self, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> tuple[Tensor, ...]:
        """Run both layers.

        Args:
            sequences: `(batch, steps, features)`.
            initial_state: as from `get_initial_state`; None: zeros.
            mask: bool `(batch, steps)`; both layers skip steps where it is False.
            training: whether dropout and zoneout apply.

        Returns:
            Outputs `(batch, steps, 2 * units)`, the forward layer's first; then its last states, then the backward
            layer's, each `(batch, units)`.
        """
        states = initial_state or self.get_initial_state(tf.shape(sequences)[0])
        count = len(tf.nest.flatten(self.forward_layer.get_initial_state(1)))
        ahead, *forward_states = self.forward_layer(
            sequences, initial_state=states[:count], mask=mask, training=training
        )
        back, *backward_states = self.backward_layer(
            sequences, initial_state=states[count:], mask=mask, training=training
        )
        back = tf.repeat(back[:, -1:], tf.shape(back)[1], 1) if self.finish else tf.reverse(back, [1])
        return tf.concat([ahead, back], -1), *forward_states, *backward_states

    def compute_output_spec(self, sequences: Any, **options: Any) -> Any:
        """Return symbolic outputs in the shapes of `call`."""
        ahead, *forward_states = self.forward_layer.compute_output_spec(sequences)
        back, *backward_states = self.backward_layer.compute_output_spec(sequences)
        shape = (*ahead.shape[:-1], ahead.shape[-1] + back.shape[-1])
        return keras.KerasTensor(shape, dtype=ahead.dtype), *forward_states, *backward_states

    def get_config(self) -> dict[str, Any]:
        """Return both layers' configs and `finish`."""
        config: dict[str, Any] = super().get_config()
        layers = {"forward": self.forward_layer, "backward": self.backward_layer}
        saved = {name: keras.saving.serialize_keras_object(layer) for name, layer in layers.items()}
        return config | saved | {"finish": self.finish}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Bidirectional:
        """Build a layer from a `get_config`."""
        forward, backward = (
            keras.saving.deserialize_keras_object(config.pop(name)) for name in ("forward", "backward")
        )
        return cls(forward, backward, **config)
