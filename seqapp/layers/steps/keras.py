"""What the recurrent layers that Keras has too do at one step, apart from their products with the kernels.

A step reads `x`, the input's product with the kernel, and `p`, the state's product with the recurrent kernel, both
`(batch, blocks * units)`. `gates` does what is worth remembering, `combine` makes the new states of it in cheap
arithmetic that the backward pass differentiates, and `through` takes gradients from the gates back to `x` and `p`.
Formulas and block order are Keras's. The layers that Keras lacks are in seqapp/layers/steps/literature.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.layers.engine.activations import FUNCTIONS, Activations

Vectors = Mapping[str, Tensor]  # a step's small weights by name, `(units,)` or a few times as long


@dataclass(frozen=True)
class Step:
    """One step of a recurrent layer; equal steps are one compiled loop, so a step is a frozen dataclass.

    The first `blocks` gates take the place of `x` when remembered; `beside` more are remembered apart.
    """

    blocks: ClassVar[int]  # of `units` columns in `x`
    beside: ClassVar[int] = 0
    columns: ClassVar[int]  # of `units` in `p`; 0: the state is not multiplied, and `p` is None
    memory: ClassVar[int] = 1  # states, the output first
    factored: ClassVar[bool] = False  # the kernel reads the last block of `x` times another product of the state
    linear: ClassVar[bool] = False  # in its state, which is not multiplied: `affine` says how
    keeps: ClassVar[int | None] = None  # the block of the gate that keeps the old state
    admits: ClassVar[int | None] = None  # the block of the gate that lets the new one in
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {}  # small weights: length in units, Keras's initializer

    def prepared(self, product: Tensor, bias: Tensor, vectors: Vectors) -> Tensor:
        """`x` of the input's product with the kernel, `(…, blocks * units)`."""
        return product + bias

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        """What is remembered of the step, `blocks + beside` tensors."""
        raise NotImplementedError

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        """What a person would want to see of the step beside its states, each `(batch, units)`."""
        raise NotImplementedError

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        """The new states, the output first, each `(batch, units)`."""
        raise NotImplementedError

    def affine(self, gates: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Of a linear step, a and b of h = a·h + b."""
        raise NotImplementedError

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Gradients with respect to `x` and `p` from those with respect to the gates.

        In both lists the first `blocks` gates are side by side in one tensor. Where nothing is remembered apart, `p` is
        added to the first blocks of `x`, and the gradient is given once, for both.
        """
        return upstream[0], upstream[0]


@dataclass(frozen=True)
class Activated(Step):
    """A step whose gates are activations of x + p, one for each block."""

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return self.activations(x + p)

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        both = self.activations.gradient(gates[0], upstream[0])
        return both, both

    @property
    def activations(self) -> Activations:
        """Of each block."""
        raise NotImplementedError


@dataclass(frozen=True)
class SimpleRNNStep(Activated):
    """h = activation(x + p), Elman 1990."""

    blocks: ClassVar[int] = 1
    columns: ClassVar[int] = 1
    activation: str = "tanh"

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return {}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        return gates

    @property
    def activations(self) -> Activations:
        return Activations((self.activation,))


@dataclass(frozen=True)
class LSTMStep(Activated):
    """c = f·c + i·g, h = o·activation(c), with i, f, g, o of x + p; Hochreiter & Schmidhuber 1997, Gers et al. 2000."""

    blocks: ClassVar[int] = 4
    columns: ClassVar[int] = 4
    memory: ClassVar[int] = 2
    keeps: ClassVar[int | None] = 1
    admits: ClassVar[int | None] = 0
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return dict(zip(("input gate", "forget gate", "candidate", "output gate"), gates, strict=True))

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        let_in, forget, candidate, let_out = gates
        cell = forget * states[1] + let_in * candidate
        return [let_out * FUNCTIONS[self.activation](cell), cell]

    @property
    def activations(self) -> Activations:
        gate = self.recurrent_activation
        return Activations((gate, gate, self.activation, gate))


@dataclass(frozen=True)
class GRUStep(Step):
    """h = z·h + (1 - z)·activation(x + r·p), with gates z and r of x + p; Cho et al. 2014, reset after the product."""

    blocks: ClassVar[int] = 3
    beside: ClassVar[int] = 1
    columns: ClassVar[int] = 3
    keeps: ClassVar[int | None] = 0
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        units = x.shape[-1] // 3
        update, reset = self._activations(x[:, : 2 * units] + p[:, : 2 * units])
        return [update, reset, x[:, 2 * units :], p[:, 2 * units :]]

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        update, reset, from_input, from_state = gates
        candidate = FUNCTIONS[self.activation](from_input + reset * from_state)
        return {"update gate": update, "reset gate": reset, "candidate": candidate}

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        update, _, candidate = self.named(gates, states, vectors).values()
        return [update * states[0] + (1 - update) * candidate]

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        units = gates[1].shape[-1]
        both = self._activations.gradient(gates[0][:, : 2 * units], upstream[0][:, : 2 * units])
        return tf.concat([both, upstream[0][:, 2 * units :]], -1), tf.concat([both, upstream[1]], -1)

    @property
    def _activations(self) -> Activations:
        return Activations((self.recurrent_activation,) * 2)
