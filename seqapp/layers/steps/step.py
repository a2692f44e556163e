"""The protocol of a step: what a recurrent layer computes at one time step, apart from its products with the kernels.

A step reads `x`, the input's product with the kernel, and `p`, the state's product with the recurrent kernel.
`gates` computes what the backward pass keeps, `combine` computes the new states from the gates in cheap arithmetic
that the backward pass differentiates, and `gates_gradient` takes gradients from the gates back to `x` and `p`.
Keras's steps are in seqapp/layers/steps/keras.py, those that Keras lacks in seqapp/layers/steps/literature.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from seqapp.contract import Tensor
from seqapp.layers.steps.activations import Activations

Vectors = Mapping[str, Tensor]  # a step's weight vectors by name, `(units,)` or a few times as long


@dataclass(frozen=True)
class Step:
    """One step of a recurrent layer.

    Equal steps share one compiled loop, so a step is a frozen dataclass whose fields are its options. All methods
    take and return tensors in these shapes:

    - `x`: `(batch, blocks * units)`; `p`: `(batch, columns * units)`, or None where `columns` is 0.
    - gates: `blocks + extra_gates` tensors `(batch, units)`; an extra gate may be wider. The first `blocks` of them
      replace `x` in memory, side by side; each extra gate has an array of its own.
    - states: `state_count` tensors `(batch, units)`, the output first.
    - vectors: the tensors that `vectors` declares, by name.
    """

    blocks: ClassVar[int]
    extra_gates: ClassVar[int] = 0
    columns: ClassVar[int]
    state_count: ClassVar[int] = 1
    factored: ClassVar[bool] = False  # the kernel multiplies the last block of `x` times another product of the state
    linear: ClassVar[bool] = False  # in its state, which no kernel multiplies; `affine` has the coefficients
    forget_gate: ClassVar[int | None] = None  # block of the gate that scales the old state
    input_gate: ClassVar[int | None] = None  # block of the gate that scales the candidate
    vectors: ClassVar[Mapping[str, tuple[int, str]]] = {}  # weight vectors: length in units, Keras's initializer

    def input_term(self, product: Tensor, bias: Tensor, vectors: Vectors) -> Tensor:
        """Return `x`.

        Args:
            product: the input's product with the kernel, `(..., blocks * units)`.
            bias: `(blocks * units,)`.
            vectors: the step's weight vectors.
        """
        return product + bias

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        """Return the gates, computed from `x` and `p`."""
        raise NotImplementedError

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        """Return the activated gates under the names that the literature gives them, each `(batch, units)`.

        Args:
            gates: as `gates` returned them.
            states: before the step.
            vectors: the step's weight vectors.
        """
        raise NotImplementedError

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        """Return the states after the step.

        Args:
            gates: as `gates` returned them.
            states: before the step.
            vectors: the step's weight vectors.
        """
        raise NotImplementedError

    def affine(self, gates: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return a and b of h⁺ = a·h + b, each `(..., units)`; only where the step is `linear`."""
        raise NotImplementedError

    def gates_gradient(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the gradients with respect to `x` and `p`.

        Without extra gates, `x` and `p` are added, so both gradients are the same tensor.

        Args:
            gates: the first `blocks` gates side by side in one tensor, then the extra gates.
            upstream: gradients with respect to `gates`, in the same shapes.
        """
        return upstream[0], upstream[0]


@dataclass(frozen=True)
class ActivatedStep(Step):
    """A step whose gates are activations of x + p, one for each block."""

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return self.activations(x + p)

    def gates_gradient(self, gates: list[Tensor], upstream: list[Tensor]) -> tuple[Tensor, Tensor]:
        gradient = self.activations.gradient(gates[0], upstream[0])
        return gradient, gradient

    @property
    def activations(self) -> Activations:
        """The activation of each block."""
        raise NotImplementedError
