"""The options that every training has; a dataset's own DEFAULTS replace the defaults here."""

from __future__ import annotations

from typing import Any

import click

from seqapp.errors import UnknownName

Row = tuple[str, Any, Any, str]  # name, default, click's type (bool: a flag), help

_POSITIVE, _COUNT = click.IntRange(min=1), click.IntRange(min=0)
_FROM_ZERO = click.FloatRange(min=0)
_FRACTION = click.FloatRange(0, 1, max_open=True)
_ABOVE_ZERO = click.FloatRange(min=0, min_open=True)

STACK: tuple[Row, ...] = (
    ("units", 64, _POSITIVE, "Units of each recurrent layer."),
    ("layers", 1, _POSITIVE, "Recurrent layers on top of each other."),
    ("residual", False, bool, "Add each recurrent layer's input to its output, where they are as wide: helps depth."),
    ("bidirectional", False, bool, "Read from both ends; only where a whole sequence is read and its end answers."),
    ("tie_embeddings", False, bool, "Predict tokens by the table that reads them."),
    ("engine", "fast", click.Choice(["fast", "keras"]), "What computes the recurrent layers; same results."),
)
STARTS: tuple[Row, ...] = (
    ("forget_bias", None, float, "Initial bias of the gate that keeps the state; the larger, the longer it lasts."),
    ("chrono", None, click.FloatRange(min=3), "Initial gate biases for memories of up to so many steps."),
    (
        "recurrent_init", None, click.Choice(["orthogonal", "identity"]),
        "Begin with recurrent matrices that keep a signal's norm, each gate's by itself.",
    ),
)  # fmt: skip
REMEDIES: tuple[Row, ...] = (
    ("dropout", 0.0, _FRACTION, "Fraction dropped after each recurrent layer: against overfitting."),
    ("input_dropout", 0.0, _FRACTION, "Fraction of the input's features dropped, the same at all steps."),
    ("weight_drop", 0.0, _FRACTION, "Fraction of the recurrent weights dropped in each step of training."),
    ("recurrent_dropout", 0.0, _FRACTION, "Fraction of the state that its kernel does not see, the same at all steps."),
    ("zoneout", 0.0, _FRACTION, "Fraction of the state that stays as it was at a step: dropout that gradients pass."),
    ("omega", 0.0, _FROM_ZERO, "Factor of Ω, which keeps the error signal's norm on its way back through time."),
    ("activation_l2", 0.0, _FROM_ZERO, "Penalty on the last layer's outputs squared (AR)."),
    ("temporal_l2", 0.0, _FROM_ZERO, "Penalty on their change from step to step squared (TAR)."),
    ("clip_norm", 1.0, _ABOVE_ZERO, "Longest gradient, as a norm over all weights: against exploding gradients."),
    ("weight_decay", 0.0, _FROM_ZERO, "Shrinks all weights but biases, as in AdamW."),
    (
        "ema_momentum", 0.0, _FRACTION,
        "Validate and keep moving averages of the weights with this momentum, such as 0.999.",
    ),
)  # fmt: skip
COURSE: tuple[Row, ...] = (
    ("epochs", 20, _POSITIVE, "Times over the training split at most."),
    ("batch_size", 64, _POSITIVE, "Windows in a step."),
    ("learning_rate", 0.002, _ABOVE_ZERO, "Of Adam at the start."),
    (
        "schedule", "cosine", click.Choice(["cosine", "plateau", "constant"]),
        "Of the learning rate: down to a fiftieth over the epochs, or halved when validation has not improved.",
    ),
    ("warmup", 0, _COUNT, "Steps in which the learning rate rises to its value."),
    ("epoch_steps", None, _POSITIVE, "Steps in an epoch at most, for data too large for whole ones."),
    ("stop_below", 0.0, _FROM_ZERO, "A validation loss that is good enough: the training ends there."),
    ("patience", 5, _POSITIVE, "Epochs without a better validation loss before it stops."),
    ("checkpoint_every", 200, _POSITIVE, "Steps between checkpoints inside an epoch."),
    ("seed", 0, _COUNT, "Fixes data, initial weights, order and dropout."),
)  # fmt: skip
_OF_TRAINING = {"clip_norm", "weight_decay", "ema_momentum"}  # remedies that belong to the optimizer
NETWORK = tuple(row[0] for row in (*STACK, *STARTS, *REMEDIES) if row[0] not in _OF_TRAINING)
TRAINING = tuple(row[0] for row in (*COURSE, *REMEDIES) if row[0] not in NETWORK)


def training_options(defaults: dict[str, Any], dataset: str) -> list[click.Parameter]:
    """Options for the network, the training and the run folder, with the dataset's defaults."""
    known = {*NETWORK, *TRAINING}
    for name in defaults:
        if name not in known:
            raise UnknownName("training option", name, sorted(known), where="DEFAULTS: ")
    made: list[click.Parameter] = [_option(row, defaults) for row in (*STACK, *COURSE, *REMEDIES, *STARTS)]
    return [
        *made,
        click.Option(
            ["--model"],
            default="lstm",
            show_default=True,
            metavar="NAME|FILE.py",
            help="A file in models/, or your own.",
        ),
        click.Option(["--out"], metavar="DIR", help=f"Run folder.  [default: runs/{dataset}-MODEL]"),
        click.Option(["--resume"], is_flag=True, help="Go on from the last checkpoint."),
        click.Option(["--force"], is_flag=True, help="Start anew in place of the run that is there."),
    ]


def _option(row: Row, defaults: dict[str, Any]) -> click.Option:
    key, value, kind, text = row
    name, value = f"--{key.replace('_', '-')}", defaults.get(key, value)
    if kind is bool:
        return click.Option([name], is_flag=True, default=bool(value), help=text)
    shown = "by the data" if key in defaults and value is None else value is not None
    return click.Option([name], default=value, type=kind, show_default=shown, help=text)
