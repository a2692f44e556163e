"""Minimal GRU: gate and candidate read only the input, so all steps can be computed in parallel."""

from typing import Any


def layer(units: int, name: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last state."""
    from seqapp.layers import MinimalGRU

    return MinimalGRU(units, return_sequences=True, return_state=True, name=name)
