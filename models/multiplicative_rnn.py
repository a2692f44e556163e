"""Multiplicative RNN: a SimpleRNN in which each input has its own recurrent matrix, in factors."""

from typing import Any


def layer(units: int, name: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last state."""
    from seqapp.layers import MultiplicativeRNN

    return MultiplicativeRNN(units, return_sequences=True, return_state=True, name=name)
