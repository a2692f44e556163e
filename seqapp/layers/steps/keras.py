"""The steps of SimpleRNN, LSTM and GRU, with Keras's formulas and order of blocks; `Step` documents each method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.steps.activations import FUNCTIONS, Activations
from seqapp.layers.steps.step import ActivatedStep, Step, Vectors

LSTM_GATES = ("input gate", "forget gate", "candidate", "output gate")


@dataclass(frozen=True)
class SimpleRNNStep(ActivatedStep):
    """h = activation(x + p); Elman 1990."""

    blocks: ClassVar[int] = 1
    columns: ClassVar[int] = 1
    activation: str = "tanh"

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return {}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        return gates

    @property
    def activations(self) -> Activations:
        return Activations((self.activation,))


@dataclass(frozen=True)
class LSTMStep(ActivatedStep):
    """c = f·c + i·g, h = o·activation(c), with i, f, g, o of x + p; Hochreiter & Schmidhuber 1997, Gers et al. 2000."""

    blocks: ClassVar[int] = 4
    columns: ClassVar[int] = 4
    state_count: ClassVar[int] = 2
    forget_gate: ClassVar[int | None] = 1
    input_gate: ClassVar[int | None] = 0
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return dict(zip(LSTM_GATES, gates, strict=True))

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        i, f, g, o = gates
        c = f * states[1] + i * g
        return [o * FUNCTIONS[self.activation](c), c]

    @property
    def activations(self) -> Activations:
        gate = self.recurrent_activation
        return Activations((gate, gate, self.activation, gate))


@dataclass(frozen=True)
class GRUStep(Step):
    """h = z·h + (1 - z)·activation(x + r·p), with gates z and r of x + p; Cho et al. 2014, reset after the product."""

    blocks: ClassVar[int] = 3
    extra_gates: ClassVar[int] = 1
    columns: ClassVar[int] = 3
    forget_gate: ClassVar[int | None] = 0
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        units = x.shape[-1] // 3
        z, r = self._activations(x[:, : 2 * units] + p[:, : 2 * units])
        return [z, r, x[:, 2 * units :], p[:, 2 * units :]]

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        z, r, input_part, state_part = gates
        candidate = FUNCTIONS[self.activation](input_part + r * state_part)
        return {"update gate": z, "reset gate": r, "candidate": candidate}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        z, _, candidate = self.gates_by_name(gates, states, vectors).values()
        return [z * states[0] + (1 - z) * candidate]

    def gates_gradient(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        units = gates[1].shape[-1]
        d_z_r = self._activations.gradient(gates[0][:, : 2 * units], upstream[0][:, : 2 * units])
        return tf.concat([d_z_r, upstream[0][:, 2 * units :]], -1), tf.concat([d_z_r, upstream[1]], -1)

    @property
    def _activations(self) -> Activations:
        return Activations((self.recurrent_activation,) * 2)
