"""Define what a network can read: a feature is one kind of input."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.options import NetworkOptions


class Feature(Protocol):
    """One kind of input; implementations are frozen dataclasses of JSON values (seqapp/features)."""

    @property
    def size(self) -> int:
        """Rows of the first kernel that reads it: the vocabulary, or the numbers of one step."""

    def spec(self) -> Any:
        """The tf.TensorSpec of raw values `(batch, steps, …)`; batch and free axes have size None."""

    def random_values(self, batch: int, steps: int, random: np.random.Generator) -> NDArray[Any]:
        """Plausible values `(batch, steps, …)`, for checks and inspection."""

    def reader(self, options: NetworkOptions, name: str = "") -> Any:
        """The Keras layer from raw values to vectors `(batch, steps, units)`, or None if they are read as they are.

        Args:
            options: the network's options.
            name: goes before the layer's own name, where a network has several readers.
        """

    def fault(self, values: NDArray[Any]) -> tuple[str, str] | None:
        """Return what was expected and the actual value, if `values` are outside their range; else None."""
