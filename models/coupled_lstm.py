"""LSTM with coupled gates: the input gate is one minus the forget gate, so there is one gate less."""

from typing import Any


def layer(units: int, name: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last states h and c."""
    from seqapp.layers import CoupledLSTM

    return CoupledLSTM(units, return_sequences=True, return_state=True, name=name)
