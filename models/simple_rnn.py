"""SimpleRNN: the Elman network, h = tanh(W x + U h + b). Remembers a few steps, then its gradients vanish."""

from typing import Any


def layer(units: int, name: str) -> Any:
    """One SimpleRNN over `(batch, steps, features)` that gives `(batch, steps, units)` and its last state."""
    from seqapp.layers import SimpleRNN

    return SimpleRNN(units, return_sequences=True, return_state=True, name=name)
