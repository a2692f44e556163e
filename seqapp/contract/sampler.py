"""Define what a head may draw with."""

from __future__ import annotations

from typing import Any, Protocol


class Sampler(Protocol):
    """Draws for one step of each row; a row's draws depend on its own seed and step alone."""

    def category(self, logits: Any) -> Any:
        """One id per row, int32 `(batch,)`, from logits `(batch, ids)`."""

    def uniform(self, count: int) -> Any:
        """Numbers in [0, 1), float32 `(batch, count)`."""
