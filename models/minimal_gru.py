"""Minimal GRU: gate and candidate see the input only, so all of a sequence can be computed at once."""

from typing import Any


def layer(units: int, name: str) -> Any:
    """One layer over `(batch, steps, features)` that gives `(batch, steps, units)` and its last state."""
    from seqapp.layers import MinimalGRU

    return MinimalGRU(units, return_sequences=True, return_state=True, name=name)
