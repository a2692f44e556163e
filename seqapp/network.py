"""The network: a chain of Keras layers, some of them recurrent, over a whole sequence or one step at a time.

Built by the factory from a model file's `layer`. As a Keras model it maps a sequence to a sequence; as a chain it can
also be stepped with its state in hand, which is what generation needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from seqapp.contract import Task, Tokens
from seqapp.errors import BadInput
from seqapp.heads import Tensor


@dataclass(frozen=True)
class Shape:
    """How the factory stacks, and what it adds against overfitting; fractions and factors of 0 add nothing."""

    units: int
    layers: int
    dropout: float  # fraction of each recurrent layer's outputs
    input_dropout: float = 0.0  # fraction of the input's features, the same at all steps: variational dropout
    weight_drop: float = 0.0  # fraction of the recurrent kernels' weights
    tie_embeddings: bool = False  # the head reads the embedding's table
    activation_l2: float = 0.0  # factor of the mean square of the last layer's outputs
    temporal_l2: float = 0.0  # factor of the mean square of their change from step to step
    engine: str = "fast"  # of seqapp/layers, or "keras"


class Link(NamedTuple):
    """One part of a chain: a Keras layer, and how it is called."""

    layer: Any
    options: Mapping[str, Any] = MappingProxyType({})

    def __call__(self, inputs: Tensor, **options: Any) -> Any:
        """The layer's outputs; `training` is passed on to layers that know it."""
        if "training" not in inspect.signature(self.layer.call).parameters:
            options.pop("training", None)
        return self.layer(inputs, **self.options, **options)


class Network:
    """A Keras model that is a chain: `(batch, steps[, size])` -> `(batch, steps, head.units)`, causal.

    `activation_l2` and `temporal_l2` are the factors in `train`.
    """

    def __init__(self, model: Any, chain: list[Link], activation_l2: float = 0.0, temporal_l2: float = 0.0) -> None:
        self.model, self.chain = model, chain
        self.activation_l2, self.temporal_l2 = activation_l2, temporal_l2

    def __call__(self, inputs: Tensor) -> Tensor:
        """Outputs of every step, the state starting at zero."""
        return self.model(inputs, training=False)

    @property
    def layers(self) -> list[Any]:
        """Its Keras layers, each once."""
        return list(dict.fromkeys(link.layer for link in self.chain))

    def start(self, batch: Tensor) -> list[Any]:
        """The zero state of every recurrent layer for `batch` rows."""
        import tensorflow as tf

        states = [link.layer.get_initial_state(batch) for link in self.chain if _is_recurrent(link.layer)]
        return [tf.nest.map_structure(tf.convert_to_tensor, state) for state in states]

    def restarted(self, states: list[Any], fresh: Tensor) -> list[Any]:
        """The states, zero in the rows that are `fresh` `(batch,)`."""
        import tensorflow as tf

        return [
            tf.nest.map_structure(lambda now, zero: tf.where(fresh[:, tf.newaxis], zero, now), state, first)
            for state, first in zip(states, self.start(tf.shape(fresh)[0]), strict=True)
        ]

    def step(self, inputs: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Go on from `states` over inputs `(batch, steps[, size])`: outputs of every step, and the last states."""
        hidden, after = self._below_the_head(inputs, states, training=False)
        return self.chain[-1](hidden), after

    def train(self, inputs: Tensor, states: list[Any]) -> tuple[Tensor, list[Any], Tensor]:
        """As `step`, in training; also what is to be added to the loss.

        That is AR and TAR of Merity, McCann & Socher 2017: factors of the mean square of what the head reads, and of
        the mean square of its change from step to step; and what the layers' own regularizers add.
        """
        import tensorflow as tf

        hidden, after = self._below_the_head(inputs, states, training=True)
        penalty = tf.add_n([tf.zeros([]), *(loss for layer in self.layers for loss in layer.losses)])
        if self.activation_l2:
            penalty += self.activation_l2 * tf.reduce_mean(tf.square(hidden))
        if self.temporal_l2:
            penalty += self.temporal_l2 * tf.reduce_mean(tf.square(hidden[:, 1:] - hidden[:, :-1]))
        return self.chain[-1](hidden), after, penalty

    def _below_the_head(self, inputs: Tensor, states: list[Any], training: bool) -> tuple[Tensor, list[Any]]:
        import tensorflow as tf

        old, new = iter(states), []
        for link in self.chain[:-1]:
            if _is_recurrent(link.layer):
                state = next(old)
                inputs, *after = link(inputs, initial_state=state, training=training)
                new.append(tf.nest.pack_sequence_as(state, tf.nest.flatten(after)))
            else:
                inputs = link(inputs, training=training)
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

    Raises:
        BadInput: the shape asks for what the layer or the task does not have.
    """
    import keras

    keras.utils.set_random_seed(seed)
    tokens = isinstance(task.inputs, Tokens)
    first, head = _ends(task, shape)
    links = list(first)
    if shape.input_dropout:
        links.append(Link(keras.layers.SpatialDropout1D(shape.input_dropout, name="input_dropout")))
    for number in range(1, shape.layers + 1):
        links.append(Link(_prepared(layer(shape.units, name=f"recurrent_{number}"), shape)))
        if shape.dropout:
            links.append(Link(keras.layers.Dropout(shape.dropout, name=f"dropout_{number}")))
    inputs = keras.Input(
        (None,) if tokens else (None, task.inputs.size), dtype="int32" if tokens else "float32", name="inputs"
    )
    hidden = inputs
    for link in links:
        hidden = _with_state(link.layer, hidden) if link.layer.name.startswith("recurrent_") else link(hidden)
    model = keras.Model(inputs, head(hidden), name="network")
    return Network(model, [*links, head], shape.activation_l2, shape.temporal_l2)


def _ends(task: Task, shape: Shape) -> tuple[list[Link], Link]:
    """What stands before the recurrent layers, and the head."""
    import keras

    from seqapp.layers import Embedding, ReversibleEmbedding

    if not shape.tie_embeddings:
        first = []
        if isinstance(task.inputs, Tokens):
            unit = keras.initializers.RandomNormal(stddev=1.0)  # Keras's 0.05 takes three times as many epochs to learn
            size = min(task.inputs.size, shape.units)
            first.append(Link(Embedding(task.inputs.size, size, unit, name="embedding")))
        return first, Link(keras.layers.Dense(task.head.units, name="head"))
    if not isinstance(task.inputs, Tokens) or task.head.units != task.inputs.size:
        raise BadInput("--tie-embeddings: only where the network predicts the same tokens that it reads.")
    small = keras.initializers.RandomUniform(-0.1, 0.1)  # the rows are the head's weights too
    table = ReversibleEmbedding(task.inputs.size, shape.units, embeddings_initializer=small, name="embedding")
    return [Link(table)], Link(table, {"reverse": True})


def _prepared(layer: Any, shape: Shape) -> Any:
    """The model file's layer on the engine asked for, its recurrent weights dropped as asked for."""
    if hasattr(layer, "engine"):
        layer.engine = shape.engine
    if shape.weight_drop:
        if not drops_weights(layer, shape.engine):
            raise BadInput("--weight-drop: only the layers of seqapp.layers on --engine fast drop recurrent weights.")
        layer.weight_drop = shape.weight_drop
    return layer


def drops_weights(layer: Any, engine: str) -> bool:
    """Whether a model file's layer can leave out recurrent weights in training."""
    return engine == "fast" and hasattr(layer, "weight_drop")


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
