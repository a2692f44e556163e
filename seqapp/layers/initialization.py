"""How recurrent weights begin, where that is asked for: biases that remember, kernels that keep a signal's norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.errors import BadInput


@dataclass(frozen=True)
class Starts:
    """Initial values in place of the layer's own; None leaves them."""

    forget_bias: float | None = None  # of the gate that keeps the state
    chrono: float | None = None  # longest memory in steps: Tallec & Ollivier 2018
    recurrent_init: str | None = None  # "orthogonal" (Saxe et al. 2014) or "identity" (Le et al. 2015)

    def apply(self, layer: Any, random: np.random.Generator) -> None:
        """Set the weights of a built layer of seqapp.layers.

        Raises:
            BadInput: the layer has no such weights.
        """
        if self.forget_bias is not None:
            _set_blocks(layer, "--forget-bias", {_keeps(layer, "--forget-bias"): self.forget_bias})
        if self.chrono is not None:
            # gates whose time constants spread evenly over 1 to T: sigmoid(log(t - 1)) = 1 - 1 / t
            biases = np.log(random.uniform(1, self.chrono - 1, layer.units))
            blocks: dict[int, Any] = {_keeps(layer, "--chrono"): biases}
            if layer.step().admits is not None:
                blocks[layer.step().admits] = -biases
            _set_blocks(layer, "--chrono", blocks)
        if self.recurrent_init is not None:
            _set_kernels(layer, self.recurrent_init, random)


def _keeps(layer: Any, option: str) -> int:
    block: int | None = layer.step().keeps
    if block is None:
        raise BadInput(f"{option}: the layer {type(layer).__name__} has no gate that keeps its state.")
    return block


def _set_blocks(layer: Any, option: str, blocks: dict[int, Any]) -> None:
    if layer.cell.bias is None:
        raise BadInput(f"{option}: the layer {type(layer).__name__} has no bias.")
    bias = layer.cell.bias.numpy()
    held = bias if bias.ndim == 1 else bias[0]  # Keras's GRU has a second row, of the state's product
    for block, values in blocks.items():
        held[block * layer.units : (block + 1) * layer.units] = values
    layer.cell.bias.assign(bias)


def _set_kernels(layer: Any, kind: str, random: np.random.Generator) -> None:
    """Each gate's square matrix by itself; a layer whose units see only themselves gets ones."""
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
    """The weights that take a state to the next one: matrices `(units, columns * units)`, or a vector `(units,)`."""
    names = ("recurrent_kernel", "factor_kernel", "recurrent_weights")
    return [weight for weight in layer.trainable_weights if weight.path.split("/")[-1] in names]


def _square(size: int, kind: str, random: np.random.Generator) -> NDArray[Any]:
    if kind == "identity":
        return np.eye(size)
    rotation, triangle = np.linalg.qr(random.standard_normal((size, size)))
    return rotation * np.sign(np.diag(triangle))
