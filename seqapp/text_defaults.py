"""Training options that suit a text by its size."""

from __future__ import annotations

from typing import Any

SMALL, LARGE, ENOUGH = 200_000, 3_000_000, 30_000_000  # training tokens, and how many to learn from in all


def by_size(tokens: int) -> dict[str, Any]:
    """Training options for a text of so many training tokens: the smaller, the more against overfitting.

    Found on Tiny Shakespeare and pieces of it (benchmarks/README.md); about ten minutes on two cores for a megabyte.
    """
    common = {"patience": 10, "learning_rate": 0.003, "warmup": 50, "weight_decay": 0.05, "ema_momentum": 0.99,
              "input_dropout": 0.0, "weight_drop": 0.0}  # fmt: skip
    if tokens < SMALL:
        return common | {"units": 384, "layers": 1, "dropout": 0.5, "weight_drop": 0.5, "batch_size": 16, "epochs": 60}
    if tokens < LARGE:
        return common | {"units": 384, "layers": 2, "dropout": 0.4, "batch_size": 32, "epochs": 17}
    epochs = max(1, round(ENOUGH / tokens))
    return common | {"units": 512, "layers": 2, "dropout": 0.1, "batch_size": 32, "epochs": epochs}
