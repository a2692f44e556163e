"""GRU with layer normalization: products scaled to mean 0 and variance 1 at every step."""

from typing import Any


def layer(units: int, name: str) -> Any:
    """Return a layer: `(batch, steps, features)` -> `(batch, steps, units)` and its last state."""
    from seqapp.layers import LayerNormGRU

    return LayerNormGRU(units, return_sequences=True, return_state=True, name=name)
