"""Vectors: a fixed number of values at each step, read as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.options import NetworkOptions
from seqapp.system.tensorflow import tf


@dataclass(frozen=True)
class Vectors:
    """The network reads float32 `(batch, steps, size)`."""

    size: int

    def spec(self) -> Any:
        """float32 `(batch, steps, size)`."""
        return tf.TensorSpec([None, None, self.size], tf.float32)

    def random_values(self, batch: int, steps: int, random: np.random.Generator) -> NDArray[Any]:
        """Values of a standard normal distribution."""
        return random.standard_normal((batch, steps, self.size)).astype(np.float32)

    def reader(self, options: NetworkOptions, name: str = "") -> Any:
        """None: the first recurrent layer reads the vectors themselves."""
        return None

    def fault(self, values: NDArray[Any]) -> tuple[str, str] | None:
        """NaN or infinity."""
        return None if np.isfinite(values).all() else ("finite numbers", "NaN or infinity")
