"""From a task, a model file's layer or network, and options to a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seqapp.contract import Feature, Network, NetworkOptions, Task, Tensor
from seqapp.errors import BadInput
from seqapp.networks.stack import Link, Stack, is_recurrent, one_way_layers
from seqapp.rooms import Room
from seqapp.system.tensorflow import keras

Layer = Callable[..., Any]  # layer(units, name) -> a recurrent Keras layer that returns sequences and states
REGULARIZATION = ("weight_drop", "recurrent_dropout", "zoneout", "omega")
INITIALIZATION = ("forget_bias", "chrono", "recurrent_init")


def build_model(model: Room, own: dict[str, Any], task: Task, options: NetworkOptions, seed: int = 0) -> Network:
    """Build a model file's network for a task: its own wiring, or that of the task around its layer.

    Args:
        model: the model file.
        own: values of the options that it declares.
        task: what is read and predicted.
        options: those of every network.
        seed: fixes the initial weights and the dropout.

    Raises:
        BadInput: the model does not read what the task has, or the options do not go with it.
    """
    for feature in (task.inputs, *task.context.values()):
        if not model.reads(feature):
            raise BadInput(f"--model {model.name}: expected inputs that it reads, got {feature}. Choose another model.")
    if not model.defines("network"):
        return build(task, layer_of(model, own), options, seed)
    keras.utils.set_random_seed(seed)
    network: Network = model.network(task, options, seed, **own)
    return network


def layer_of(model: Room, own: dict[str, Any]) -> Layer:
    """Return a model file's `layer(units, name)`, with its own options filled in."""
    return lambda units, name: model.layer(units, name, **own)


def build(task: Task, layer: Layer, options: NetworkOptions, seed: int = 0) -> Network:
    """Build the task's own network, or a stack, of a model file's layer.

    Args:
        task: says what goes in and which head it has.
        layer: `layer(units, name)` gives a recurrent Keras layer that returns sequences and state.
        options: how it is built.
        seed: fixes the initial weights and the dropout.

    Raises:
        BadInput: the options ask for what the layer or the task does not have.
    """
    keras.utils.set_random_seed(seed)
    if options.bidirectional and not task.looks_ahead:
        raise BadInput(
            "--bidirectional: this task is answered at every step, where a network that reads from the end would see "
            "what it is to predict. Only tasks that read a whole sequence and answer at its end can be."
        )
    return task.network(layer, options, seed) or stack(task, layer, options, seed)


def stack(task: Task, layer: Layer, options: NetworkOptions, seed: int) -> Stack:
    """The reader of the task's inputs, `options.layers` of the layer, and the task's head."""
    reader = task.inputs.reader(options)
    head = task.head.layer(options, reader)
    inputs, hidden, chain = wire(task.inputs, reader, layer, options, seed)
    model = keras.Model(inputs, head(hidden), name="network")
    below = keras.Model(inputs, hidden)
    return Stack(model, below, chain, head, options.activation_l2, options.temporal_l2)


def wire(
    feature: Feature, reader: Any, layer: Layer, options: NetworkOptions, seed: int, name: str = ""
) -> tuple[Any, Tensor, list[Link]]:
    """Wire a reader and recurrent layers over one input.

    Args:
        feature: what is read.
        reader: its layer, or None.
        layer: the model file's.
        options: how many layers, and what is around them.
        seed: of the initial weights that options ask for.
        name: goes before the name of each layer, where a network has several stacks.

    Returns:
        The Keras input, the hidden states over it, and the layers between them.
    """
    spec = feature.spec()
    inputs = keras.Input(tuple(spec.shape[1:]), dtype=spec.dtype.name, name=f"{name}inputs")
    chain = [] if reader is None else [Link(reader)]
    if options.input_dropout:
        chain.append(Link(keras.layers.SpatialDropout1D(options.input_dropout, name=f"{name}input_dropout")))
    hidden = inputs
    for link in chain:
        hidden = link(hidden)
    for number in range(1, options.layers + 1):
        hidden = _stacked(chain, hidden, _recurrent(layer, options, number, name), options)
        _initialize(chain[-1].layer, options, [seed, number])
        if options.dropout:
            chain.append(Link(keras.layers.Dropout(options.dropout, name=f"{name}dropout_{number}")))
            hidden = chain[-1](hidden)
    return inputs, hidden, chain


def _recurrent(layer: Layer, options: NetworkOptions, number: int, prefix: str) -> Any:
    """The model file's layer as the options ask for it; twice if it is bidirectional."""
    name = f"{prefix}recurrent_{number}"
    if not options.bidirectional:
        return _prepared(layer(options.units, name=name), options)
    from seqapp.layers import Bidirectional

    forward, backward = (
        _prepared(layer(options.units, name=f"{name}_{way}"), options) for way in ("forward", "backward")
    )
    if not hasattr(backward, "go_backwards"):
        raise BadInput(f"--bidirectional: the model's layer, a {type(backward).__name__}, cannot go backwards.")
    backward.go_backwards = True
    return Bidirectional(forward, backward, finish=number == options.layers, name=name)


def _prepared(layer: Any, options: NetworkOptions) -> Any:
    """The model file's layer on the engine asked for, with its regularization in training."""
    if hasattr(layer, "engine"):
        layer.engine = options.engine
    values = options.subset(REGULARIZATION)
    if any(values.values()):
        from seqapp.layers.regularization import Regularization

        regularization = Regularization(**values)
        for name in regularization.active():
            if refusal := why_not(layer, options.engine, name):
                raise BadInput(f"--{name.replace('_', '-')}: {refusal}")
        layer.regularization = regularization
    return layer


def why_not(layer: Any, engine: str, regularizer: str) -> str | None:
    """Why a model file's layer cannot be trained with a regularizer, or None."""
    if engine != "fast" or not hasattr(layer, "regularization"):
        return "only the layers of seqapp.layers on --engine fast know it."
    step = layer.step()
    if regularizer != "zoneout" and not step.columns and not (regularizer == "omega" and step.vectors):
        return f"the layer {type(layer).__name__} does not multiply its state with a kernel."
    return None


def _stacked(chain: list[Link], hidden: Tensor, layer: Any, options: NetworkOptions) -> Tensor:
    """Append a layer to the chain and return its sequence."""
    sequence = layer(hidden) if is_recurrent(layer) else None
    if not isinstance(sequence, list | tuple) or len(sequence) < 2 or len(sequence[0].shape) != 3:
        raise BadInput(
            f"the model's layer, a {type(layer).__name__}, gives no sequence with its state. Return a Keras recurrent "
            "layer with return_sequences=True and return_state=True, such as keras.layers.RNN around a cell."
        )
    residual = options.residual and hidden.shape[-1] == sequence[0].shape[-1]
    chain.append(Link(layer, residual))
    return keras.layers.Add(name=f"{layer.name}_residual")([sequence[0], hidden]) if residual else sequence[0]


def _initialize(layer: Any, options: NetworkOptions, seed: list[int]) -> None:
    """Give a layer the initial weights that the options ask for."""
    initialization = options.subset(INITIALIZATION)
    if all(value is None for value in initialization.values()):
        return
    from seqapp.layers.initialization import Initialization

    starting, random = Initialization(**initialization), np.random.default_rng(seed)
    for each in one_way_layers(layer):
        starting.apply(each, random)
