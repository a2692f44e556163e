"""A stack: one sequence through a reader and recurrent layers, at once or one step at a time.

As a Keras model it maps a sequence to the head's outputs; as a chain of layers it can also be stepped with its state in
hand, which generation and carried state need.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

from seqapp.contract import Encoded, State, Tensor
from seqapp.system.tensorflow import tf


class Link(NamedTuple):
    """One Keras layer of a chain; `residual` adds its input to its output."""

    layer: Any
    residual: bool = False

    def __call__(self, inputs: Tensor, **options: Any) -> Any:
        """The layer's outputs; options that it does not know are left out."""
        known = inspect.signature(self.layer.call).parameters
        return self.layer(inputs, **{name: value for name, value in options.items() if name in known})


class Stack:
    """A chain of Keras layers, some of them recurrent: `(batch, steps, …)` -> hidden states `(batch, steps, units)`.

    Args:
        model: the Keras model from the raw inputs to the head's outputs; holds all weights.
        hidden: the Keras model from the raw inputs to the hidden states.
        chain: the layers from the raw inputs to the hidden states.
        head: what maps hidden states to outputs.
        activation_l2: factor of AR in `train`.
        temporal_l2: factor of TAR in `train`.
    """

    def __init__(
        self,
        model: Any,
        hidden: Any,
        chain: Sequence[Link],
        head: Any,
        activation_l2: float = 0.0,
        temporal_l2: float = 0.0,
    ) -> None:
        self.model, self.hidden, self.chain, self.head = model, hidden, list(chain), head
        self.activation_l2, self.temporal_l2 = activation_l2, temporal_l2

    @property
    def layers(self) -> list[Any]:
        """Its Keras layers, the head last, each once; of a bidirectional one, the two inside."""
        chain = [layer for link in self.chain for layer in one_way_layers(link.layer)]
        head = getattr(self.head, "func", self.head)  # a head tied to the reader is that layer, called in another way
        return list(dict.fromkeys([*chain, *([] if head is None else [head])]))

    @property
    def can_step(self) -> bool:
        """Whether no layer reads from the end."""
        return all(len(one_way_layers(link.layer)) == 1 for link in self.chain)

    def __call__(self, encoded: Encoded) -> Tensor:
        """Hidden states of every step, the state starting at zero."""
        if "inputs" not in encoded.lengths:
            return self.hidden(encoded.inputs, training=False)
        return self.step(encoded.inputs, self.start(encoded, _rows(encoded.inputs)), encoded.lengths["inputs"])[0]

    def start(self, encoded: Encoded, batch: Tensor) -> State:
        """Zeros for every recurrent layer."""
        states = [link.layer.get_initial_state(batch) for link in self.chain if is_recurrent(link.layer)]
        return State((), [tf.nest.map_structure(tf.convert_to_tensor, state) for state in states])

    def step(self, inputs: Tensor, state: State, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """Read inputs `(batch, steps, …)` after `state`."""
        hidden, carried = self._run(inputs, state.carried, _mask(inputs, lengths), training=False)
        return hidden, State(state.memory, carried)

    def train(self, encoded: Encoded, state: State | None) -> tuple[Tensor, State, Tensor]:
        """As `step`, in training, and the penalty.

        That is AR and TAR (Merity, McCann & Socher 2017): factors of the mean square of the hidden states, and of the
        mean square of their change from step to step; and what the layers' own regularizers add.
        """
        state = state or self.start(encoded, _rows(encoded.inputs))
        mask = _mask(encoded.inputs, encoded.lengths.get("inputs"))
        hidden, carried = self._run(encoded.inputs, state.carried, mask, training=True)
        penalty = tf.add_n([tf.zeros([]), *(loss for layer in self.layers for loss in layer.losses)])
        if self.activation_l2:
            penalty += self.activation_l2 * _mean_square(hidden, mask)
        if self.temporal_l2:
            both = None if mask is None else mask[:, 1:]
            penalty += self.temporal_l2 * _mean_square(hidden[:, 1:] - hidden[:, :-1], both)
        return hidden, State(state.memory, carried), penalty

    def _run(self, inputs: Tensor, carried: Any, mask: Tensor | None, training: bool) -> tuple[Tensor, list[Any]]:
        old, new = iter(carried), []
        masked = {} if mask is None else {"mask": mask}
        for link in self.chain:
            if is_recurrent(link.layer):
                state, before = next(old), inputs
                inputs, *after = link(inputs, initial_state=state, training=training, **masked)
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


def one_way_layers(layer: Any) -> list[Any]:
    """The two layers inside a bidirectional one; any other layer itself."""
    return [layer.forward_layer, layer.backward_layer] if hasattr(layer, "forward_layer") else [layer]


def is_recurrent(layer: Any) -> bool:
    """Whether a Keras layer has a state to continue from."""
    return hasattr(layer, "get_initial_state")


def _rows(inputs: Tensor) -> Tensor:
    return inputs.shape[0] or tf.shape(inputs)[0]


def _mask(inputs: Tensor, lengths: Tensor | None) -> Tensor | None:
    """Which steps count, bool `(batch, steps)`; None: all."""
    return None if lengths is None else tf.sequence_mask(lengths, tf.shape(inputs)[1])


def _mean_square(values: Tensor, mask: Tensor | None) -> Tensor:
    """Over all values `(batch, steps, units)`, or those of the steps in the mask."""
    return tf.reduce_mean(tf.square(values if mask is None else tf.boolean_mask(values, mask)))
