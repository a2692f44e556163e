"""The steps of the recurrent layers that Keras lacks, each with its paper; `Step` documents each method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.steps.activations import FUNCTIONS, Activations
from seqapp.layers.steps.keras import LSTM_GATES, LSTMStep, SimpleRNNStep
from seqapp.layers.steps.step import ActivatedStep, Step, Vectors

EPSILON = 1e-5  # added to the variance in layer normalization


@dataclass(frozen=True)
class PreactivationStep(Step):
    """A step whose gates are the preactivations x + p; the backward pass computes all else again."""

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return list(tf.split(x if p is None else x + p, self.blocks, -1))


@dataclass(frozen=True)
class PeepholeLSTMStep(PreactivationStep):
    """The LSTM whose gates also see the cell, i and f the old one, o the new one; Gers & Schmidhuber 2000.

    c = f·c + i·tanh(g), h = o·output_activation(c); the paper suggests h = o·c, "linear".
    """

    blocks: ClassVar[int] = 4
    columns: ClassVar[int] = 4
    state_count: ClassVar[int] = 2
    forget_gate: ClassVar[int | None] = 1
    input_gate: ClassVar[int | None] = 0
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {"peepholes": (3, "zeros")}
    output_activation: str = "tanh"

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        (z_i, z_f, z_g, z_o), c = gates, states[1]
        p_i, p_f, p_o = tf.split(vectors["peepholes"], 3)
        i, f = tf.sigmoid(z_i + p_i * c), tf.sigmoid(z_f + p_f * c)
        g = tf.tanh(z_g)
        o = tf.sigmoid(z_o + p_o * (f * c + i * g))
        return dict(zip(LSTM_GATES, (i, f, g, o), strict=True))

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        i, f, g, o = self.gates_by_name(gates, states, vectors).values()
        c = f * states[1] + i * g
        return [o * FUNCTIONS[self.output_activation](c), c]


@dataclass(frozen=True)
class CoupledLSTMStep(LSTMStep):
    """c = f·c + (1 - f)·g, h = o·tanh(c): the LSTM whose input gate is 1 - f; CIFG of Greff et al. 2017."""

    blocks: ClassVar[int] = 3
    columns: ClassVar[int] = 3
    forget_gate: ClassVar[int | None] = 0
    input_gate: ClassVar[int | None] = None

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return dict(zip(("forget gate", "candidate", "output gate"), gates, strict=True))

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        f, g, o = gates
        c = f * states[1] + (1 - f) * g
        return [o * FUNCTIONS[self.activation](c), c]

    @property
    def activations(self) -> Activations:
        return Activations((self.recurrent_activation, self.activation, self.recurrent_activation))


@dataclass(frozen=True)
class JANETStep(PreactivationStep):
    """h = sigmoid(s)·h + (1 - sigmoid(s - beta))·tanh(g): a forget gate only; van der Westhuizen & Lasenby 2018."""

    blocks: ClassVar[int] = 2
    columns: ClassVar[int] = 2
    forget_gate: ClassVar[int | None] = 0
    beta: float = 1.0

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        s, g = gates
        forget_gate, input_share = tf.sigmoid(s), 1 - tf.sigmoid(s - self.beta)
        return {"forget gate": forget_gate, "input share": input_share, "candidate": tf.tanh(g)}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        forget_gate, input_share, candidate = self.gates_by_name(gates, states, vectors).values()
        return [forget_gate * states[0] + input_share * candidate]


@dataclass(frozen=True)
class LayerNormLSTMStep(Step):
    """The LSTM of LN(W x) + LN(U h) + b, with h = o·tanh(LN(c)); Ba, Kiros & Hinton 2016, equations 20 to 22.

    LN could add a bias to each product before b; b stands for all three.
    """

    blocks: ClassVar[int] = 4
    extra_gates: ClassVar[int] = 1
    columns: ClassVar[int] = 4
    state_count: ClassVar[int] = 2
    forget_gate: ClassVar[int | None] = 1
    input_gate: ClassVar[int | None] = 0
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {
        "input_gain": (4, "ones"), "state_gain": (4, "ones"), "cell_gain": (1, "ones"), "cell_bias": (1, "zeros"),
    }  # fmt: skip

    def input_term(self, product: Tensor, bias: Tensor, vectors: Vectors) -> Tensor:
        return normalize(product) * vectors["input_gain"] + bias

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return [*tf.split(x, self.blocks, -1), p]

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        z = tf.concat(gates[:4], -1) + normalize(gates[4]) * vectors["state_gain"]
        activations = Activations(("sigmoid", "sigmoid", "tanh", "sigmoid"))
        return dict(zip(LSTM_GATES, activations(z), strict=True))

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        i, f, g, o = self.gates_by_name(gates, states, vectors).values()
        c = f * states[1] + i * g
        return [o * tf.tanh(normalize(c) * vectors["cell_gain"] + vectors["cell_bias"]), c]

    def gates_gradient(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        return upstream[0], upstream[1]


@dataclass(frozen=True)
class LayerNormGRUStep(LayerNormLSTMStep):
    """The GRU of LN(W x) + LN(U h) + b, gates and candidate normalized apart; Ba, Kiros & Hinton 2016, 23 to 25."""

    blocks: ClassVar[int] = 3
    columns: ClassVar[int] = 3
    state_count: ClassVar[int] = 1
    forget_gate: ClassVar[int | None] = 0
    input_gate: ClassVar[int | None] = None
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {"input_gain": (3, "ones"), "state_gain": (3, "ones")}

    def input_term(self, product: Tensor, bias: Tensor, vectors: Vectors) -> Tensor:
        return _normalize_gates(product) * vectors["input_gain"] + bias

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        x_z, x_r, x_g, p = gates
        p_z, p_r, p_g = tf.split(_normalize_gates(p) * vectors["state_gain"], 3, -1)
        z, r = tf.sigmoid(x_z + p_z), tf.sigmoid(x_r + p_r)
        return {"update gate": z, "reset gate": r, "candidate": tf.tanh(x_g + r * p_g)}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        z, _, candidate = self.gates_by_name(gates, states, vectors).values()
        return [z * states[0] + (1 - z) * candidate]


@dataclass(frozen=True)
class FactoredStep(ActivatedStep):
    """A step whose kernel multiplies m ∘ V h, with m the last block of `x`; m's gradient comes through that product."""

    factored: ClassVar[bool] = True

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        z, m = tf.split(x, [p.shape[-1], -1], -1)
        return [*self.activations(z + p), m]

    def gates_gradient(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        width = self.columns * (gates[0].shape[-1] // self.blocks)
        gradient = self.activations.gradient(gates[0][:, :width], upstream[0][:, :width])
        return gradient, gradient


@dataclass(frozen=True)
class MultiplicativeRNNStep(FactoredStep, SimpleRNNStep):
    """h = tanh(x + U (m ∘ V h)), m of the input: each input has its own recurrent matrix; Sutskever et al. 2011."""

    blocks: ClassVar[int] = 2  # the second is m

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return {"input factor": gates[1]}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        return gates[:1]


@dataclass(frozen=True)
class MultiplicativeLSTMStep(FactoredStep, LSTMStep):
    """The LSTM that reads m ∘ V h in place of h, m of the input; Krause et al. 2016."""

    blocks: ClassVar[int] = 5  # the fifth is m

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return super().gates_by_name(gates[:4], states, vectors) | {"input factor": gates[4]}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        return super().combine(gates[:4], states, vectors)


@dataclass(frozen=True)
class IndependentRNNStep(PreactivationStep):
    """h = activation(x + u ∘ h): each unit sees its own state only; IndRNN of Li et al. 2018."""

    blocks: ClassVar[int] = 1
    columns: ClassVar[int] = 0
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {"recurrent_weights": (1, "random_uniform_0_1")}
    activation: str = "relu"

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return {}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        return [FUNCTIONS[self.activation](gates[0] + vectors["recurrent_weights"] * states[0])]


@dataclass(frozen=True)
class MinimalGRUStep(PreactivationStep):
    """h = z·h + (1 - z)·g, z and g of the input alone; minGRU of Feng et al. 2024, with z as in Keras's GRU."""

    blocks: ClassVar[int] = 2
    columns: ClassVar[int] = 0
    linear: ClassVar[bool] = True
    forget_gate: ClassVar[int | None] = 0

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return {"update gate": tf.sigmoid(gates[0]), "candidate": gates[1]}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        a, b = self.affine(gates)
        return [a * states[0] + b]

    def affine(self, gates: list[Tensor]) -> tuple[Tensor, Tensor]:
        z = tf.sigmoid(gates[0])
        return z, (1 - z) * gates[1]


def normalize(values: Tensor) -> Tensor:
    """Scale `(..., size)` to mean 0 and variance 1 over the last axis."""
    centred = values - tf.reduce_mean(values, -1, keepdims=True)
    return centred * tf.math.rsqrt(tf.reduce_mean(centred * centred, -1, keepdims=True) + EPSILON)


def _normalize_gates(product: Tensor) -> Tensor:
    """Normalize a GRU's two gates together and its candidate by itself, `(..., 3 * units)`."""
    gates, candidate = tf.split(product, [2 * (product.shape[-1] // 3), -1], -1)
    return tf.concat([normalize(gates), normalize(candidate)], -1)
