"""IndRNN: each unit sees itself alone of the units before, h = relu(W x + u ∘ h + b); made to be stacked."""

from typing import Any

import click


@click.option(
    "--activation",
    type=click.Choice(["relu", "tanh"]),
    default="relu",
    show_default=True,
    help="What squashes the state.",
)
def layer(units: int, name: str, activation: str) -> Any:
    """One layer over `(batch, steps, features)` that gives `(batch, steps, units)` and its last state."""
    from seqapp.layers import IndependentRNN

    return IndependentRNN(units, activation=activation, return_sequences=True, return_state=True, name=name)
