"""Training options that suit a text by its size."""

from __future__ import annotations

from typing import Any

SMALL_TEXT, LARGE = 200_000, 3_000_000  # training tokens: below SMALL_TEXT, up to LARGE, above
MEDIUM_BUDGET = 17_000_000  # tokens to train on in all epochs together, for a text between the two
LARGE_BUDGET = 30_000_000  # the same for a large text: about half an hour on two cores


def by_size(tokens: int, length: int) -> dict[str, Any]:
    """Return training options; the smaller the text, the more is done against overfitting.

    An epoch of a large text is only a part of it, so that the text is validated from time to time. The values were
    measured on CPython's documentation, on Tiny Shakespeare and on its first 100 kB (benchmarks/README.md).

    Args:
        tokens: of the training split.
        length: tokens of a training window.
    """
    common = {"patience": 10, "learning_rate": 0.003, "warmup": 50, "weight_decay": 0.05, "ema_momentum": 0.99,
              "input_dropout": 0.0}  # fmt: skip
    if tokens < SMALL_TEXT:
        return common | {
            "units": 384, "layers": 1, "dropout": 0.5, "weight_drop": 0.5, "batch_size": 16, "epochs": 60
        }  # fmt: skip
    if tokens < LARGE:
        epochs = min(max(MEDIUM_BUDGET // tokens, 12), 24)
        return common | {
            "units": 384, "layers": 2, "dropout": 0.25, "weight_drop": 0.4, "batch_size": 32, "epochs": epochs
        }  # fmt: skip
    rows, epochs = 32, 10
    return common | {
        "units": 512, "layers": 2, "dropout": 0.1, "weight_drop": 0.0, "batch_size": rows, "epochs": epochs,
        "epoch_steps": LARGE_BUDGET // (rows * length * epochs),
    }  # fmt: skip
