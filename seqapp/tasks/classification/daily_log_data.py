"""Windows over a daily log, its baselines, and how predictions are measured, also after long gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline, Windows
from seqapp.contract.head import Classified, Tensor
from seqapp.data.splits import Split
from seqapp.tasks.classification.daily_log import Log, LogTask
from seqapp.tasks.classification.dataset import CategoryDataset, category_metrics, majority, markov, repeat_last

LONG = 7  # days in a row without a known target, after which a day is counted apart


class LogDataset(CategoryDataset):
    """Windows over a log: in training every day of a window is predicted, in validation and test its last one.

    Args:
        hide: copies of each training window in which a random stretch of the target is hidden from the input and
            still asked for: so the network learns to go on when nobody wrote the log.
        best: log rows -> class probabilities `(rows, classes)` of the best possible forecast, where that is known.
    """

    task: LogTask

    def __init__(
        self,
        task: LogTask,
        log: Log,
        cut: Split,
        data: Mapping[str, Any],
        dates: list[str] | None,
        hide: int,
        seed: int,
        best: Callable[[], NDArray[Any]] | None = None,
    ) -> None:
        self.task, self.log, self.cut, self.data, self.best = task, log, cut, data, best
        numbers = {name: number for number, name in enumerate(task.classes)}
        self.classes = np.array([numbers.get(value, -1) for value in log.target])  # -1: unknown
        self.latest = task.raw(log, slice(-task.window, None))
        if task.known:
            self.latest[task.name(task.target)] = np.array([[*log.target[-task.window : -1], ""]], dtype=object)
        self.hide, self.seed = hide, seed
        self.after_long = self._last_known(LONG) < 0
        self.split = cut.describe(dates)
        self.split["test"]["after_7_unknown"] = int(self.after_long[self.days("test")].sum())

    def days(self, split: str) -> NDArray[Any]:
        """Rows of a split whose target is known and which have a whole window before them."""
        start, stop = getattr(self.cut, split)
        rows = np.arange(max(start, self.task.window), stop)
        return rows[self.classes[rows] >= 0]

    def windows(self, split: str) -> Windows:
        """Raw windows through the task's own `encode`."""
        import tensorflow as tf

        task, steps = self.task, self.task.window + (not self.task.known)
        copies = 1 + self.hide if split == "train" else 1
        last = self.days(split)
        if split == "train":
            last = np.arange(task.window, self.cut.train[1], max(1, self.cut.train[1] // 5000))
        ends, hidden = np.tile(last, copies), self._hidden(len(last), copies, steps)
        columns = {name: tf.constant(values[0]) for name, values in task.raw(self.log, slice(None)).items()}
        held = [tf.constant(ends), tf.constant(hidden), tf.constant(self.classes)]

        def gather(indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            rows = tf.gather(held[0], indices)[:, None] + tf.range(1 - steps, 1, dtype=tf.int64)  # (batch, steps)
            classes, shown = tf.gather(held[2], rows), rows if task.known else rows[:, :-1]
            raw = {name: tf.gather(column, shown) for name, column in columns.items()}
            name = task.name(task.target)
            raw[name] = tf.where(tf.gather(held[1], indices)[:, : tf.shape(shown)[1]], "", raw[name])
            asked = tf.range(steps) == steps - 1 if split != "train" else tf.fill([steps], True)
            return task.encode(raw), tf.maximum(classes, 0), tf.cast((classes >= 0) & asked, tf.float32)

        return Windows(len(ends), gather)

    def _hidden(self, count: int, copies: int, steps: int) -> NDArray[Any]:
        """Which steps of each window are hidden, bool `(count × copies, steps)`: none in the first copy."""
        random = np.random.default_rng(self.seed)  # the same at every call: a resumed run must see the same windows
        start, length = (
            random.integers(low, high, (count * copies, 1)) for low, high in ((0, steps), (1, 2 * LONG + 1))
        )
        step = np.arange(steps)
        hidden: NDArray[Any] = (start <= step) & (step < start + length)
        hidden[:count] = False
        return hidden

    def _last_known(self, within: int | None = None) -> NDArray[Any]:
        """For each row the class of the last known row before it, -1 if there is none within so many rows."""
        known = np.where(self.classes >= 0, np.arange(self.log.rows), -1)
        last = np.concatenate([[-1], np.maximum.accumulate(known)[:-1]])
        far = last < 0 if within is None else last < np.arange(self.log.rows) - within
        return np.where(far, -1, self.classes[last])

    def baselines(self) -> dict[str, Baseline]:
        """Majority, the last known class, the Markov chain from the day before, and the best possible where known."""
        train, test, classes = self.days("train"), self.days("test"), len(self.task.classes)
        past, actual = self.classes[train], self.classes[test]
        last, day_before = self._last_known(), self._last_known(1)
        found = {
            "majority": Baseline(majority(past, actual, classes), f"always the commonest {self.task.target}"),
            "repeat_last": Baseline(
                repeat_last(last[train], past, last[test], actual, classes),
                f"repeating the last known {self.task.target}",
            ),
            "markov": Baseline(
                markov(day_before[train], past, day_before[test], actual, classes),
                "the Markov chain from the day before",
            ),
        }
        if self.best:
            probability = self.best()[test]
            found["best_possible"] = Baseline(
                Classified.from_probability(actual, probability), "the best possible accuracy", ceiling=True
            )
        return found

    def metrics(self, predictions: Classified) -> dict[str, float]:
        """Accuracy and log-loss of all days, and of those after seven or more days without a known target."""
        measured = category_metrics(predictions)
        apart = self.after_long[self.days("test")]
        if apart.any():
            part = Classified(predictions.actual[apart], predictions.predicted[apart], predictions.logs[apart])
            measured |= {f"{name}_after_7_unknown": value for name, value in category_metrics(part).items()}
        return measured
