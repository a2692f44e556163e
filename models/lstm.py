"""LSTM: a cell state beside the hidden state, with a forget, an input and an output gate."""

from typing import Any

DEFAULT, COMPARED = True, 2  # `train` uses it without --model; `compare` trains it second


def layer(units: int, name: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last states h and c."""
    from seqapp.layers import LSTM

    return LSTM(units, return_sequences=True, return_state=True, name=name)
