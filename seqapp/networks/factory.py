"""The factory: from a task and a model file's `layer` to a network of any depth, with what is asked for around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seqapp.contract import Task, Tokens
from seqapp.contract.head import Tensor
from seqapp.contract.options import NetworkOptions
from seqapp.errors import BadInput
from seqapp.networks.stack import Link, Network, halves, is_recurrent

REMEDIES = ("weight_drop", "recurrent_dropout", "zoneout", "omega")
STARTS = ("forget_bias", "chrono", "recurrent_init")


def build(task: Task, layer: Callable[..., Any], options: NetworkOptions, seed: int = 0) -> Network:
    """What the task reads, then `options.layers` of the model file's `layer`, then the head that the task asks for.

    Args:
        task: says what goes in and how wide the head is.
        layer: `layer(units, name)` gives a recurrent Keras layer that returns sequences and state.
        options: of the network.
        seed: fixes the initial weights and the dropout.

    Raises:
        BadInput: the options ask for what the layer or the task does not have.
    """
    import keras

    keras.utils.set_random_seed(seed)
    if options.bidirectional and not task.at_end:
        raise BadInput(
            "--bidirectional: this task is answered at every step, where a network that reads from the end would see "
            "what it is to predict. Only tasks that read a whole sequence and answer at its end can be read both ways."
        )
    first, head = _ends(task, options)
    chain = list(first)
    if options.input_dropout:
        chain.append(Link(keras.layers.SpatialDropout1D(options.input_dropout, name="input_dropout")))
    tokens = isinstance(task.inputs, Tokens)
    inputs = keras.Input(
        (None,) if tokens else (None, task.inputs.size), dtype="int32" if tokens else "float32", name="inputs"
    )
    hidden = inputs
    for link in chain:
        hidden = link(hidden)
    for number in range(1, options.layers + 1):
        hidden = _stacked(chain, hidden, _recurrent(layer, options, number), options)
        _begin(chain, options, [seed, number])
        if options.dropout:
            chain.append(Link(keras.layers.Dropout(options.dropout, name=f"dropout_{number}")))
            hidden = chain[-1](hidden)
    model = keras.Model(inputs, head(hidden), name="network")
    return Network(model, [*chain, head], options.activation_l2, options.temporal_l2)


def _ends(task: Task, options: NetworkOptions) -> tuple[list[Link], Link]:
    """What stands before the recurrent layers, and the head."""
    import keras

    from seqapp.layers import Embedding, ReversibleEmbedding

    if not options.tie_embeddings:
        first = []
        if isinstance(task.inputs, Tokens):
            unit = keras.initializers.RandomNormal(stddev=1.0)  # Keras's 0.05 takes three times as many epochs to learn
            size = min(task.inputs.size, options.units)
            first.append(Link(Embedding(task.inputs.size, size, unit, name="embedding")))
        return first, Link(keras.layers.Dense(task.head.units, name="head"))
    if not isinstance(task.inputs, Tokens) or task.head.units != task.inputs.size:
        raise BadInput("--tie-embeddings: only where the network predicts the same tokens that it reads.")
    if options.bidirectional:
        raise BadInput("--tie-embeddings: not with --bidirectional, whose outputs are twice as wide as the table.")
    small = keras.initializers.RandomUniform(-0.1, 0.1)  # the rows are the head's weights too
    table = ReversibleEmbedding(task.inputs.size, options.units, embeddings_initializer=small, name="embedding")
    return [Link(table)], Link(table, {"reverse": True})


def _recurrent(layer: Callable[..., Any], options: NetworkOptions, number: int) -> Any:
    """The model file's layer as asked for; twice where it is to read both ways."""
    name = f"recurrent_{number}"
    if not options.bidirectional:
        return _prepared(layer(options.units, name=name), options)
    from seqapp.layers import Bidirectional

    names = (f"{name}_forward", f"{name}_backward")
    forward, backward = (_prepared(layer(options.units, name=each), options) for each in names)
    if not hasattr(backward, "go_backwards"):
        raise BadInput(f"--bidirectional: the model's layer, a {type(backward).__name__}, cannot go backwards.")
    backward.go_backwards = True
    return Bidirectional(forward, backward, finish=number == options.layers, name=name)


def _prepared(layer: Any, options: NetworkOptions) -> Any:
    """The model file's layer on the engine asked for, with what training is to do to it."""
    if hasattr(layer, "engine"):
        layer.engine = options.engine
    if any(options.subset(REMEDIES).values()):
        from seqapp.layers.regularization import Regularization

        regularization = Regularization(**options.subset(REMEDIES))
        for name in regularization.active():
            if refusal := why_not(layer, options.engine, name):
                raise BadInput(f"--{name.replace('_', '-')}: {refusal}")
        layer.regularization = regularization
    return layer


def why_not(layer: Any, engine: str, remedy: str) -> str | None:
    """Why a model file's layer cannot be trained with a remedy, or None."""
    if engine != "fast" or not hasattr(layer, "regularization"):
        return "only the layers of seqapp.layers on --engine fast know it."
    step = layer.step()
    if remedy != "zoneout" and not step.columns and not (remedy == "omega" and step.vectors):
        return f"the layer {type(layer).__name__} does not multiply its state with a kernel."
    return None


def _stacked(chain: list[Link], hidden: Tensor, layer: Any, options: NetworkOptions) -> Tensor:
    """The layer's sequence over what is below; its state is there to be stepped with."""
    import keras

    sequence = layer(hidden) if is_recurrent(layer) else None
    if not isinstance(sequence, list | tuple) or len(sequence) < 2 or len(sequence[0].shape) != 3:
        raise BadInput(
            f"the model's layer, a {type(layer).__name__}, gives no sequence with its state. Return a Keras recurrent "
            "layer with return_sequences=True and return_state=True, such as keras.layers.RNN around a cell."
        )
    residual = options.residual and hidden.shape[-1] == sequence[0].shape[-1]
    chain.append(Link(layer, residual=residual))
    return keras.layers.Add(name=f"{layer.name}_residual")([sequence[0], hidden]) if residual else sequence[0]


def _begin(chain: list[Link], options: NetworkOptions, seed: list[int]) -> None:
    """Give the last layer of the chain the initial weights that are asked for."""
    if all(value is None for value in options.subset(STARTS).values()):
        return
    from seqapp.layers.initialization import Initialization

    initialization, random = Initialization(**options.subset(STARTS)), np.random.default_rng(seed)
    for layer in halves(chain[-1].layer):
        initialization.apply(layer, random)
