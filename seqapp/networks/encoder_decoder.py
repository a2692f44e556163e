"""An encoder–decoder: a stack reads the context, and its last state is where a second stack starts.

Sutskever, Vinyals & Le 2014, without attention: all that the decoder knows of the context is the encoder's last state.
"""

from __future__ import annotations

from typing import Any

from seqapp.contract import Encoded, NetworkOptions, State, Task, Tensor
from seqapp.errors import BadInput
from seqapp.networks.factory import Layer, wire
from seqapp.networks.stack import Link, Stack
from seqapp.system.tensorflow import keras, tf


class EncoderDecoder:
    """Reads one padded context sequence, then inputs `(batch, steps, …)` -> hidden states `(batch, steps, units)`.

    Args:
        model: the Keras model from context and inputs to the head's outputs; holds all weights.
        encoder: the layers over the context.
        decoder: the layers over the inputs, as many recurrent ones.
        head: what maps hidden states to outputs.
        context: the name of the context.
    """

    can_step = True

    def __init__(self, model: Any, encoder: Stack, decoder: Stack, head: Any, context: str) -> None:
        self.model, self.encoder, self.decoder, self.head, self.context = model, encoder, decoder, head, context

    @property
    def chain(self) -> list[Link]:
        """The decoder's layers."""
        return self.decoder.chain

    @property
    def layers(self) -> list[Any]:
        """All Keras layers, the encoder's first, the head last."""
        return [*self.encoder.layers, *self.decoder.layers]

    def __call__(self, encoded: Encoded) -> Tensor:
        """Hidden states of every step."""
        state = self.start(encoded, tf.shape(encoded.inputs)[0])
        return self.step(encoded.inputs, state, encoded.lengths.get("inputs"))[0]

    def start(self, encoded: Encoded, batch: Tensor) -> State:
        """The encoder's state after the last step of each row's context that counts."""
        source = self._source(encoded)
        _, state = self.encoder.step(source.inputs, self.encoder.start(source, batch), source.lengths.get("inputs"))
        return state

    def step(self, inputs: Tensor, state: State, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """Read inputs `(batch, steps, …)` after `state`."""
        return self.decoder.step(inputs, state, lengths)

    def train(self, encoded: Encoded, state: State | None) -> tuple[Tensor, State, Tensor]:
        """As `step`, in training: the gradient reaches the encoder through the state."""
        if state is not None:
            return self.decoder.train(encoded, state)
        _, state, penalty = self.encoder.train(self._source(encoded), None)
        hidden, state, more = self.decoder.train(encoded, state)
        return hidden, state, penalty + more

    def avoid_cudnn(self) -> None:
        """Keep cuDNN's ops, which no CPU can run, out of every graph traced from here on."""
        self.encoder.avoid_cudnn()
        self.decoder.avoid_cudnn()

    def _source(self, encoded: Encoded) -> Encoded:
        """The context as the encoder's inputs."""
        lengths = {"inputs": encoded.lengths[self.context]} if self.context in encoded.lengths else {}
        return Encoded(encoded.context[self.context], {}, lengths)


def encoder_decoder(task: Task, layer: Layer, options: NetworkOptions, seed: int) -> EncoderDecoder:
    """Wire a task's one context and its inputs, with `options.layers` of a model file's layer each.

    Raises:
        BadInput: the task has no context, or more than one; or the options do not go with it.
    """
    if len(task.context) != 1:
        raise BadInput(f"encoder_decoder: expected a task with one context, got {len(task.context)}.")
    if options.bidirectional:
        raise BadInput("--bidirectional: not with an encoder and a decoder: the decoder starts at the encoder's state.")
    name, feature = next(iter(task.context.items()))
    source, target = feature.reader(options, f"{name}_"), task.inputs.reader(options)
    head = task.head.layer(options, target)
    source_input, encoded, encoder = wire(feature, source, layer, options, seed, f"{name}_")
    inputs, hidden, decoder = wire(task.inputs, target, layer, options, seed)
    model = keras.Model([source_input, inputs], [encoded, head(hidden)], name="network")
    return EncoderDecoder(
        model,
        Stack(model, keras.Model(source_input, encoded), encoder, None, options.activation_l2, options.temporal_l2),
        Stack(model, keras.Model(inputs, hidden), decoder, head, options.activation_l2, options.temporal_l2),
        head,
        name,
    )
