"""Two recurrent layers over the same sequence, one from its beginning and one from its end; Schuster & Paliwal 1997.

Keras's `Bidirectional` gives no initial state to step with, and at the last step of a sequence its half that reads
backwards has seen that step alone; here that half can be asked for what it knows when it has read all.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from seqapp.contract.head import Tensor


@keras.saving.register_keras_serializable("seqapp")
class BothWays(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    """`(batch, steps, features)` -> `(batch, steps, 2 * units)` and the states of both halves.

    Args:
        forward: a recurrent layer that returns sequences and states.
        backward: the same with `go_backwards`.
        finish: whether every step gets what the backward half knows at the end of its reading, the sequence's first
            step, in place of what it knows on its way there.
    """

    def __init__(self, forward: Any, backward: Any, finish: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.forward, self.backward, self.finish = forward, backward, finish

    def directions(self) -> list[Any]:
        """The two layers."""
        return [self.forward, self.backward]

    def build(self, shape: Any) -> None:
        """Both layers read the same."""
        for layer in self.directions():
            if not layer.built:
                layer.build(shape)
        self.built = True

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """Zeros, of the forward layer first."""
        return [state for layer in self.directions() for state in tf.nest.flatten(layer.get_initial_state(batch_size))]

    def call(
        self, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> tuple[Tensor, ...]:
        """The two sequences side by side, then all last states."""
        states = initial_state or self.get_initial_state(tf.shape(sequences)[0])
        half = len(tf.nest.flatten(self.forward.get_initial_state(1)))
        there, *ahead = self.forward(sequences, initial_state=states[:half], mask=mask, training=training)
        back, *behind = self.backward(sequences, initial_state=states[half:], mask=mask, training=training)
        back = tf.repeat(back[:, -1:], tf.shape(back)[1], 1) if self.finish else tf.reverse(back, [1])
        return tf.concat([there, back], -1), *ahead, *behind

    def compute_output_spec(self, sequences: Any, **options: Any) -> Any:
        """Shapes, without computing."""
        made = [layer.compute_output_spec(sequences) for layer in self.directions()]
        (there, *ahead), (back, *behind) = made
        width = there.shape[-1] + back.shape[-1]
        return keras.KerasTensor((*there.shape[:-1], width), dtype=there.dtype), *ahead, *behind

    def get_config(self) -> dict[str, Any]:
        """Both layers and `finish`."""
        held = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("forward", "backward")}
        config: dict[str, Any] = super().get_config()
        return config | held | {"finish": self.finish}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> BothWays:
        """The layer of a `get_config`."""
        held = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in ("forward", "backward")}
        return cls(**held, **config)
