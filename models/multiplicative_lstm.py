"""Multiplicative LSTM: each input has its own recurrent matrix, in factors."""

from typing import Any


def layer(units: int, name: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last states h and c."""
    from seqapp.layers import MultiplicativeLSTM

    return MultiplicativeLSTM(units, return_sequences=True, return_state=True, name=name)
