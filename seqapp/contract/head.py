"""Heads: what the network must predict at a step, its loss, and its predictions in the form that metrics read.

A head fixes the width of the last layer (`units`), the loss of one step, and turns a batch of outputs into NumPy
records of the scored steps. Baselines give the same records, so that model and baselines are measured by one code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensor = Any  # a TensorFlow tensor: TensorFlow is imported where it is used


@dataclass(frozen=True)
class Classified:
    """Scored steps of a category: `actual` and `predicted` int (n,), `log_probability` of the actual one (n,), nats.

    `log_probability` is None for a baseline that only names a category.
    """

    actual: NDArray[Any]
    predicted: NDArray[Any]
    log_probability: NDArray[Any] | None = None

    @property
    def logs(self) -> NDArray[Any]:
        """`log_probability`, where it is known to be there."""
        if self.log_probability is None:
            raise ValueError("expected predictions with probabilities, got categories alone")
        return self.log_probability

    @classmethod
    def from_probability(cls, actual: NDArray[Any], probability: NDArray[Any]) -> Classified:
        """From probabilities `(n, classes)`; what has probability 0 and happens costs an infinite log-loss."""
        with np.errstate(divide="ignore"):
            return cls(actual, probability.argmax(-1), np.log(probability[np.arange(len(actual)), actual]))


@dataclass(frozen=True)
class Estimated:
    """Scored steps of a number: `actual` (n, horizon), `quantiles` (n, horizon, levels) in ascending levels.

    A baseline without an interval gives one level, its point forecast.
    """

    actual: NDArray[Any]
    quantiles: NDArray[Any]

    @property
    def median(self) -> NDArray[Any]:
        """The middle quantile, `(n, horizon)`."""
        return self.quantiles[..., self.quantiles.shape[-1] // 2]


@dataclass(frozen=True)
class Category:
    """One of `classes` categories at a step: softmax and cross-entropy. Targets are int `(batch, steps)`."""

    classes: int

    @property
    def units(self) -> int:
        """Width of the last layer."""
        return self.classes

    def loss(self, targets: Tensor, outputs: Tensor) -> Tensor:
        """Cross-entropy in nats, `(batch, steps)`, of logits `(batch, steps, classes)`.

        Written out: on a CPU TensorFlow's fused op takes twice as long, its gradient included.
        """
        import tensorflow as tf

        chosen = tf.one_hot(tf.cast(targets, tf.int32), self.classes, dtype=outputs.dtype)
        return tf.reduce_logsumexp(outputs, -1) - tf.reduce_sum(chosen * outputs, -1)

    def summary(self, targets: Tensor, outputs: Tensor) -> dict[str, Tensor]:
        """What is kept of a batch: small arrays `(batch, steps)`, never the whole softmax."""
        import tensorflow as tf

        return {
            "actual": tf.cast(targets, tf.int32),
            "predicted": tf.argmax(outputs, -1, output_type=tf.int32),
            "log_probability": -self.loss(targets, outputs),
        }

    def predictions(self, **kept: NDArray[Any]) -> Classified:
        """The record of all scored steps, from the summaries' scored entries."""
        return Classified(**kept)


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
    def units(self) -> int:
        """Width of the last layer."""
        return self.horizon * len(self.levels)

    def quantiles(self, outputs: Tensor) -> Tensor:
        """Outputs `(..., units)` as quantiles `(..., horizon, levels)`, ascending along the last axis."""
        import tensorflow as tf

        middle = len(self.levels) // 2
        shape = tf.concat([tf.shape(outputs)[:-1], [self.horizon, len(self.levels)]], 0)
        below, median, above = tf.split(tf.reshape(outputs, shape), [middle, 1, middle], axis=-1)
        lower = median - tf.cumsum(tf.nn.softplus(below), axis=-1, reverse=True)
        upper = median + tf.cumsum(tf.nn.softplus(above), axis=-1)
        return tf.concat([lower, median, upper], -1)

    def loss(self, targets: Tensor, outputs: Tensor) -> Tensor:
        """Pinball loss, `(batch, steps)`: the mean over horizon and levels (Koenker & Bassett 1978)."""
        import tensorflow as tf

        error = targets[..., tf.newaxis] - self.quantiles(outputs)  # (batch, steps, horizon, levels)
        levels = tf.constant(self.levels, error.dtype)
        return tf.reduce_mean(tf.maximum(levels * error, (levels - 1) * error), [-2, -1])

    def summary(self, targets: Tensor, outputs: Tensor) -> dict[str, Tensor]:
        """What is kept of a batch: targets and quantiles of every step."""
        return {"actual": targets, "quantiles": self.quantiles(outputs)}

    def predictions(self, **kept: NDArray[Any]) -> Estimated:
        """The record of all scored steps, from the summaries' scored entries."""
        return Estimated(**kept)


Head = Category | Quantiles
Predictions = Classified | Estimated
