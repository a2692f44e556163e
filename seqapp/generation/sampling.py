"""Sampling by temperature, top-k and top-p: tokens in the graph, a seed for each row; one answer in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Tensor

EPSILON = 1e-3  # less likely tokens are never sampled: epsilon sampling, Hewitt, Manning & Liang 2022
BLOCK = 256  # random numbers generated at once; the i-th number of a seed is the same however many are requested

FURTHER = 2**30  # random numbers beyond the first of a step have seeds from here on


@dataclass(frozen=True)
class Sampler:
    """How to sample a token for each row of a batch.

    Args:
        temperature: float32 `(batch,)`, 0 or more; 0 takes the most likely token.
        seed: int32 `(batch,)`.
        top_k: int32 `(batch,)`, sample among this many of the most likely tokens; 0 for all.
        top_p: float32 `(batch,)`, sample among the most likely tokens that reach this probability together; 1 for
            all (nucleus sampling, Holtzman et al. 2020). `top_k` and `top_p` work together; None for neither.
    """

    temperature: Tensor
    seed: Tensor
    top_k: Tensor | None = None
    top_p: Tensor | None = None

    def uniform(self, start: Tensor, steps: Tensor) -> Tensor:
        """Return each row's random numbers from number `start` on.

        Args:
            start: int32 (), a multiple of `BLOCK`.
            steps: int32 (), how many numbers.

        Returns:
            float32 `(batch, steps)` in [0, 1).
        """
        import tensorflow as tf

        first, count = start // BLOCK, -(-steps // BLOCK)

        def row(seed: Tensor) -> Tensor:
            def block(number: Tensor) -> Tensor:
                return tf.random.stateless_uniform([BLOCK], tf.stack([seed, number]), alg="philox")

            blocks = tf.map_fn(block, first + tf.range(count), fn_output_signature=tf.TensorSpec([BLOCK], tf.float32))
            return tf.reshape(blocks, [-1])[:steps]

        return tf.map_fn(row, self.seed, fn_output_signature=tf.TensorSpec([None], tf.float32))

    def sample(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """Sample one id per row: invert the cumulative distribution at `uniform`.

        Tokens less likely than `EPSILON` at temperature 1 are left out first.

        Args:
            logits: float32 `(batch, ids)`.
            uniform: float32 `(batch,)` in [0, 1).

        Returns:
            int32 `(batch,)`.
        """
        import tensorflow as tf

        greedy = self.temperature <= 0
        sharpness = tf.where(greedy, 1.0, 1 / self.temperature)[:, tf.newaxis]
        probability = tf.nn.softmax(logits)
        highest = tf.reduce_max(probability, -1, keepdims=True)
        likely = probability >= tf.minimum(EPSILON, highest)
        weights = self._filter(tf.where(likely, (probability / highest) ** sharpness, 0))
        cumulative = tf.cumsum(weights, axis=-1)
        below = cumulative[:, :-1] <= uniform[:, tf.newaxis] * cumulative[:, -1:]
        sampled = tf.math.count_nonzero(below, -1, dtype=tf.int32)
        return tf.where(greedy, tf.argmax(logits, -1, output_type=tf.int32), sampled)

    def _filter(self, weights: Tensor) -> Tensor:
        """Set the weights `(batch, ids)` that top-k and top-p exclude to 0."""
        import tensorflow as tf

        if self.top_k is None or self.top_p is None:
            return weights
        ranked, size = tf.sort(weights, direction="DESCENDING"), tf.shape(weights)[1]
        last = tf.where(self.top_k > 0, tf.minimum(self.top_k, size), size) - 1
        top = tf.where(tf.range(size) <= last[:, tf.newaxis], ranked, 0)
        before = tf.cumsum(top, axis=-1, exclusive=True)
        inside = (before < self.top_p[:, tf.newaxis] * tf.reduce_sum(top, -1, keepdims=True)) & (top > 0)
        lowest = tf.reduce_min(tf.where(inside, top, top[:, :1]), -1, keepdims=True)
        return tf.where(weights >= lowest, weights, 0)


@dataclass(frozen=True)
class StepSampler:
    """Draws of one step, as a head takes them (seqapp.contract.Sampler).

    Args:
        sampler: how to sample.
        step: int32 (), number of the step.
        number: float32 `(batch,)`, the step's random number of each row, for `category`.
        mask: is added to logits, float32 `(ids,)`.
    """

    sampler: Sampler
    step: Tensor
    number: Tensor
    mask: Any

    def category(self, logits: Tensor) -> Tensor:
        """Sample one id per row, int32 `(batch,)`, from logits `(batch, ids)`."""
        return self.sampler.sample(logits + self.mask, self.number)

    def uniform(self, count: int) -> Tensor:
        """Return further random numbers of the step, float32 `(batch, count)` in [0, 1)."""
        import tensorflow as tf

        def row(seed: Tensor) -> Tensor:
            return tf.random.stateless_uniform([count], tf.stack([seed, FURTHER + self.step]), alg="philox")

        return tf.map_fn(row, self.sampler.seed, fn_output_signature=tf.TensorSpec([count], tf.float32))


def sample(probability: NDArray[Any], temperature: float, random: np.random.Generator) -> int:
    """Sample an index in proportion to `probability ** (1 / temperature)`; at temperature 0 take the most likely.

    Args:
        probability: `(classes,)`.
        temperature: 0 or more.
        random: is advanced unless the temperature is 0.
    """
    if temperature == 0:
        return int(probability.argmax())
    with np.errstate(divide="ignore"):
        logits = np.log(probability.astype(float)) / temperature
    weights = np.exp(logits - logits.max())
    return int(random.choice(len(weights), p=weights / weights.sum()))
