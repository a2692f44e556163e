"""Stacked GRU: several GRU cells on top of each other inside one layer."""

from dataclasses import dataclass

from seqapp.contract.options import option


@dataclass(frozen=True)
class Options:
    depth: int = option(2, "Cells in each layer.")


def layer(units, name, depth):
    import keras

    cells = [keras.layers.GRUCell(units) for _ in range(depth)]
    return keras.layers.RNN(cells, return_sequences=True, return_state=True, name=name)
