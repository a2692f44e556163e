"""What each recurrent layer does at one step, apart from its products with the kernels.

A step reads `x`, the input's product with the kernel, and `p`, the state's product with the recurrent kernel, both
`(batch, blocks * units)`. `gates` does what is worth remembering, `combine` makes the new states of it in cheap
arithmetic that the backward pass differentiates, and `through` takes gradients from the gates back to `x` and `p`.
Formulas and block order are Keras's.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import tensorflow as tf

from seqapp.heads import Tensor
from seqapp.layers.activations import FUNCTIONS, Activations


class Step(Hashable, Protocol):
    """One step of a recurrent layer; equal steps are one compiled loop, so a step is a frozen dataclass."""

    blocks: ClassVar[int]  # of `units` columns in `x` and `p`; as many gates take the place of `x` when remembered

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        """What is remembered of the step, `blocks` tensors `(batch, units)` or more."""

    def combine(self, gates: list[Tensor], states: list[Tensor]) -> list[Tensor]:
        """The new states, the output first, each `(batch, units)`."""

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Gradients with respect to `x` and `p` from those with respect to the gates.

        In both lists the first `blocks` gates are side by side in one tensor; where `p` does what `x` does, the two
        gradients are one tensor.
        """


@dataclass(frozen=True)
class SimpleRNNStep:
    """h = activation(x + p), Elman 1990."""

    blocks: ClassVar[int] = 1
    activation: str = "tanh"

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return Activations((self.activation,))(x + p)

    def combine(self, gates: list[Tensor], states: list[Tensor]) -> list[Tensor]:
        return gates

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        both = Activations((self.activation,)).gradient(gates[0], upstream[0])
        return both, both


@dataclass(frozen=True)
class LSTMStep:
    """c = f·c + i·g, h = o·activation(c), with i, f, g, o of x + p; Hochreiter & Schmidhuber 1997, Gers et al. 2000."""

    blocks: ClassVar[int] = 4
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return self._activations(x + p)

    def combine(self, gates: list[Tensor], states: list[Tensor]) -> list[Tensor]:
        let_in, forget, candidate, let_out = gates
        cell = forget * states[1] + let_in * candidate
        return [let_out * FUNCTIONS[self.activation](cell), cell]

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        both = self._activations.gradient(gates[0], upstream[0])
        return both, both

    @property
    def _activations(self) -> Activations:
        gate = self.recurrent_activation
        return Activations((gate, gate, self.activation, gate))


@dataclass(frozen=True)
class GRUStep:
    """h = z·h + (1 - z)·activation(x + r·p), with gates z and r of x + p; Cho et al. 2014, reset after the product."""

    blocks: ClassVar[int] = 3
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        units = x.shape[-1] // 3
        update, reset = self._activations(x[:, : 2 * units] + p[:, : 2 * units])
        return [update, reset, x[:, 2 * units :], p[:, 2 * units :]]

    def combine(self, gates: list[Tensor], states: list[Tensor]) -> list[Tensor]:
        update, reset, from_input, from_state = gates
        candidate = FUNCTIONS[self.activation](from_input + reset * from_state)
        return [update * states[0] + (1 - update) * candidate]

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        units = gates[1].shape[-1]
        both = self._activations.gradient(gates[0][:, : 2 * units], upstream[0][:, : 2 * units])
        return tf.concat([both, upstream[0][:, 2 * units :]], -1), tf.concat([both, upstream[1]], -1)

    @property
    def _activations(self) -> Activations:
        return Activations((self.recurrent_activation,) * 2)
