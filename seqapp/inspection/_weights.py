"""The weights of a network, one row each: which layer, what shape, how many matrices lie side by side in it."""

from __future__ import annotations

import math
from typing import Any

from seqapp.contract import Network


def weights(network: Network) -> list[dict[str, Any]]:
    """Rows `{"layer", "class", "engine", "weight", "shape", "matrices", "count"}` in the order of the chain.

    `matrices` is how many blocks of the layer's `units` columns a recurrent weight holds: 4 in an LSTM (input gate,
    forget gate, candidate, output gate), 3 in a GRU, 1 in a SimpleRNN; the LSTM's "8 weight matrices" are 4 in its
    kernel and 4 in its recurrent kernel. `engine` is "fast" or "keras" in recurrent layers, with the reason behind it.
    """
    rows = []
    for layer in network.layers:
        for variable in layer.trainable_weights:
            shape = [int(size) for size in variable.shape]
            recurrent = hasattr(layer, "get_initial_state") and hasattr(layer, "units")
            rows.append(
                {
                    "layer": layer.name,
                    "class": type(layer).__name__,
                    "engine": engine(layer),
                    "weight": variable.path.removeprefix(f"{layer.name}/"),
                    "shape": shape,
                    "matrices": shape[-1] // layer.units if recurrent else 1,
                    "count": math.prod(shape),
                }
            )
    return rows


def engine(layer: Any) -> str:
    """What computes a recurrent layer, and why if it is not the fast engine; empty for other layers."""
    if not hasattr(layer, "get_initial_state"):
        return ""
    if not hasattr(layer, "fallback"):
        return "keras: not a layer of seqapp.layers"
    reason = layer.fallback()
    return f"keras: {reason}" if reason else "fast"
