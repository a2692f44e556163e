"""Stacked GRU: several GRU cells on top of each other inside one layer."""

import click


@click.option("--depth", default=2, show_default=True, help="Cells in each layer.")
def layer(units, name, depth):
    import keras

    cells = [keras.layers.GRUCell(units) for _ in range(depth)]
    return keras.layers.RNN(cells, return_sequences=True, return_state=True, name=name)
