"""The network: a chain of Keras layers, some of them recurrent, over a whole sequence or one step at a time.

As a Keras model it maps a sequence to a sequence; as a chain it can also be stepped with its state in hand, which is
what generation needs. seqapp/networks/factory.py builds it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from seqapp.contract import Task, Tokens
from seqapp.contract.head import Tensor
from seqapp.errors import BadInput


class Link(NamedTuple):
    """One part of a chain: a Keras layer, and how it is called."""

    layer: Any
    options: Mapping[str, Any] = MappingProxyType({})
    residual: bool = False  # whether what goes in is added to what comes out

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
        """Its Keras layers, each once; of one that reads both ways, the two inside."""
        return list(dict.fromkeys(layer for link in self.chain for layer in halves(link.layer)))

    @property
    def both_ways(self) -> bool:
        """Whether some layer reads from both ends."""
        return any(len(halves(link.layer)) > 1 for link in self.chain)

    def start(self, batch: Tensor) -> list[Any]:
        """The zero state of every recurrent layer for `batch` rows."""
        import tensorflow as tf

        states = [link.layer.get_initial_state(batch) for link in self.chain if is_recurrent(link.layer)]
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
            if is_recurrent(link.layer):
                state, before = next(old), inputs
                inputs, *after = link(inputs, initial_state=state, training=training)
                inputs = inputs + before if link.residual else inputs
                new.append(tf.nest.pack_sequence_as(state, tf.nest.flatten(after)))
            else:
                inputs = link(inputs, training=training)
        return inputs, new

    def avoid_cudnn(self) -> None:
        """Keep cuDNN's ops, which no CPU can run, out of every graph traced from here on."""
        for layer in self.model._flatten_layers():
            if hasattr(layer, "use_cudnn"):
                layer.use_cudnn = False


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


def halves(layer: Any) -> list[Any]:
    """The two layers inside one that reads both ways; any other layer itself."""
    return [layer.forward_layer, layer.backward_layer] if hasattr(layer, "forward_layer") else [layer]


def is_recurrent(layer: Any) -> bool:
    """Whether a Keras layer has a state to go on from."""
    return hasattr(layer, "get_initial_state")
