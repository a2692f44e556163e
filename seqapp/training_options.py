"""The options that every training has; a dataset's own DEFAULTS replace the defaults here."""

from __future__ import annotations

from typing import Any

import click

from seqapp.errors import UnknownName

NETWORK = ("units", "layers", "dropout", "engine")
TRAINING = ("epochs", "batch_size", "learning_rate", "clip_norm", "patience", "checkpoint_every", "seed")

_POSITIVE = click.IntRange(min=1)
_ABOVE_ZERO = click.FloatRange(min=0, min_open=True)


def training_options(defaults: dict[str, Any], dataset: str) -> list[click.Parameter]:
    """Options for the network, the training and the run folder, with the dataset's defaults."""

    known = {*NETWORK, *TRAINING}
    for name in defaults:
        if name not in known:
            raise UnknownName("training option", name, sorted(known), where="DEFAULTS: ")

    def option(name: str, value: Any, kind: Any, text: str) -> click.Option:
        key = name.removeprefix("--").replace("-", "_")
        return click.Option([name], default=defaults.get(key, value), type=kind, show_default=True, help=text)

    return [
        option("--units", 64, _POSITIVE, "Units of each recurrent layer."),
        option("--layers", 1, _POSITIVE, "Recurrent layers on top of each other."),
        option("--dropout", 0.0, click.FloatRange(0, 1, max_open=True), "Fraction dropped after each recurrent layer."),
        option(
            "--engine", "fast", click.Choice(["fast", "keras"]), "What computes the recurrent layers; same results."
        ),
        option("--epochs", 20, _POSITIVE, "Times over the training split at most."),
        option("--batch-size", 64, _POSITIVE, "Windows in a step."),
        option(
            "--learning-rate",
            0.002,
            _ABOVE_ZERO,
            "Of Adam at the start; it falls to a fiftieth along a cosine over the epochs.",
        ),
        option("--clip-norm", 1.0, _ABOVE_ZERO, "Longest gradient, as a norm over all weights."),
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
