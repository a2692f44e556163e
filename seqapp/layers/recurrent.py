"""SimpleRNN, LSTM and GRU: Keras's own layers, in options, weights, names and files, with another engine inside.

What the engine does not cover goes Keras's way, and `fallback` says why. The layers that Keras lacks stand on the same
`Fast` in seqapp/layers/literature.py.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.layers.embedding import rows_of
from seqapp.layers.engine import compilation
from seqapp.layers.engine.activations import FUNCTIONS
from seqapp.layers.engine.compilation import Sequence
from seqapp.layers.engine.loops import single
from seqapp.layers.engine.products import Dense, Given, LookUp, Masks, Recurrent, Source
from seqapp.layers.regularization import Remedies, Zoned
from seqapp.layers.saving import saved_as_keras_own
from seqapp.layers.steps.keras import GRUStep, LSTMStep, SimpleRNNStep, Step


class Fast:
    """Replaces the engine of the Keras layer beside it, `inner_loop`, and nothing else."""

    engine = "fast"  # or "keras"
    cudnn = True  # whether Keras is the better choice on a GPU
    remedies = Remedies()
    cell: Any

    def step(self) -> Step:
        """The layer's arithmetic."""
        raise NotImplementedError

    def fallback(self) -> str | None:
        """Why this layer goes Keras's way, or None."""
        if self.engine != "fast":
            return f"--engine {self.engine}"
        if keras.backend.backend() != "tensorflow":
            return f"the {keras.backend.backend()} backend"
        if self.cudnn and tf.config.list_physical_devices("GPU") and not self.remedies.named():
            return "there is a GPU, for which Keras has cuDNN"
        if self.unroll:  # type: ignore[attr-defined]
            return "unroll=True"
        if self.cell.recurrent_dropout:
            return f"recurrent_dropout={self.cell.recurrent_dropout:g}"
        return self.unlike()

    def unlike(self) -> str | None:
        """Why this layer's arithmetic is not that of its `step`, or None."""
        for option in ("activation", "recurrent_activation"):
            activation = getattr(self.cell, option, keras.activations.linear)
            if not any(activation is keras.activations.get(name) for name in FUNCTIONS):
                return f"{option}={_name(activation)}"
        return None

    def inner_loop(self, sequences: Tensor, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """Keras's seam: last output, all outputs, and last states."""
        if self.fallback():
            keras_loop: Any = super()
            return keras_loop.inner_loop(sequences, initial_state, mask, training=training)
        states = list(initial_state) if isinstance(initial_state, list | tuple) else [initial_state]
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        if sequences.shape[1] == 1 and mask is None and not training:
            return _step(self, sequences, states)
        return _run(self, sequences, states, None if mask is None else tf.cast(mask, tf.bool), bool(training))

    def reader(self, sequences: Tensor, training: bool) -> tuple[Tensor, Any]:
        """What to read `(batch, steps[, features])`, and how to make the loop's input of it, time-major."""
        kernel, bias = tf.convert_to_tensor(self.cell.kernel), self.biases()[0]
        dropout = training and self.cell.dropout
        rows = rows_of(sequences) if compilation.compiles(training) and not dropout else None
        if rows:
            table = self.prepared(rows.table @ kernel)
            return rows.ids, lambda ids: LookUp(table, tf.transpose(ids))
        if dropout:
            sequences = sequences * self.cell.get_dropout_mask(sequences[:, 0])[:, tf.newaxis]
        plain = type(self.step()).prepared is Step.prepared  # the bias is added, and nothing else done

        def make(part: Tensor) -> Source:
            inputs = tf.transpose(part, [1, 0, 2])
            if plain:
                return Dense(inputs, kernel, bias)
            return Given(self.prepared(Dense(inputs, kernel, tf.zeros_like(bias)).product()))

        return sequences, make

    def prepared(self, product: Tensor) -> Tensor:
        """The loop's `x` of inputs times kernel."""
        return self.step().prepared(product, self.biases()[0], self.vectors())

    def recurrent(self, training: bool) -> Recurrent:
        """The weights inside the loop, some of them dropped in training."""
        held = self.weights_inside()
        if not training or held.kernel is None:
            return held
        return held._replace(kernel=self.remedies.dropped(held.kernel, self.cell.seed_generator))

    def weights_inside(self) -> Recurrent:
        """The weights inside the loop."""
        return Recurrent(tf.convert_to_tensor(self.cell.recurrent_kernel), self.biases()[1], None, {})

    def vectors(self) -> dict[str, Tensor]:
        """The step's small weights."""
        return {}

    def biases(self) -> tuple[Tensor, Tensor | None]:
        """The bias of the input's product, and that of the state's, if there is one."""
        if self.cell.bias is None:
            return tf.zeros([self.cell.kernel.shape[1]], self.cell.compute_dtype), None
        return tf.convert_to_tensor(self.cell.bias), None

    def inferring(self) -> Step:
        """The layer's arithmetic where nothing is trained."""
        return Zoned(self.step(), self.remedies.zoneout) if self.remedies.zoneout else self.step()


@saved_as_keras_own
class SimpleRNN(Fast, keras.layers.SimpleRNN):  # type: ignore[misc] # Keras has no types
    """`keras.layers.SimpleRNN`."""

    def step(self) -> Step:
        return SimpleRNNStep(_name(self.cell.activation))


@saved_as_keras_own
class LSTM(Fast, keras.layers.LSTM):  # type: ignore[misc] # Keras has no types
    """`keras.layers.LSTM`."""

    def step(self) -> Step:
        return LSTMStep(_name(self.cell.activation), _name(self.cell.recurrent_activation))


@saved_as_keras_own
class GRU(Fast, keras.layers.GRU):  # type: ignore[misc] # Keras has no types
    """`keras.layers.GRU`."""

    def step(self) -> Step:
        return GRUStep(_name(self.cell.activation), _name(self.cell.recurrent_activation))

    def unlike(self) -> str | None:
        return super().unlike() or (None if self.reset_after else "reset_after=False: two products in one step")

    def biases(self) -> tuple[Tensor, Tensor | None]:
        if self.cell.bias is None:
            return super().biases()
        both = tf.convert_to_tensor(self.cell.bias)
        return both[0], both[1]


def _step(layer: Any, sequences: Tensor, states: list[Tensor]) -> tuple[Any, ...]:
    """A single step, as generation takes one after the other: no loop, and as few operations as can be."""
    x = layer.prepared(sequences[:, 0] @ tf.convert_to_tensor(layer.cell.kernel))
    last = single(layer.inferring(), x, layer.recurrent(False), states, Masks())
    return last[0], last[0][:, tf.newaxis], last


def _run(layer: Any, sequences: Tensor, states: list[Tensor], mask: Tensor | None, training: bool) -> tuple[Any, ...]:
    read, make = layer.reader(sequences, training)
    if layer.go_backwards:
        read, mask = tf.reverse(read, [1]), None if mask is None else tf.reverse(mask, [1])
    pieces = compilation.shards(sequences.shape[0]) if compilation.compiles(training) else 1
    loop = _loop(layer, pieces, training)
    made = []
    wholes = (read, *_held_back(layer, read, states, mask, training), *states)
    for part, changes, reads, *first in zip(*(_cut(whole, pieces) for whole in wholes), strict=True):
        changes = None if changes is None else tf.transpose(changes, [1, 0, 2])
        outputs, last = loop(Sequence(make(part), Masks(changes, reads)), first)
        made.append((tf.transpose(outputs, [1, 0, 2]), *last))
    outputs, *last = (tf.concat(part, 0) if pieces > 1 else part[0] for part in zip(*made, strict=True))
    outputs = _masked(outputs, mask, layer.zero_output_for_mask)
    return outputs[:, -1], outputs, last


def _loop(layer: Any, pieces: int, training: bool) -> Any:
    recurrent = layer.recurrent(training)
    if not training:
        return lambda sequence, first: compilation.infer(layer.inferring(), sequence, recurrent, first)
    omega = layer.remedies.omega / pieces  # a mean over the rows of each shard
    return lambda sequence, first: compilation.train(layer.step(), sequence, recurrent, first, omega)


def _held_back(layer: Any, read: Tensor, states: list[Tensor], mask: Tensor | None, training: bool) -> list[Any]:
    """Where states change, `(batch, steps, …)`, and the factors of what the kernel reads, as `Masks` has them."""
    changes = None if mask is None else mask[:, :, tf.newaxis]
    if not training:
        return [changes, None]
    seed, remedies = getattr(layer.cell, "seed_generator", None), layer.remedies
    free = remedies.changes(states, tf.shape(read)[1], seed)
    if free is not None:
        changes = free if changes is None else free & changes
    return [changes, remedies.reads(states[0], seed)]


def _masked(outputs: Tensor, mask: Tensor | None, zero: bool) -> Tensor:
    """Keras's outputs at masked steps: zero if asked for, else the last one before, which is zero at the beginning."""
    if mask is None:
        return outputs
    seen = mask if zero else tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0
    return tf.where(seen[:, :, tf.newaxis], outputs, 0)


def _cut(part: Tensor | None, pieces: int) -> list[Tensor | None]:
    """Shards of a batch, as equal as can be."""
    if part is None or pieces == 1:
        return [part] * pieces
    batch = tf.shape(part)[0] if part.shape[0] is None else part.shape[0]
    return list(tf.split(part, [batch // pieces] * (pieces - 1) + [batch - batch // pieces * (pieces - 1)]))


def _name(activation: Any) -> str:
    return getattr(activation, "__name__", type(activation).__name__)
