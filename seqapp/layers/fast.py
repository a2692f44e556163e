"""The mixin that runs a Keras recurrent layer on the compiled engine; its options, weights and files stay Keras's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.embedding import lookup_of
from seqapp.layers.engine import compilation
from seqapp.layers.engine.compilation import LoopInputs
from seqapp.layers.engine.loops import single
from seqapp.layers.engine.products import Masks, Precomputed, Projection, RecurrentWeights, Source, TableLookup
from seqapp.layers.regularization import Regularization, ZoneoutStep
from seqapp.layers.steps.activations import FUNCTIONS
from seqapp.layers.steps.step import Step


class FastLoop:
    """Overrides `inner_loop` of the Keras layer that it is mixed into, and nothing else.

    A call that the engine does not cover runs Keras's own loop, and `fallback` returns the reason.
    """

    engine = "fast"  # or "keras"
    cudnn = True  # whether Keras's loop is the faster one on a GPU
    regularization = Regularization()
    cell: Any

    def step(self) -> Step:
        """Return the layer's arithmetic."""
        raise NotImplementedError

    def fallback(self) -> str | None:
        """Return why Keras's loop runs, or None if the engine does."""
        if self.engine != "fast":
            return f"--engine {self.engine}"
        if keras.backend.backend() != "tensorflow":
            return f"the {keras.backend.backend()} backend"
        if self.cudnn and tf.config.list_physical_devices("GPU") and not self.regularization.active():
            return "there is a GPU, for which Keras has cuDNN"
        if self.unroll:  # type: ignore[attr-defined]
            return "unroll=True"
        if self.cell.recurrent_dropout:
            return f"recurrent_dropout={self.cell.recurrent_dropout:g}"
        return self.step_mismatch()

    def step_mismatch(self) -> str | None:
        """Return why this layer's arithmetic differs from that of its `step`, or None if it does not."""
        for option in ("activation", "recurrent_activation"):
            activation = getattr(self.cell, option, keras.activations.linear)
            if not any(activation is keras.activations.get(name) for name in FUNCTIONS):
                return f"{option}={activation_name(activation)}"
        return None

    def inner_loop(self, sequences: Tensor, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """Run over a sequence; Keras's layers call this method and have everything else around it.

        Args:
            sequences: `(batch, steps, features)`.
            initial_state: a tensor `(batch, units)`, or a list of them.
            mask: bool `(batch, steps)`, a list with one, or None; a step where it is False keeps the states.
            training: whether dropout and regularization apply.

        Returns:
            The last output `(batch, units)`, all outputs `(batch, steps, units)`, and the list of last states.
        """
        if self.fallback():
            keras_loop: Any = super()
            return keras_loop.inner_loop(sequences, initial_state, mask, training=training)
        states = list(initial_state) if isinstance(initial_state, list | tuple) else [initial_state]
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        if sequences.shape[1] == 1 and mask is None and not training:
            return _run_one_step(self, sequences, states)
        return _run(self, sequences, states, None if mask is None else tf.cast(mask, tf.bool), bool(training))

    def loop_source(self, sequences: Tensor, training: bool) -> tuple[Tensor, Callable[[Tensor], Source]]:
        """Return what the loop reads, and a function that turns any shard of it into the loop's time-major source.

        Args:
            sequences: `(batch, steps, features)`.
            training: whether dropout applies.

        Returns:
            Token ids `(batch, steps)` where an embedding's table can be multiplied instead, else the sequences; and
            the function.
        """
        kernel, bias = tf.convert_to_tensor(self.cell.kernel), self.biases()[0]
        dropout = training and self.cell.dropout
        lookup = lookup_of(sequences) if compilation.compiles(training) and not dropout else None
        if lookup:
            table = self.input_term(lookup.table @ kernel)
            return lookup.ids, lambda ids: TableLookup(table, tf.transpose(ids))
        if dropout:
            sequences = sequences * self.cell.get_dropout_mask(sequences[:, 0])[:, tf.newaxis]
        adds_bias_only = type(self.step()).input_term is Step.input_term

        def source(shard: Tensor) -> Source:
            inputs = tf.transpose(shard, [1, 0, 2])
            if adds_bias_only:
                return Projection(inputs, kernel, bias)
            return Precomputed(self.input_term(Projection(inputs, kernel, tf.zeros_like(bias)).product()))

        return sequences, source

    def input_term(self, product: Tensor) -> Tensor:
        """Return the step's `x` from the inputs' product with the kernel, `(..., blocks * units)`."""
        return self.step().input_term(product, self.biases()[0], self.vectors())

    def loop_weights(self, training: bool) -> RecurrentWeights:
        """Return the weights inside the loop; in training, some of them dropped."""
        weights = self.recurrent_weights()
        if not training or weights.kernel is None:
            return weights
        return weights._replace(kernel=self.regularization.drop_weights(weights.kernel, self.cell.seed_generator))

    def recurrent_weights(self) -> RecurrentWeights:
        """Return all weights inside the loop."""
        return RecurrentWeights(tf.convert_to_tensor(self.cell.recurrent_kernel), self.biases()[1], None, {})

    def vectors(self) -> dict[str, Tensor]:
        """Return the step's weight vectors by name."""
        return {}

    def biases(self) -> tuple[Tensor, Tensor | None]:
        """Return the bias of the input's product, and that of the state's product, or None."""
        if self.cell.bias is None:
            return tf.zeros([self.cell.kernel.shape[1]], self.cell.compute_dtype), None
        return tf.convert_to_tensor(self.cell.bias), None

    def inference_step(self) -> Step:
        """Return the layer's arithmetic at inference."""
        step, zoneout = self.step(), self.regularization.zoneout
        return ZoneoutStep(step, zoneout) if zoneout else step


def activation_name(activation: Any) -> str:
    """Return the name of a Keras activation, a function or an object."""
    return getattr(activation, "__name__", type(activation).__name__)


def _run_one_step(layer: Any, sequences: Tensor, states: list[Tensor]) -> tuple[Any, ...]:
    """Compute a single step, as generation does for each token: no loop, and as few operations as possible."""
    x = layer.input_term(sequences[:, 0] @ tf.convert_to_tensor(layer.cell.kernel))
    last = single(layer.inference_step(), x, layer.loop_weights(False), states, Masks())
    return last[0], last[0][:, tf.newaxis], last


def _run(layer: Any, sequences: Tensor, states: list[Tensor], mask: Tensor | None, training: bool) -> tuple[Any, ...]:
    """Run over a sequence in shards of the batch, with `inner_loop`'s arguments and results."""
    read, source = layer.loop_source(sequences, training)
    if layer.go_backwards:
        read, mask = tf.reverse(read, [1]), None if mask is None else tf.reverse(mask, [1])
    count = compilation.shards(sequences.shape[0]) if compilation.compiles(training) else 1
    loop = _loop(layer, count, training)
    results = []
    batches = (read, *_batch_masks(layer, read, states, mask, training), *states)
    for shard, update, state_scale, *first in zip(*(_split(batch, count) for batch in batches), strict=True):
        update = None if update is None else tf.transpose(update, [1, 0, 2])
        outputs, last = loop(LoopInputs(source(shard), Masks(update, state_scale)), first)
        results.append((tf.transpose(outputs, [1, 0, 2]), *last))
    outputs, *last = (tf.concat(part, 0) if count > 1 else part[0] for part in zip(*results, strict=True))
    outputs = _masked_outputs(outputs, mask, layer.zero_output_for_mask)
    return outputs[:, -1], outputs, last


def _loop(layer: Any, count: int, training: bool) -> Any:
    """Return a function of loop inputs and initial states that runs one of `count` shards."""
    weights = layer.loop_weights(training)
    if not training:
        return lambda inputs, first: compilation.infer(layer.inference_step(), inputs, weights, first)
    omega = layer.regularization.omega / count  # Ω is a mean over the rows of each shard
    return lambda inputs, first: compilation.train(layer.step(), inputs, weights, first, omega)


def _batch_masks(layer: Any, read: Tensor, states: list[Tensor], mask: Tensor | None, training: bool) -> list[Any]:
    """Return `Masks.update`, batch-major, `(batch, steps, 1 or state_count * units)`, and `Masks.state_scale`."""
    update = None if mask is None else mask[:, :, tf.newaxis]
    if not training:
        return [update, None]
    seed, regularization = getattr(layer.cell, "seed_generator", None), layer.regularization
    zoneout = regularization.update_mask(states, tf.shape(read)[1], seed)
    if zoneout is not None:
        update = zoneout if update is None else zoneout & update
    return [update, regularization.state_scale(states[0], seed)]


def _masked_outputs(outputs: Tensor, mask: Tensor | None, zero: bool) -> Tensor:
    """Return Keras's outputs at masked steps: 0 if `zero`, else the output before, which is 0 at the beginning."""
    if mask is None:
        return outputs
    visible = mask if zero else tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0
    return tf.where(visible[:, :, tf.newaxis], outputs, 0)


def _split(batch: Tensor | None, count: int) -> list[Tensor | None]:
    """Split along the first axis into `count` equal shards, the last with the remainder."""
    if batch is None or count == 1:
        return [batch] * count
    rows = tf.shape(batch)[0] if batch.shape[0] is None else batch.shape[0]
    return list(tf.split(batch, [rows // count] * (count - 1) + [rows - rows // count * (count - 1)]))
