"""LSTM with peepholes: the gates also see the cell state."""

from typing import Any

import click


@click.option(
    "--output-activation",
    type=click.Choice(["tanh", "linear"]),
    default="tanh",
    show_default=True,
    help="What squashes the cell state on its way out; the peephole paper suggests linear.",
)
def layer(units: int, name: str, output_activation: str) -> Any:
    """One layer over `(batch, steps, features)` that gives `(batch, steps, units)` and its last states h and c."""
    from seqapp.layers import PeepholeLSTM

    return PeepholeLSTM(units, output_activation=output_activation, return_sequences=True, return_state=True, name=name)
