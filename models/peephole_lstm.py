"""LSTM with peepholes: the gates also read the cell state."""

from dataclasses import dataclass
from typing import Any

from seqapp.contract.options import option


@dataclass(frozen=True)
class Options:
    """Options of the layer."""

    output_activation: str = option(
        "tanh", "Activation of the cell state at the output; the peephole paper suggests linear.",
        choices=("tanh", "linear"),
    )  # fmt: skip


def layer(units: int, name: str, output_activation: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last states h and c."""
    from seqapp.layers import PeepholeLSTM

    return PeepholeLSTM(units, output_activation=output_activation, return_sequences=True, return_state=True, name=name)
