"""Initial recurrent weights on request: gate biases for long memories, kernels that keep a signal's norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.errors import BadInput


@dataclass(frozen=True)
class Initialization:
    """Initial values that replace the layer's own; None keeps those."""

    forget_bias: float | None = None  # of the forget gate
    chrono: float | None = None  # longest memory, in steps: Tallec & Ollivier 2018
    recurrent_init: str | None = None  # "orthogonal" (Saxe et al. 2014) or "identity" (Le et al. 2015)

    def apply(self, layer: Any, random: np.random.Generator) -> None:
        """Set the weights of a built layer of seqapp.layers.

        Raises:
            BadInput: the layer has no such weights.
        """
        if self.forget_bias is not None:
            _set_biases(layer, "--forget-bias", {_forget_gate(layer, "--forget-bias"): self.forget_bias})
        if self.chrono is not None:
            # gates whose time constants spread evenly over 1 to T: sigmoid(log(t - 1)) = 1 - 1 / t
            biases = np.log(random.uniform(1, self.chrono - 1, layer.units))
            blocks: dict[int, Any] = {_forget_gate(layer, "--chrono"): biases}
            if layer.step().input_gate is not None:
                blocks[layer.step().input_gate] = -biases
            _set_biases(layer, "--chrono", blocks)
        if self.recurrent_init is not None:
            _set_kernels(layer, self.recurrent_init, random)


def _forget_gate(layer: Any, option: str) -> int:
    """Return the block of the forget gate; `option` asked for it."""
    block: int | None = layer.step().forget_gate
    if block is None:
        raise BadInput(f"{option}: the layer {type(layer).__name__} has no forget gate.")
    return block


def _set_biases(layer: Any, option: str, blocks: dict[int, Any]) -> None:
    """Assign the biases of some blocks, each a number or `(units,)`."""
    if layer.cell.bias is None:
        raise BadInput(f"{option}: the layer {type(layer).__name__} has no bias.")
    bias = layer.cell.bias.numpy()
    row = bias if bias.ndim == 1 else bias[0]  # Keras's GRU has a second row, for the state's product
    for block, values in blocks.items():
        row[block * layer.units : (block + 1) * layer.units] = values
    layer.cell.bias.assign(bias)


def _set_kernels(layer: Any, kind: str, random: np.random.Generator) -> None:
    """Assign each gate's square matrix by itself; an IndependentRNN, which has a vector, gets ones."""
    kernels = recurrent_kernels(layer)
    if not kernels:
        raise BadInput(f"--recurrent-init: the layer {type(layer).__name__} has no recurrent weights.")
    for kernel in kernels:
        if len(kernel.shape) == 1:
            kernel.assign(np.ones(kernel.shape))
            continue
        size, columns = kernel.shape
        kernel.assign(np.concatenate([_square(size, kind, random) for _ in range(columns // size)], 1))


def recurrent_kernels(layer: Any) -> list[Any]:
    """Return the weights between a state and the next: matrices `(units, columns * units)`, or a vector `(units,)`."""
    names = ("recurrent_kernel", "factor_kernel", "recurrent_weights")
    return [weight for weight in layer.trainable_weights if weight.path.split("/")[-1] in names]


def _square(size: int, kind: str, random: np.random.Generator) -> NDArray[Any]:
    """Return an identity or a random orthogonal matrix, `(size, size)`."""
    if kind == "identity":
        return np.eye(size)
    q, r = np.linalg.qr(random.standard_normal((size, size)))
    return q * np.sign(np.diag(r))
