"""Category: one of a fixed number of classes, by softmax and cross-entropy."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import BITS, Encoded, NetworkOptions, Sampler, Surprise, Tensor
from seqapp.errors import BadInput
from seqapp.system.tensorflow import keras, tf


@dataclass(frozen=True)
class CategoryRecord:
    """The record of a category: `actual` and `predicted` int `(cases,)`.

    `log_probability` `(cases,)` is that of the actual class, in nats; None for a baseline that only names a class.
    """

    actual: NDArray[Any]
    predicted: NDArray[Any]
    log_probability: NDArray[Any] | None = None

    @property
    def logs(self) -> NDArray[Any]:
        """`log_probability`, where it must be known.

        Raises:
            ValueError: it is not.
        """
        if self.log_probability is None:
            raise ValueError("expected predictions with probabilities, got categories alone")
        return self.log_probability

    @classmethod
    def from_probability(cls, actual: NDArray[Any], probability: NDArray[Any]) -> CategoryRecord:
        """From probabilities `(cases, classes)`; an actual class of probability 0 costs an infinite log-loss."""
        with np.errstate(divide="ignore"):
            return cls(actual, probability.argmax(-1), np.log(probability[np.arange(len(actual)), actual]))


@dataclass(frozen=True)
class Category:
    """One of `classes`: targets are int `(batch, steps)`, or int `(batch,)` where a `whole` sequence has one class."""

    classes: int
    whole: bool = False

    @property
    def loss_unit(self) -> str:
        """Nats."""
        return "nats"

    @property
    def units(self) -> int:
        """Width of the last layer."""
        return self.classes

    def targets(self) -> Any:
        """int32 class numbers."""
        return tf.TensorSpec([None] if self.whole else [None, None], tf.int32)

    def layer(self, options: NetworkOptions, reader: Any) -> Any:
        """Logits by a Dense layer, or with `tie_embeddings` by the table that reads the tokens.

        Raises:
            BadInput: the table cannot be shared.
        """
        if not options.tie_embeddings:
            return keras.layers.Dense(self.classes, name="head")
        if getattr(reader, "input_dim", None) != self.classes:
            raise BadInput("--tie-embeddings: only where the network predicts the same tokens that it reads.")
        if options.bidirectional:
            raise BadInput("--tie-embeddings: not with --bidirectional, whose outputs are twice as wide as the table.")
        return functools.partial(reader, reverse=True)  # saved as the one table that it is

    def logits(self, hidden: Tensor, layer: Any, encoded: Encoded) -> Tensor:
        """Logits `(batch, steps, classes)`; of a whole sequence `(batch, classes)`, after its last step that counts."""
        if not self.whole:
            return layer(hidden)
        lengths = encoded.lengths.get("inputs")
        last = hidden[:, -1] if lengths is None else tf.gather(hidden, tf.maximum(lengths - 1, 0), batch_dims=1)
        return layer(last[:, tf.newaxis])[:, 0]

    def loss(self, targets: Tensor, hidden: Tensor, layer: Any, encoded: Encoded, training: bool) -> Tensor:
        """Cross-entropy in nats, in the shape of the targets.

        Written out: on a CPU TensorFlow's fused op takes twice as long, its gradient included.
        """
        return self._cross_entropy(targets, self.logits(hidden, layer, encoded))

    def _cross_entropy(self, targets: Tensor, logits: Tensor) -> Tensor:
        actual = tf.one_hot(tf.cast(targets, tf.int32), self.classes, dtype=logits.dtype)
        return tf.reduce_logsumexp(logits, -1) - tf.reduce_sum(actual * logits, -1)

    def summary(self, targets: Tensor, hidden: Tensor, layer: Any, encoded: Encoded) -> dict[str, Tensor]:
        """The actual and the predicted class, and the log-probability of the actual one: never the whole softmax."""
        logits = self.logits(hidden, layer, encoded)
        return {
            "actual": tf.cast(targets, tf.int32),
            "predicted": tf.argmax(logits, -1, output_type=tf.int32),
            "log_probability": -self._cross_entropy(targets, logits),
        }

    def record(self, **summaries: NDArray[Any]) -> CategoryRecord:
        """The record of all scored cases."""
        return CategoryRecord(**summaries)

    def sample(self, hidden: Tensor, layer: Any, sampler: Sampler) -> Tensor:
        """One class per row, int32 `(batch,)`."""
        return sampler.category(layer(hidden[:, tf.newaxis])[:, 0])

    def surprise(self, record: CategoryRecord) -> Surprise:
        """Bits of the actual class."""
        return Surprise.numbered((0 - record.logs[:, None]) / np.log(2), BITS)

    def fault(self, targets: NDArray[Any]) -> tuple[str, str] | None:
        """Numbers outside 0 to `classes` - 1."""
        low, high = int(targets.min()), int(targets.max())
        if low >= 0 and high < self.classes:
            return None
        return f"numbers from 0 to {self.classes - 1}", f"{low} to {high}"
