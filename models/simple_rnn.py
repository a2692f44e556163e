"""SimpleRNN: the Elman network, h = tanh(W x + U h + b). Remembers a few steps, then its gradients vanish."""

from typing import Any

import click


@click.option(
    "--activation",
    type=click.Choice(["tanh", "relu"]),
    default="tanh",
    show_default=True,
    help="What squashes the state; relu goes with --recurrent-init identity (IRNN).",
)
def layer(units: int, name: str, activation: str) -> Any:
    """One SimpleRNN over `(batch, steps, features)` that gives `(batch, steps, units)` and its last state."""
    from seqapp.layers import SimpleRNN

    return SimpleRNN(units, activation=activation, return_sequences=True, return_state=True, name=name)
