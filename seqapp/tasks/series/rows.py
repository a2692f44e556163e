"""The rows of one or more series, and questions gathered from them by the row that is known last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.head import Tensor
from seqapp.data.splits import Split
from seqapp.tasks.series.features import Rows, calendar, category_ids
from seqapp.tasks.series.task import SeriesTask


@dataclass(frozen=True)
class Frame:
    """Rows of one or more series, one series after the other, each oldest first."""

    names: tuple[str, ...]
    bounds: tuple[tuple[int, int], ...]  # of each series' rows
    values: NDArray[Any]  # (rows, columns), raw units, NaN where a value is missing
    categories: NDArray[Any]  # str (rows, columns of categories)
    dates: Sequence[str] | None

    def part(self, cuts: Sequence[Split], split: str) -> list[NDArray[Any]]:
        """The values of a split, series by series."""
        return [self.values[slice(*getattr(cut, split))] for cut in cuts]


def questions(task: SeriesTask, frame: Frame, ahead: int) -> Callable[[Tensor], tuple[Rows, Tensor]]:
    """A function from origins int64 `(batch,)` to what is known there, and to the targets that come.

    Targets are raw, `(batch, targets, ahead)`.
    """
    import tensorflow as tf

    values, dates, ids = tf.constant(frame.values, tf.float32), _calendar(task, frame), _ids(task, frame)
    back, to_come = np.arange(1 - task.window, 1), np.arange(1, ahead + 1)

    def at(origins: Tensor) -> tuple[Rows, Tensor]:
        origin = origins[:, None]
        history, future = tf.gather(values, origin + back), tf.gather(values, origin + to_come)
        seen, known = tf.gather(dates, origin + np.r_[back, to_come]), future[:, :, len(task.columns) - task.known :]
        return Rows(history, known, seen, tf.gather(ids, origin + back)), tf.transpose(
            future[:, :, : task.targets], [0, 2, 1]
        )

    return at


def _calendar(task: SeriesTask, frame: Frame) -> Tensor:
    """What the calendar says of every row, `(rows, numbers)`."""
    import tensorflow as tf

    if not task.calendar:
        return tf.zeros([len(frame.values), 0])
    return calendar(tf.constant(list(frame.dates or [])), task.calendar)


def _ids(task: SeriesTask, frame: Frame) -> Tensor:
    """The categories of every row, `(rows, columns of categories)`."""
    import tensorflow as tf

    if not task.categories:
        return tf.zeros([len(frame.values), 0], tf.int32)
    named = tf.constant(frame.categories.tolist(), tf.string)
    return category_ids(named, [known for _, known in task.categories])
