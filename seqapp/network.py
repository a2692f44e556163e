"""The network: a chain of Keras layers, some of them recurrent, over a whole sequence or one step at a time.

Built by the factory from a model file's `layer`. As a Keras model it maps a sequence to a sequence; as a chain it can
also be stepped with its state in hand, which is what generation needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqapp.contract import Task, Tokens
from seqapp.errors import BadInput
from seqapp.heads import Tensor


@dataclass(frozen=True)
class Shape:
    """How the factory stacks: `layers` recurrent layers of `units`, `dropout` (fraction) after each, on an engine."""

    units: int
    layers: int
    dropout: float
    engine: str = "fast"  # of seqapp/layers, or "keras"


class Network:
    """A Keras model that is a chain: `(batch, steps[, size])` -> `(batch, steps, head.units)`, causal."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.chain = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]

    def __call__(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Outputs of every step, the state starting at zero."""
        return self.model(inputs, training=training)

    def start(self, batch: Tensor) -> list[Any]:
        """The zero state of every recurrent layer for `batch` rows."""
        import tensorflow as tf

        states = [layer.get_initial_state(batch) for layer in self.chain if _is_recurrent(layer)]
        return [tf.nest.map_structure(tf.convert_to_tensor, state) for state in states]

    def step(self, inputs: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Go on from `states` over inputs `(batch, steps[, size])`: outputs of every step, and the last states."""
        import tensorflow as tf

        old, new = iter(states), []
        for layer in self.chain:
            if _is_recurrent(layer):
                state = next(old)
                inputs, *after = layer(inputs, initial_state=state, training=False)
                new.append(tf.nest.pack_sequence_as(state, tf.nest.flatten(after)))
            else:
                inputs = layer(inputs)
        return inputs, new

    def avoid_cudnn(self) -> None:
        """Keep cuDNN's ops, which no CPU can run, out of every graph traced from here on."""
        for layer in self.model._flatten_layers():
            if hasattr(layer, "use_cudnn"):
                layer.use_cudnn = False


def build(task: Task, layer: Callable[..., Any], shape: Shape, seed: int = 0) -> Network:
    """The factory: what the task reads, then `shape.layers` of the model file's `layer`, then the head it asks for.

    Args:
        task: says what goes in and how wide the head is.
        layer: `layer(units, name)` gives a recurrent Keras layer that returns sequences and state.
        shape: the stack.
        seed: fixes the initial weights and the dropout.
    """
    import keras

    from seqapp.layers import Embedding

    keras.utils.set_random_seed(seed)
    tokens = isinstance(task.inputs, Tokens)
    hidden = inputs = keras.Input(
        (None,) if tokens else (None, task.inputs.size), dtype="int32" if tokens else "float32", name="inputs"
    )
    if tokens:
        unit = keras.initializers.RandomNormal(stddev=1.0)  # Keras's 0.05 takes three times as many epochs to learn
        hidden = Embedding(task.inputs.size, min(task.inputs.size, shape.units), unit, name="embedding")(hidden)
    for number in range(1, shape.layers + 1):
        recurrent = layer(shape.units, name=f"recurrent_{number}")
        if hasattr(recurrent, "engine"):
            recurrent.engine = shape.engine
        hidden = _with_state(recurrent, hidden)
        if shape.dropout:
            hidden = keras.layers.Dropout(shape.dropout, name=f"dropout_{number}")(hidden)
    return Network(keras.Model(inputs, keras.layers.Dense(task.head.units, name="head")(hidden), name="network"))


def _with_state(layer: Any, hidden: Tensor) -> Tensor:
    """The layer's sequence; its state is there to be stepped with."""
    sequence = layer(hidden) if _is_recurrent(layer) else None
    if not isinstance(sequence, list | tuple) or len(sequence) < 2 or len(sequence[0].shape) != 3:
        raise BadInput(
            f"the model's layer, a {type(layer).__name__}, gives no sequence with its state. Return a Keras recurrent "
            "layer with return_sequences=True and return_state=True, such as keras.layers.RNN around a cell."
        )
    return sequence[0]


def check_causal(network: Network, task: Task) -> None:
    """Refuse a network whose outputs look ahead: they would see what they are to predict.

    Raises:
        BadInput: the outputs of the first steps change when only later inputs do.
    """
    import tensorflow as tf

    steps, size = 8, task.inputs.size
    if isinstance(task.inputs, Tokens):
        inputs = np.arange(steps)[np.newaxis] % size
    else:
        inputs = np.random.default_rng(0).standard_normal((1, steps, size)).astype(np.float32)
    changed = np.concatenate([inputs[:, : steps // 2], np.roll(inputs[:, steps // 2 :], 1, axis=1)], 1)
    before, after = (network(tf.constant(batch))[:, : steps // 2].numpy() for batch in (inputs, changed))
    if not np.allclose(before, after, atol=1e-5):
        raise BadInput(
            "the model looks ahead: its outputs at a step change when only later inputs do, so it would see what it is "
            "to predict. Build it without Bidirectional and go_backwards."
        )


def _is_recurrent(layer: Any) -> bool:
    return hasattr(layer, "get_initial_state")
