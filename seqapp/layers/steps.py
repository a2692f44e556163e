"""What each recurrent layer does at one step, apart from its products with the kernels.

A step reads `x`, the input's product with the kernel, and `p`, the state's product with the recurrent kernel, both
`(batch, blocks * units)`. `gates` does what is worth remembering, `combine` makes the new states of it in cheap
arithmetic that the backward pass differentiates, and `through` takes gradients from the gates back to `x` and `p`.
Formulas and block order are Keras's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import tensorflow as tf

from seqapp.heads import Tensor
from seqapp.layers.activations import Activations


class Step(Protocol):
    """One step of a recurrent layer; equal steps are one compiled loop, so a step is a frozen dataclass."""

    beside: ClassVar[int]  # how many gates there are beside the first

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        """What is remembered of the step: the first in the shape of `x`, in whose place it is stored."""

    def combine(self, gates: list[Tensor], states: list[Tensor]) -> list[Tensor]:
        """The new states, the output first, each `(batch, units)`."""

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Gradients with respect to `x` and `p` from those with respect to the gates."""


@dataclass(frozen=True)
class SimpleRNNStep:
    """h = activation(x + p), Elman 1990."""

    beside: ClassVar[int] = 0
    activation: str = "tanh"

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:  # noqa: D102 - said in Step, here and below
        return [Activations((self.activation,))(x + p)]

    def combine(self, gates: list[Tensor], states: list[Tensor]) -> list[Tensor]:  # noqa: D102
        return [gates[0]]

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:  # noqa: D102
        both = Activations((self.activation,)).gradient(gates[0], upstream[0])
        return both, both


@dataclass(frozen=True)
class LSTMStep:
    """c = f·c + i·g, h = o·activation(c); i, f, o are gates of x + p, Hochreiter & Schmidhuber 1997, Gers 2000."""

    beside: ClassVar[int] = 0
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"

    @property
    def _blocks(self) -> Activations:
        gate = self.recurrent_activation
        return Activations((gate, gate, self.activation, gate))

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:  # noqa: D102
        return [self._blocks(x + p)]

    def combine(self, gates: list[Tensor], states: list[Tensor]) -> list[Tensor]:  # noqa: D102
        let_in, forget, candidate, let_out = tf.split(gates[0], 4, -1)
        cell = forget * states[1] + let_in * candidate
        return [let_out * Activations((self.activation,))(cell), cell]

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:  # noqa: D102
        both = self._blocks.gradient(gates[0], upstream[0])
        return both, both


@dataclass(frozen=True)
class GRUStep:
    """h = z·h + (1 - z)·activation(x + r·p), z and r gates of x + p; Cho et al. 2014, reset after the product."""

    beside: ClassVar[int] = 1
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"

    @property
    def _blocks(self) -> Activations:
        return Activations((self.recurrent_activation,) * 2)

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:  # noqa: D102
        units = x.shape[-1] // 3
        gates = self._blocks(x[:, : 2 * units] + p[:, : 2 * units])
        return [tf.concat([gates, x[:, 2 * units :]], -1), p[:, 2 * units :]]

    def combine(self, gates: list[Tensor], states: list[Tensor]) -> list[Tensor]:  # noqa: D102
        update, reset, candidate = tf.split(gates[0], 3, -1)
        candidate = Activations((self.activation,))(candidate + reset * gates[1])
        return [update * states[0] + (1 - update) * candidate]

    def through(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:  # noqa: D102
        units = gates[1].shape[-1]
        both = self._blocks.gradient(gates[0][:, : 2 * units], upstream[0][:, : 2 * units])
        return tf.concat([both, upstream[0][:, 2 * units :]], -1), tf.concat([both, upstream[1]], -1)
