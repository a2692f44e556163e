"""GRU: two gates and one state; its update gate does what the LSTM's forget and input gates do."""

from typing import Any

COMPARED = 3  # `compare` trains it by default, third


def layer(units: int, name: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last state."""
    from seqapp.layers import GRU

    return GRU(units, return_sequences=True, return_state=True, name=name)
