"""Quantiles: numbers at future steps, each as quantiles that never cross, by pinball loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import SIGMAS, Encoded, NetworkOptions, Sampler, Surprise, Tensor
from seqapp.errors import BadInput
from seqapp.system.tensorflow import keras, tf


@dataclass(frozen=True)
class QuantileRecord:
    """The record of numbers: `actual` `(cases, horizon)`, `quantiles` `(cases, horizon, levels)`, levels ascending.

    A baseline without an interval gives one level, its point forecast.
    """

    actual: NDArray[Any]
    quantiles: NDArray[Any]

    @property
    def median(self) -> NDArray[Any]:
        """The middle quantile, `(cases, horizon)`."""
        return self.quantiles[..., self.quantiles.shape[-1] // 2]


@dataclass(frozen=True)
class Quantiles:
    """A number at each of `horizon` future steps, as quantiles at `levels` (ascending, the median in the middle).

    Targets are float32 `(batch, steps, horizon)`. The quantiles never cross: the outer ones are the median
    plus or minus sums of positive steps.
    """

    horizon: int = 1
    levels: tuple[float, ...] = (0.1, 0.5, 0.9)

    def __post_init__(self) -> None:
        if (
            len(self.levels) % 2 == 0
            or self.levels[len(self.levels) // 2] != 0.5
            or list(self.levels) != sorted(self.levels)
        ):
            raise ValueError(f"expected ascending levels with 0.5 in the middle, got {self.levels}")

    @property
    def loss_unit(self) -> str:
        """Pinball loss of scaled values."""
        return "pinball, scaled"

    @property
    def units(self) -> int:
        """Width of the last layer."""
        return self.horizon * len(self.levels)

    def targets(self) -> Any:
        """float32 `(batch, steps, horizon)`."""
        return tf.TensorSpec([None, None, self.horizon], tf.float32)

    def layer(self, options: NetworkOptions, reader: Any) -> Any:
        """A Dense layer.

        Raises:
            BadInput: it is to be tied to an embedding.
        """
        if options.tie_embeddings:
            raise BadInput("--tie-embeddings: only where the network predicts the same tokens that it reads.")
        return keras.layers.Dense(self.units, name="head")

    def quantiles(self, outputs: Tensor) -> Tensor:
        """Outputs `(..., units)` as quantiles `(..., horizon, levels)`, ascending along the last axis."""
        middle = len(self.levels) // 2
        shape = tf.concat([tf.shape(outputs)[:-1], [self.horizon, len(self.levels)]], 0)
        below, median, above = tf.split(tf.reshape(outputs, shape), [middle, 1, middle], axis=-1)
        lower = median - tf.cumsum(tf.nn.softplus(below), axis=-1, reverse=True)
        upper = median + tf.cumsum(tf.nn.softplus(above), axis=-1)
        return tf.concat([lower, median, upper], -1)

    def loss(self, targets: Tensor, hidden: Tensor, layer: Any, encoded: Encoded, training: bool) -> Tensor:
        """Pinball loss, `(batch, steps)`: the mean over horizon and levels (Koenker & Bassett 1978)."""
        error = targets[..., tf.newaxis] - self.quantiles(layer(hidden))  # (batch, steps, horizon, levels)
        levels = tf.constant(self.levels, error.dtype)
        return tf.reduce_mean(tf.maximum(levels * error, (levels - 1) * error), [-2, -1])

    def summary(self, targets: Tensor, hidden: Tensor, layer: Any, encoded: Encoded) -> dict[str, Tensor]:
        """Targets and quantiles of every step."""
        return {"actual": targets, "quantiles": self.quantiles(layer(hidden))}

    def record(self, **summaries: NDArray[Any]) -> QuantileRecord:
        """The record of all scored cases."""
        return QuantileRecord(**summaries)

    def sample(self, hidden: Tensor, layer: Any, sampler: Sampler) -> Tensor:
        """A number for each future step, `(batch, horizon)`: the quantiles interpolated, without tails beyond them."""
        quantiles = self.quantiles(layer(hidden[:, tf.newaxis])[:, 0])  # (batch, horizon, levels)
        if len(self.levels) == 1:
            return quantiles[..., 0]
        place = sampler.uniform(self.horizon) * (self.levels[-1] - self.levels[0]) + self.levels[0]
        levels = tf.constant(self.levels, place.dtype)
        upper = tf.clip_by_value(tf.searchsorted(levels, tf.reshape(place, [-1])), 1, len(self.levels) - 1)
        upper = tf.reshape(upper, tf.shape(place))
        below, above = (tf.gather(quantiles, at, batch_dims=2) for at in (upper - 1, upper))
        low, high = tf.gather(levels, upper - 1), tf.gather(levels, upper)
        return below + (above - below) * (place - low) / (high - low)

    def surprise(self, record: QuantileRecord) -> Surprise:
        """Standardised errors of the first number that is predicted at a step."""
        return Surprise.numbered(sigmas(record.actual[:, :1], record.quantiles[:, :1], self.levels), SIGMAS)

    def fault(self, targets: NDArray[Any]) -> tuple[str, str] | None:
        """NaN or infinity."""
        return None if np.isfinite(targets).all() else ("finite numbers", "NaN or infinity")


def sigmas(actual: NDArray[Any], quantiles: NDArray[Any], levels: Sequence[float]) -> NDArray[np.float64]:
    """Standardised errors; infinite beyond an empty interval.

    Args:
        actual: any shape.
        quantiles: the same shape with an axis of quantiles at `levels` behind it.
        levels: ascending, 0.5 in the middle.

    Returns:
        In the shape of `actual`: (actual - median) / sigma, as `Surprise` has it.

    Example: actual 3, quantiles [-1, 0, 2] at (0.1, 0.5, 0.9) -> 3 / (2 / 1.2816) = 1.92
    """
    middle = len(levels) // 2
    place = int(np.abs(np.array(levels[:middle]) - 0.1).argmin())
    median, off = quantiles[..., middle], actual - quantiles[..., middle]
    half = np.where(off < 0, median - quantiles[..., place], quantiles[..., -1 - place] - median)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(off == 0, 0.0, off * NormalDist().inv_cdf(1 - levels[place]) / half)
