"""JANET: just another network, an LSTM with only the forget gate and half the weights."""

from typing import Any


def layer(units: int, name: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last state."""
    from seqapp.layers import JANET

    return JANET(units, return_sequences=True, return_state=True, name=name)
