"""IndRNN: each unit reads only its own previous state, h = relu(W x + u ∘ h + b); suited to deep stacks."""

from dataclasses import dataclass
from typing import Any

from seqapp.contract.options import option


@dataclass(frozen=True)
class Options:
    """Options of the layer."""

    activation: str = option("relu", "Activation of the state.", choices=("relu", "tanh"))


def layer(units: int, name: str, activation: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last state."""
    from seqapp.layers import IndependentRNN

    return IndependentRNN(units, activation=activation, return_sequences=True, return_state=True, name=name)
