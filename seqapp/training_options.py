"""The options that every training has; a dataset's own DEFAULTS replace the defaults here."""

from __future__ import annotations

from typing import Any

import click

from seqapp.errors import UnknownName

NETWORK = (
    "units", "layers", "dropout", "input_dropout", "weight_drop", "tie_embeddings", "activation_l2", "temporal_l2",
    "engine", "residual", "bidirectional", "recurrent_dropout", "zoneout", "omega", "forget_bias", "chrono",
    "recurrent_init",
)  # fmt: skip
TRAINING = (
    "epochs", "batch_size", "learning_rate", "clip_norm", "patience", "checkpoint_every", "seed", "schedule", "warmup",
    "weight_decay", "ema_momentum", "epoch_steps", "stop_below",
)  # fmt: skip

_POSITIVE = click.IntRange(min=1)
_FROM_ZERO = click.FloatRange(min=0)
_FRACTION = click.FloatRange(0, 1, max_open=True)
_ABOVE_ZERO = click.FloatRange(min=0, min_open=True)


def training_options(defaults: dict[str, Any], dataset: str) -> list[click.Parameter]:
    """Options for the network, the training and the run folder, with the dataset's defaults."""

    known = {*NETWORK, *TRAINING}
    for name in defaults:
        if name not in known:
            raise UnknownName("training option", name, sorted(known), where="DEFAULTS: ")

    def option(name: str, value: Any, kind: Any, text: str) -> click.Option:
        key = name.removeprefix("--").replace("-", "_")
        value = defaults.get(key, value)
        shown = "by the data" if key in defaults and value is None else value is not None
        return click.Option([name], default=value, type=kind, show_default=shown, help=text)

    def flag(name: str, text: str) -> click.Option:
        key = name.removeprefix("--").replace("-", "_")
        return click.Option([name], is_flag=True, default=bool(defaults.get(key)), help=text)

    return [
        option("--units", 64, _POSITIVE, "Units of each recurrent layer."),
        option("--layers", 1, _POSITIVE, "Recurrent layers on top of each other."),
        option("--dropout", 0.0, _FRACTION, "Fraction dropped after each recurrent layer."),
        option("--input-dropout", 0.0, _FRACTION, "Fraction of the input's features dropped, the same at all steps."),
        option("--weight-drop", 0.0, _FRACTION, "Fraction of the recurrent weights dropped in each step of training."),
        flag("--tie-embeddings", "Predict tokens by the table that reads them."),
        option("--activation-l2", 0.0, _FROM_ZERO, "Penalty on the last layer's outputs squared (AR)."),
        option("--temporal-l2", 0.0, _FROM_ZERO, "Penalty on their change from step to step squared (TAR)."),
        flag("--residual", "Add each recurrent layer's input to its output, where they are as wide: helps depth."),
        flag("--bidirectional", "Read sequences from both ends; only where a whole one is read and its end answers."),
        option("--recurrent-dropout", 0.0, _FRACTION, "Fraction of the state that its kernel does not see, the same at "
               "all steps: against overfitting."),
        option("--zoneout", 0.0, _FRACTION, "Fraction of the state that stays as it was at a step: against overfitting, "
               "and gradients pass."),
        option("--omega", 0.0, _FROM_ZERO, "Factor of the Ω regulariser, which keeps the error signal's norm on its way "
               "back: against vanishing gradients."),
        option("--forget-bias", None, float, "Initial bias of the gate that keeps the state; the larger, the longer it "
               "remembers from the start."),
        option("--chrono", None, click.FloatRange(min=3), "Initial gate biases for memories of up to so many steps, "
               "evenly spread."),
        option("--recurrent-init", None, click.Choice(["orthogonal", "identity"]), "Begin with recurrent matrices that "
               "keep a signal's norm, each gate's by itself."),
        option(
            "--engine", "fast", click.Choice(["fast", "keras"]), "What computes the recurrent layers; same results."
        ),
        option("--epochs", 20, _POSITIVE, "Times over the training split at most."),
        option("--batch-size", 64, _POSITIVE, "Windows in a step."),
        option(
            "--learning-rate",
            0.002,
            _ABOVE_ZERO,
            "Of Adam at the start.",
        ),
        option(
            "--schedule",
            "cosine",
            click.Choice(["cosine", "plateau", "constant"]),
            "Of the learning rate: down to a fiftieth over the epochs, or halved when validation has not improved.",
        ),
        option("--warmup", 0, click.IntRange(min=0), "Steps in which the learning rate rises to its value."),
        option("--weight-decay", 0.0, _FROM_ZERO, "Shrinks all weights but biases, as in AdamW."),
        option(
            "--ema-momentum",
            0.0,
            _FRACTION,
            "Validate and keep moving averages of the weights with this momentum, such as 0.999.",
        ),
        option("--epoch-steps", None, _POSITIVE, "Steps in an epoch at most, for data too large for whole ones."),
        option("--stop-below", 0.0, _FROM_ZERO, "A validation loss that is good enough: the training ends there."),
        option("--clip-norm", 1.0, _ABOVE_ZERO, "Longest gradient, as a norm over all weights: against exploding gradients."),
        option("--patience", 5, _POSITIVE, "Epochs without a better validation loss before it stops."),
        option("--checkpoint-every", 200, _POSITIVE, "Steps between checkpoints inside an epoch."),
        option("--seed", 0, click.IntRange(min=0), "Fixes data, initial weights, order and dropout."),
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
