"""LSTM with layer normalization: products and cell scaled to mean 0 and variance 1 at every step."""

from typing import Any


def layer(units: int, name: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last states h and c."""
    from seqapp.layers import LayerNormLSTM

    return LayerNormLSTM(units, return_sequences=True, return_state=True, name=name)
