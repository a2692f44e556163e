"""The options of every network, and `option`, with which dataset and model files declare options of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from seqapp.system.options import Option, Range, option, options_of, rows

__all__ = ["NetworkOptions", "Option", "Range", "option", "options_of", "rows"]

NETWORK, TRAINING, REGULARIZATION, INITIALIZATION = "network", "training", "regularization", "initialization"


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """How the library stacks a model file's layers, initializes and regularizes them."""

    units: int = option(64, "Number of units of each recurrent layer.", minimum=1, group=NETWORK)
    layers: int = option(1, "Number of stacked recurrent layers.", minimum=1, group=NETWORK)
    residual: bool = option(
        False, "Add each recurrent layer's input to its output where their widths are equal; helps deep stacks.",
        group=NETWORK,
    )  # fmt: skip
    bidirectional: bool = option(
        False, "Read each sequence in both directions; only for tasks that predict once, at its end.", group=NETWORK
    )
    tie_embeddings: bool = option(
        False, "Share the embedding matrix with the output layer (weight tying).", group=NETWORK
    )
    engine: str = option(
        "fast", "What computes the recurrent layers: seqapp's compiled loop or Keras; same results.",
        choices=("fast", "keras"), group=NETWORK,
    )  # fmt: skip
    forget_bias: float | None = option(
        None, "Initial bias of the forget gate; the larger, the longer the state lasts.", group=INITIALIZATION
    )
    chrono: float | None = option(
        None, "Initialize the gate biases for memories of up to this number of steps.", minimum=3, group=INITIALIZATION
    )
    recurrent_init: str | None = option(
        None, "Initialize each gate's recurrent matrix as one that preserves a signal's norm.",
        choices=("orthogonal", "identity"), group=INITIALIZATION,
    )  # fmt: skip
    dropout: float = option(
        0.0, "Fraction of each recurrent layer's outputs to drop; against overfitting.",
        minimum=0, below=1, group=REGULARIZATION,
    )  # fmt: skip
    input_dropout: float = option(
        0.0, "Fraction of the input's features to drop, the same at all steps.",
        minimum=0, below=1, group=REGULARIZATION,
    )  # fmt: skip
    weight_drop: float = option(
        0.0, "Fraction of the recurrent weights to drop in each training step.",
        minimum=0, below=1, group=REGULARIZATION,
    )  # fmt: skip
    recurrent_dropout: float = option(
        0.0, "Fraction of the state to hide from its recurrent kernel, the same at all steps.",
        minimum=0, below=1, group=REGULARIZATION,
    )  # fmt: skip
    zoneout: float = option(
        0.0, "Fraction of the state to leave unchanged at a step: dropout that gradients pass through.",
        minimum=0, below=1, group=REGULARIZATION,
    )  # fmt: skip
    omega: float = option(
        0.0, "Factor of Ω, which preserves the norm of gradients as they go back through time.",
        minimum=0, group=REGULARIZATION,
    )  # fmt: skip
    activation_l2: float = option(
        0.0, "Factor of the mean square of the last layer's outputs, added to the loss (AR).",
        minimum=0, group=REGULARIZATION,
    )  # fmt: skip
    temporal_l2: float = option(
        0.0, "Factor of the mean square of their change from step to step, added to the loss (TAR).",
        minimum=0, group=REGULARIZATION,
    )  # fmt: skip

    def subset(self, names: Iterable[str]) -> dict[str, Any]:
        """Return some of the values by name."""
        return {name: getattr(self, name) for name in names}
