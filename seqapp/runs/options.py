"""The options of every training run, beside those of the network; a dataset file's DEFAULTS replace some defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqapp.contract.options import (
    INITIALIZATION,
    NETWORK,
    REGULARIZATION,
    TRAINING,
    NetworkOptions,
    Option,
    option,
    options_of,
)
from seqapp.errors import UnknownName

GROUPS = (NETWORK, TRAINING, REGULARIZATION, INITIALIZATION)  # in the order of --help


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How the weights are trained: epochs, Adam and its learning rate, early stopping, checkpoints."""

    epochs: int = option(20, "Maximum number of epochs.", minimum=1, group=TRAINING)
    batch_size: int = option(64, "Batch size.", minimum=1, group=TRAINING)
    learning_rate: float = option(0.002, "Initial learning rate (Adam).", above=0, group=TRAINING)
    schedule: str = option(
        "cosine", "Learning rate schedule: cosine decay to a fiftieth, or halved after an epoch without a better "
        "validation loss.", choices=("cosine", "plateau", "constant"), group=TRAINING,
    )  # fmt: skip
    warmup: int = option(0, "Number of steps in which the learning rate rises to its value.", minimum=0, group=TRAINING)
    epoch_steps: int | None = option(
        None, "Maximum number of steps in an epoch, for data too large to be read in full.", minimum=1, group=TRAINING
    )
    stop_below: float = option(0.0, "Stop at a validation loss below this value.", minimum=0, group=TRAINING)
    patience: int = option(
        5, "Stop after this number of epochs without a better validation loss.", minimum=1, group=TRAINING
    )
    checkpoint_every: int = option(
        200, "Number of steps between checkpoints within an epoch.", minimum=1, group=TRAINING
    )
    seed: int = option(
        0, "Random seed of the data, initial weights, order of examples and dropout.", minimum=0, group=TRAINING
    )
    clip_norm: float = option(
        1.0, "Clip gradients to this global norm; against exploding gradients.", above=0, group=REGULARIZATION
    )
    weight_decay: float = option(
        0.0, "Decoupled weight decay of all weights but biases, as in AdamW.", minimum=0, group=REGULARIZATION
    )
    ema_momentum: float = option(
        0.0, "Validate and save moving averages of the weights with this momentum, such as 0.999.",
        minimum=0, below=1, group=REGULARIZATION,
    )  # fmt: skip


def general_options(defaults: Mapping[str, Any]) -> list[Option]:
    """Return the options of network and training with a dataset file's DEFAULTS, in the order of --help.

    Raises:
        UnknownName: the file names an option that does not exist.
    """
    declared = (*options_of(NetworkOptions), *options_of(TrainingOptions))
    known = sorted(option.name for option in declared)
    for name in defaults:
        if name not in known:
            raise UnknownName("training option", name, known, where="DEFAULTS: ")
    return [_with_default(each, defaults) for each in sorted(declared, key=lambda each: GROUPS.index(each.group))]


def _with_default(option: Option, defaults: Mapping[str, Any]) -> Option:
    if option.name not in defaults:
        return option
    value = defaults[option.name]
    return dataclasses.replace(option, default=value, default_text="by the data" if value is None else None)
