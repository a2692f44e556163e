"""SimpleRNN: the Elman network, h = tanh(W x + U h + b). Remembers a few steps, then its gradients vanish."""

from dataclasses import dataclass
from typing import Any

from seqapp.contract.options import option

COMPARED = 1  # `compare` trains it by default, first


@dataclass(frozen=True)
class Options:
    """Options of the layer."""

    activation: str = option(
        "tanh", "Activation of the state; use relu with --recurrent-init identity (IRNN).", choices=("tanh", "relu")
    )


def layer(units: int, name: str, activation: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last state."""
    from seqapp.layers import SimpleRNN

    return SimpleRNN(units, activation=activation, return_sequences=True, return_state=True, name=name)
