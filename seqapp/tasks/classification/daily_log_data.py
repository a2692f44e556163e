"""A daily log as a dataset: windows, baselines, and metrics, also after long stretches without a known target."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline, Batch, Metric, Tensor
from seqapp.data.splits import Split
from seqapp.data.windows import Windows
from seqapp.heads import CategoryRecord
from seqapp.tasks.classification.daily_log import Log, LogTask
from seqapp.tasks.classification.dataset import CATEGORY_METRICS, CategoryDataset, majority, markov, repeat_last

LONG_STRETCH = 7  # days in a row without a known target, after which a day is also measured separately
TRAINING_WINDOWS = 5000  # a longer log is read in steps of several days


class LogDataset(CategoryDataset):
    """Windows over a log: in training every day of a window is predicted, in validation and test its last one.

    Args:
        task: fitted on the training split.
        log: all rows.
        cut: the splits, by rows.
        data: where the log comes from.
        hide: copies of each training window in which a random stretch of the target is hidden from the input but still
            predicted, so that the network learns to predict across gaps.
        seed: of the hidden stretches.
        best: returns the class probabilities `(rows, classes)` of the best possible forecast, where that is known.
    """

    task: LogTask

    def __init__(
        self,
        task: LogTask,
        log: Log,
        cut: Split,
        data: Mapping[str, Any],
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
        self.after_long = self._last_known(LONG_STRETCH) < 0
        self.split = cut.describe(log.dates)
        self.split["test"]["after_7_unknown"] = int(self.after_long[self.days("test")].sum())

    def days(self, split: str) -> NDArray[Any]:
        """Return the rows of a split whose target is known and which have a whole window before them, `(days,)`."""
        start, stop = getattr(self.cut, split)
        rows = np.arange(max(start, self.task.window), stop)
        return rows[self.classes[rows] >= 0]

    def examples(self, split: str) -> Windows:
        """Return raw windows passed through the task's own `encode`."""
        import tensorflow as tf

        task, steps, training = self.task, self.task.window + (not self.task.known), split == "train"
        last, hidden = self._training_windows(steps) if training else self._scoring_windows(split, steps)
        columns = {name: tf.constant(values[0]) for name, values in task.raw(self.log, slice(None)).items()}
        ends, mask, all_classes = tf.constant(last), tf.constant(hidden), tf.constant(self.classes)
        scored = tf.fill([steps], True) if training else tf.range(steps) == steps - 1

        def gather(indices: Tensor) -> Batch:
            rows = tf.gather(ends, indices)[:, None] + tf.range(1 - steps, 1, dtype=tf.int64)  # (batch, steps)
            classes, visible = tf.gather(all_classes, rows), rows if task.known else rows[:, :-1]
            raw = {name: tf.gather(column, visible) for name, column in columns.items()}
            name = task.name(task.target)
            raw[name] = tf.where(tf.gather(mask, indices)[:, : tf.shape(visible)[1]], "", raw[name])
            weights = tf.cast((classes >= 0) & scored, tf.float32)
            return Batch(task.encode(raw).inputs, tf.maximum(classes, 0), weights)

        return Windows(len(last), gather)

    def _scoring_windows(self, split: str, steps: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the last row of each window `(windows,)`, and which steps are hidden `(windows, steps)`: none."""
        last = self.days(split)
        return last, np.zeros((len(last), steps), bool)

    def _training_windows(self, steps: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the same of training, where only the first copy of each window hides nothing."""
        stop = self.cut.train[1]
        last, copies = np.arange(self.task.window, stop, max(1, stop // TRAINING_WINDOWS)), 1 + self.hide
        random = np.random.default_rng(self.seed)  # the same at every call: a resumed run must see the same windows
        start, length = (
            random.integers(low, high, (len(last) * copies, 1)) for low, high in ((0, steps), (1, 2 * LONG_STRETCH + 1))
        )
        step = np.arange(steps)
        hidden = (start <= step) & (step < start + length)
        hidden[: len(last)] = False
        return np.tile(last, copies), hidden

    def _last_known(self, within: int | None = None) -> NDArray[Any]:
        """Return the class of the last known row before each row, -1 if there is none within `within` rows."""
        known = np.where(self.classes >= 0, np.arange(self.log.rows), -1)
        last = np.concatenate([[-1], np.maximum.accumulate(known)[:-1]])
        far = last < 0 if within is None else last < np.arange(self.log.rows) - within
        return np.where(far, -1, self.classes[last])

    def baselines(self) -> dict[str, Baseline[CategoryRecord]]:
        """Return majority, the last known class, the Markov chain from the day before, and the best possible."""
        train, test, classes = self.days("train"), self.days("test"), len(self.task.classes)
        past, actual = self.classes[train], self.classes[test]
        last, day_before = self._last_known(), self._last_known(1)
        repeated = repeat_last(last[train], past, last[test], actual, classes)
        chain = markov(day_before[train], past, day_before[test], actual, classes)
        baselines = {
            "majority": Baseline(majority(past, actual, classes), f"always the most frequent {self.task.target}"),
            "repeat_last": Baseline(repeated, f"repeating the last known {self.task.target}"),
            "markov": Baseline(chain, "the Markov chain from the day before"),
        }
        if self.best:
            best = CategoryRecord.from_probability(actual, self.best()[test])
            baselines["best_possible"] = Baseline(best, "the best possible accuracy", ceiling=True)
        return baselines

    @property
    def metrics(self) -> Sequence[Metric[CategoryRecord]]:
        """Accuracy and log-loss of all days, and of days after seven or more without a known target."""
        long = self.after_long[self.days("test")]
        if not long.any():
            return CATEGORY_METRICS

        def after_long(metric: Metric[CategoryRecord]) -> Metric[CategoryRecord]:
            def cases(record: CategoryRecord) -> NDArray[Any] | None:
                every = metric.cases(record)
                return None if every is None else every[long]

            name = f"{metric.name}_after_7_unknown"
            return dataclasses.replace(metric, name=name, cases=cases, judged=False)

        return [*CATEGORY_METRICS, *map(after_long, CATEGORY_METRICS)]
