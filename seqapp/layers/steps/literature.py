"""What the recurrent layers of the literature that Keras lacks do at one step; `Step` says what each method is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.layers.engine.activations import FUNCTIONS, Activations
from seqapp.layers.steps.keras import Activated, LSTMStep, SimpleRNNStep, Step, Vectors

EPSILON = 1e-5  # under the root of a layer's variance


@dataclass(frozen=True)
class Raw(Step):
    """A step that remembers x + p as it is and does all else anew in the backward pass."""

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return list(tf.split(x if p is None else x + p, self.blocks, -1))


@dataclass(frozen=True)
class PeepholeLSTMStep(Raw):
    """The LSTM whose gates also see the cell, i and f the old one, o the new one; Gers & Schmidhuber 2000.

    c = f·c + i·tanh(g), h = o·output_activation(c); the paper suggests h = o·c, "linear".
    """

    blocks: ClassVar[int] = 4
    columns: ClassVar[int] = 4
    memory: ClassVar[int] = 2
    keeps: ClassVar[int | None] = 1
    admits: ClassVar[int | None] = 0
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {"peepholes": (3, "zeros")}
    output_activation: str = "tanh"

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        (z_in, z_forget, z_candidate, z_out), cell = gates, states[1]
        to_in, to_forget, to_out = tf.split(vectors["peepholes"], 3)
        let_in, forget = tf.sigmoid(z_in + to_in * cell), tf.sigmoid(z_forget + to_forget * cell)
        candidate = tf.tanh(z_candidate)
        let_out = tf.sigmoid(z_out + to_out * (forget * cell + let_in * candidate))
        return {"input gate": let_in, "forget gate": forget, "candidate": candidate, "output gate": let_out}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        let_in, forget, candidate, let_out = self.named(gates, states, vectors).values()
        cell = forget * states[1] + let_in * candidate
        return [let_out * FUNCTIONS[self.output_activation](cell), cell]


@dataclass(frozen=True)
class CoupledLSTMStep(LSTMStep):
    """c = f·c + (1 - f)·g, h = o·tanh(c): what is forgotten makes room for what is let in; Greff et al. 2017, CIFG."""

    blocks: ClassVar[int] = 3
    columns: ClassVar[int] = 3
    keeps: ClassVar[int | None] = 0
    admits: ClassVar[int | None] = None

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return dict(zip(("forget gate", "candidate", "output gate"), gates, strict=True))

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        forget, candidate, let_out = gates
        cell = forget * states[1] + (1 - forget) * candidate
        return [let_out * FUNCTIONS[self.activation](cell), cell]

    @property
    def activations(self) -> Activations:
        return Activations((self.recurrent_activation, self.activation, self.recurrent_activation))


@dataclass(frozen=True)
class JANETStep(Raw):
    """h = sigmoid(s)·h + (1 - sigmoid(s - beta))·tanh(g): a forget gate only; van der Westhuizen & Lasenby 2018."""

    blocks: ClassVar[int] = 2
    columns: ClassVar[int] = 2
    keeps: ClassVar[int | None] = 0
    beta: float = 1.0

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        forget, let_in = tf.sigmoid(gates[0]), 1 - tf.sigmoid(gates[0] - self.beta)
        return {"forget gate": forget, "let in": let_in, "candidate": tf.tanh(gates[1])}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        forget, let_in, candidate = self.named(gates, states, vectors).values()
        return [forget * states[0] + let_in * candidate]


@dataclass(frozen=True)
class LayerNormLSTMStep(Step):
    """The LSTM of LN(W x) + LN(U h) + b, with h = o·tanh(LN(c)); Ba, Kiros & Hinton 2016, equations 20 to 22.

    The two biases that LN could add before b are left out: b stands for all three.
    """

    blocks: ClassVar[int] = 4
    beside: ClassVar[int] = 1
    columns: ClassVar[int] = 4
    memory: ClassVar[int] = 2
    keeps: ClassVar[int | None] = 1
    admits: ClassVar[int | None] = 0
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {
        "input_gain": (4, "ones"), "state_gain": (4, "ones"), "cell_gain": (1, "ones"), "cell_bias": (1, "zeros"),
    }  # fmt: skip

    def prepared(self, product: Tensor, bias: Tensor, vectors: Vectors) -> Tensor:
        return normalized(product) * vectors["input_gain"] + bias

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return [*tf.split(x, self.blocks, -1), p]

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        z = tf.concat(gates[:4], -1) + normalized(gates[4]) * vectors["state_gain"]
        found = Activations(("sigmoid", "sigmoid", "tanh", "sigmoid"))(z)
        return dict(zip(("input gate", "forget gate", "candidate", "output gate"), found, strict=True))

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        let_in, forget, candidate, let_out = self.named(gates, states, vectors).values()
        cell = forget * states[1] + let_in * candidate
        return [let_out * tf.tanh(normalized(cell) * vectors["cell_gain"] + vectors["cell_bias"]), cell]

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        return upstream[0], upstream[1]


@dataclass(frozen=True)
class LayerNormGRUStep(LayerNormLSTMStep):
    """The GRU of LN(W x) + LN(U h) + b, gates and candidate normalized apart; Ba, Kiros & Hinton 2016, 23 to 25."""

    blocks: ClassVar[int] = 3
    columns: ClassVar[int] = 3
    memory: ClassVar[int] = 1
    keeps: ClassVar[int | None] = 0
    admits: ClassVar[int | None] = None
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {"input_gain": (3, "ones"), "state_gain": (3, "ones")}

    def prepared(self, product: Tensor, bias: Tensor, vectors: Vectors) -> Tensor:
        return _apart(product) * vectors["input_gain"] + bias

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        from_update, from_reset, from_state = tf.split(_apart(gates[3]) * vectors["state_gain"], 3, -1)
        update, reset = tf.sigmoid(gates[0] + from_update), tf.sigmoid(gates[1] + from_reset)
        return {"update gate": update, "reset gate": reset, "candidate": tf.tanh(gates[2] + reset * from_state)}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        update, _, candidate = self.named(gates, states, vectors).values()
        return [update * states[0] + (1 - update) * candidate]


@dataclass(frozen=True)
class Factored(Activated):
    """A step whose kernel reads m ∘ V h, with m the last block of `x`; its gradient comes through that product."""

    factored: ClassVar[bool] = True

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        gated, factor = tf.split(x, [p.shape[-1], -1], -1)
        return [*self.activations(gated + p), factor]

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        width = self.columns * (gates[0].shape[-1] // self.blocks)
        both = self.activations.gradient(gates[0][:, :width], upstream[0][:, :width])
        return both, both


@dataclass(frozen=True)
class MultiplicativeRNNStep(Factored, SimpleRNNStep):
    """h = tanh(x + U (m ∘ V h)), m of the input: each input has its own recurrent matrix; Sutskever et al. 2011."""

    blocks: ClassVar[int] = 2  # and m

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return {"factor of the input": gates[1]}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        return gates[:1]


@dataclass(frozen=True)
class MultiplicativeLSTMStep(Factored, LSTMStep):
    """The LSTM that reads m ∘ V h in place of h, m of the input; Krause et al. 2016."""

    blocks: ClassVar[int] = 5  # and m

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return super().named(gates[:4], states, vectors) | {"factor of the input": gates[4]}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        return super().combine(gates[:4], states, vectors)


@dataclass(frozen=True)
class IndependentRNNStep(Raw):
    """h = activation(x + u ∘ h): each unit sees itself alone of the units before; Li et al. 2018."""

    blocks: ClassVar[int] = 1
    columns: ClassVar[int] = 0
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {"recurrent_weights": (1, "random_uniform_0_1")}
    activation: str = "relu"

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return {}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        return [FUNCTIONS[self.activation](gates[0] + vectors["recurrent_weights"] * states[0])]


@dataclass(frozen=True)
class MinimalGRUStep(Raw):
    """h = z·h + (1 - z)·g, gate and candidate of the input alone; Feng et al. 2024, minGRU, with Keras's sense of z."""

    blocks: ClassVar[int] = 2
    columns: ClassVar[int] = 0
    linear: ClassVar[bool] = True
    keeps: ClassVar[int | None] = 0

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return {"update gate": tf.sigmoid(gates[0]), "candidate": gates[1]}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        keep, add = self.affine(gates)
        return [keep * states[0] + add]

    def affine(self, gates: list[Tensor]) -> tuple[Tensor, Tensor]:
        update = tf.sigmoid(gates[0])
        return update, (1 - update) * gates[1]


def normalized(values: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the last axis."""
    centred = values - tf.reduce_mean(values, -1, keepdims=True)
    return centred * tf.math.rsqrt(tf.reduce_mean(centred * centred, -1, keepdims=True) + EPSILON)


def _apart(product: Tensor) -> Tensor:
    """Two gates normalized together, the candidate by itself."""
    gates, candidate = tf.split(product, [2 * (product.shape[-1] // 3), -1], -1)
    return tf.concat([normalized(gates), normalized(candidate)], -1)
