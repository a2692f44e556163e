"""Adding: the sum of the two marked numbers of a long sequence, predicted at its end.

"0.3 0.7* 0.1 0.2* …" -> 0.9. Two of the numbers are marked: one in the first tenth, one in the rest of the first half.
Experiment 4 of Hochreiter & Schmidhuber 1997. They predict half the sum and count an answer within 0.04 as correct, so
`within_0.04`, of the whole sum, is twice as strict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline, Batch, Dataset, Encoded, Metric, Network, Raw, Tensor, outputs
from seqapp.data import splits
from seqapp.data.windows import Windows
from seqapp.errors import BadInput
from seqapp.features import Vectors
from seqapp.generation.asking import AskingTask
from seqapp.heads import QuantileRecord, Quantiles
from seqapp.system.files import sha256
from seqapp.tasks.classification.events import count_option, gap_option, length_remark

DEFAULTS = {"units": 64, "epochs": 20, "batch_size": 64, "learning_rate": 0.005, "patience": 99, "stop_below": 0.003}
TOLERANCE = 0.04  # of a right answer
SOLVED_FRACTION = 0.99  # of right answers, from which on the task counts as learned
PARTS = 10  # of a sequence, whose means the linear baseline reads


@dataclass(frozen=True)
class Options:
    """Options of the random sequences."""

    gap: int = gap_option(30, "Length of a sequence.")
    sequences: int = count_option()
    split: str = splits.split_option()


def load(options: Options, seed: int) -> AddingDataset:
    """Generate random sequences and split them."""
    random = np.random.default_rng(seed)
    return AddingDataset(*random_sequences(options.sequences, options.gap, random), options.split)


def random_sequences(count: int, gap: int, random: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Generate `count` sequences: float32 `(count, gap)` in [0, 1), and the two marked steps, int64 `(count, 2)`."""
    values = random.random((count, gap), np.float32)
    return values, np.stack([random.integers(0, gap // 10, count), random.integers(gap // 10, gap // 2, count)], 1)


@dataclass(frozen=True)
class Task(AskingTask):
    """Numbers and marks `(batch, steps)` -> the sum of the marked numbers, with an interval."""

    steps: int  # of each sequence in training
    literal: ClassVar[bool] = True
    looks_ahead: ClassVar[bool] = True

    @property
    def inputs(self) -> Vectors:
        """The number and its mark."""
        return Vectors(2)

    @property
    def head(self) -> Quantiles:
        """The sum."""
        return Quantiles(1)

    def signature(self) -> dict[str, Any]:
        """Return the two inputs: numbers from 0 to 1, and 1 where a number is marked, else 0."""
        import tensorflow as tf

        return {name: tf.TensorSpec([None, None], tf.float32) for name in ("values", "marked")}

    def encode(self, raw: Raw) -> Encoded:
        """Stack the two, `(batch, steps, 2)`."""
        import tensorflow as tf

        from seqapp.saved_model.checks import require

        values, marked = raw["values"], raw["marked"]
        same = tf.reduce_all(tf.equal(tf.shape(values), tf.shape(marked)))
        marked = require(marked, same, "marked: expected as many as values, got shape {}", tf.shape(marked))
        outside = tf.boolean_mask(values, ~((values >= 0) & (values <= 1)))
        values = require(values, tf.equal(tf.size(outside), 0), "values: expected numbers from 0 to 1, got {}", outside)
        other = tf.boolean_mask(marked, ~(tf.equal(marked, 0) | tf.equal(marked, 1)))
        marked = require(marked, tf.equal(tf.size(other), 0), "marked: expected 0 or 1, got {}", other)
        return Encoded(tf.stack([values, marked], -1))

    def answer(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Return the median and the bounds of the 80 % interval, each `(batch,)`."""
        quantiles = self.head.quantiles(outputs(network, self.encode(raw))[:, -1])[:, 0]  # (batch, 3)
        return {"sum": quantiles[:, 1], "lower": quantiles[:, 0], "upper": quantiles[:, 2]}

    def read(self, text: str, source: str) -> Raw:
        """Read numbers between spaces, commas or line ends, the two marked ones with a star."""
        words = text.replace(",", " ").split()
        values = [_number(word.removesuffix("*")) for word in words]
        for word, value in zip(words, values, strict=True):
            if not 0 <= value <= 1:
                raise BadInput(f"{source}: expected numbers from 0 to 1 such as 0.3 or, marked, 0.7*, got '{word}'.")
        marked = [word.endswith("*") for word in words]
        if sum(marked) != 2:
            raise BadInput(f"{source}: expected two numbers marked with a star, such as 0.7*, got {sum(marked)}.")
        return {"values": np.array([values], np.float32), "marked": np.array([marked], np.float32)}

    def remark(self, raw: Raw) -> str | None:
        """Warn of a sequence of another length than in training."""
        return length_remark(raw["values"].shape[1], self.steps)

    def labels(self, raw: Raw) -> list[str]:
        """Return the numbers of the first row, the marked ones with a star."""
        pairs = zip(raw["values"][0], raw["marked"][0], strict=True)
        return [f"{value:.2f}{'*' if marked else ''}" for value, marked in pairs]

    def describe(self, answer: Raw) -> str:
        """Write the sum with its interval."""
        return f"{answer['sum']:.3f}  (80 %: {answer['lower']:.3f} to {answer['upper']:.3f})"

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """Give the sum once, and remove the marks: without marks there is no question. Nothing is sampled."""
        if not raw["marked"].any():
            return raw, None
        return raw | {"marked": np.zeros_like(raw["marked"])}, float(answer["sum"][0])


class AddingDataset(Dataset[QuantileRecord]):
    """Numbers `(sequences, steps)` and their marked steps `(sequences, 2)`, cut in order."""

    def __init__(self, values: NDArray[Any], marks: NDArray[Any], split: str) -> None:
        self.task, self.values, self.marks = Task(values.shape[1]), values, marks
        self.sums = np.take_along_axis(values, marks, 1).sum(1)
        self.cut = splits.cut(len(values), split)
        self.split = self.cut.describe()
        fingerprint = sha256(values.tobytes(), marks.tobytes())
        self.data = {"sha256": fingerprint, "rows": len(values), "source": "random sequences"}
        last = self.cut.test[1] - 1
        marked = np.isin(np.arange(values.shape[1]), marks[last]).astype(np.float32)
        self.latest = {"values": values[[last]], "marked": marked[np.newaxis]}

    def examples(self, split: str) -> Windows:
        """Return one sequence per window, of which only the last step is scored."""
        import tensorflow as tf

        rows, steps = slice(*getattr(self.cut, split)), self.values.shape[1]
        values, marks, sums = (tf.constant(array[rows]) for array in (self.values, self.marks, self.sums))
        last = tf.one_hot(steps - 1, steps)

        def gather(indices: Tensor) -> Batch:
            numbers = tf.gather(values, indices)
            marked = tf.reduce_sum(tf.one_hot(tf.gather(marks, indices), steps), 1)
            targets = tf.zeros_like(numbers) + tf.gather(sums, indices)[:, tf.newaxis]
            return Batch(tf.stack([numbers, marked], -1), targets[..., tf.newaxis], tf.zeros_like(numbers) + last)

        return Windows(self.sums[rows].size, gather)

    def baselines(self) -> dict[str, Baseline[QuantileRecord]]:
        """Return the mean training sum, and a regression that knows where marks usually are, not where they are."""
        from sklearn.linear_model import LinearRegression

        train, test = slice(*self.cut.train), slice(*self.cut.test)
        means = np.stack([part.mean(1) for part in np.array_split(self.values, PARTS, axis=1)], 1)
        line = LinearRegression().fit(means[train], self.sums[train]).predict(means[test])
        mean = np.full_like(self.sums[test], self.sums[train].mean())
        return {
            "mean": Baseline(self._estimated(mean), "always the mean sum"),
            "linear": Baseline(self._estimated(line), "linear regression on the mean of each tenth, without the marks"),
        }

    def _estimated(self, sums: NDArray[Any]) -> QuantileRecord:
        """Return forecasts of the test sums without an interval."""
        return QuantileRecord(self.sums[slice(*self.cut.test), np.newaxis], sums[:, np.newaxis, np.newaxis])

    @property
    def metrics(self) -> Sequence[Metric[QuantileRecord]]:
        """Errors, the share of right answers, and the share of sums in the interval, if there is one."""
        return [
            Metric("mae", _error),
            Metric("rmse", _error, lambda error: np.sqrt(np.square(error).mean()), judged=False),
            Metric(
                "within_0.04",
                lambda record: (_error(record) < TOLERANCE).astype(float),
                higher_is_better=True,
                judged=False,
            ),
            Metric("coverage_80", _inside, higher_is_better=True, judged=False),
        ]

    def solved(self, metrics: Mapping[str, float]) -> bool:
        """Return whether at least 99 % of the answers are right."""
        return metrics["within_0.04"] >= SOLVED_FRACTION


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _error(record: QuantileRecord) -> NDArray[Any]:
    """The absolute error of each sum, `(cases,)`."""
    return np.asarray(np.abs(record.actual - record.median)[:, 0])


def _inside(record: QuantileRecord) -> NDArray[Any] | None:
    """1 for each sum in its interval, else 0, `(cases,)`."""
    if record.quantiles.shape[-1] == 1:
        return None
    lower, _, upper = np.moveaxis(record.quantiles, -1, 0)
    return np.asarray((lower <= record.actual) & (record.actual <= upper), float)[:, 0]
