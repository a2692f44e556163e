"""What a network reads of a series at each step: scaled values, gaps, dates, categories, and what is known in advance.

All with TensorFlow ops, so that training and the SavedModel make the same of the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqapp.contract.head import Tensor
from seqapp.tasks.series.scale import Scale

PERIODS = {"hour": 24.0, "weekday": 7.0, "month": 12.0}


class Rows(NamedTuple):
    """A batch of questions: `window` rows up to each origin, and what is known of the `horizon` rows after it."""

    history: Tensor  # float32 (batch, window, columns), raw units, NaN where a value is missing
    known: Tensor  # float32 (batch, horizon, known), raw units
    calendar: Tensor  # float32 (batch, window + horizon, 2 * items)
    categories: Tensor  # int32 (batch, window, columns of categories), 0 for what training has not seen


class Layout(NamedTuple):
    """How rows are laid out as steps."""

    scale: Scale
    targets: int  # the first columns
    known: int  # the last columns
    marked: bool  # whether gaps are marked
    categories: tuple[int, ...]  # how many categories each column of them has
    segment: int  # rows that make one step
    separate: bool  # whether each target is read by itself

    def size(self, columns: int, items: int, horizon: int) -> int:
        """Numbers in a step."""
        read = columns - self.targets + 1 if self.separate else columns
        row = read * (2 if self.marked else 1) + 2 * items + sum(size + 1 for size in self.categories)
        return row * self.segment + horizon * (self.known + 2 * items)


def steps(rows: Rows, layout: Layout, which: Tensor) -> Tensor:
    """What the network reads, `(batch, steps, size)`; of a question's targets `which` `(batch,)`, where separate."""
    import tensorflow as tf

    filled, seen = without_gaps(rows.history)
    skip = 1 if layout.scale.changes else 0
    window, horizon = rows.history.shape[1], rows.calendar.shape[1] - rows.history.shape[1]
    parts = [_read(layout.scale.read(filled), layout, which)]
    if layout.marked:
        parts.append(_read(tf.cast(seen, tf.float32)[:, skip:], layout, which))
    parts.append(rows.calendar[:, skip:window])
    for column, size in enumerate(layout.categories):
        parts.append(tf.one_hot(rows.categories[:, skip:, column], size + 1))
    each = tf.concat(parts, -1)  # (batch, rows, numbers)
    count = (window - skip) // layout.segment
    each = tf.reshape(each, [-1, count, layout.segment * each.shape[2]])
    ends = skip + np.arange(1, count + 1) * layout.segment  # the row after each step
    ahead = _ahead(rows, layout, filled)
    if not ahead.shape[2]:
        return each
    following = tf.gather(ahead, ends[:, None] + np.arange(horizon), axis=1)  # (batch, steps, horizon, numbers)
    return tf.concat([each, tf.reshape(following, [-1, count, horizon * ahead.shape[2]])], -1)


def _ahead(rows: Rows, layout: Layout, filled: Tensor) -> Tensor:
    """What is known of every row in advance, `(batch, window + horizon, numbers)`."""
    import tensorflow as tf

    if not layout.known:
        return rows.calendar
    together, _ = without_gaps(tf.concat([filled[:, :, -layout.known :], rows.known], 1))
    return tf.concat([layout.scale.known(together, filled.shape[1]), rows.calendar], -1)


def _read(values: Tensor, layout: Layout, which: Tensor) -> Tensor:
    """Of columns `(batch, rows, columns)` those that are read together."""
    import tensorflow as tf

    if not layout.separate:
        return values
    own = tf.gather(values, which, axis=2, batch_dims=1)[..., None]
    return tf.concat([own, values[:, :, layout.targets :]], -1)


def without_gaps(history: Tensor) -> tuple[Tensor, Tensor]:
    """Gaps in `(batch, rows, columns)` filled with the last value, else the next one, else 1; and what was seen."""
    import tensorflow as tf

    seen = ~tf.math.is_nan(history)
    filled = history
    for axis_end in (False, True):  # forwards, then backwards what is missing at the beginning
        shift = 1
        while shift < history.shape[1]:
            blank = tf.fill(tf.shape(filled[:, :shift]), np.float32("nan"))
            moved = tf.concat([filled[:, shift:], blank] if axis_end else [blank, filled[:, :-shift]], 1)
            filled = tf.where(tf.math.is_nan(filled), moved, filled)
            shift *= 2
    return tf.where(tf.math.is_nan(filled), 1.0, filled), seen


def calendar(dates: Tensor, items: Sequence[str]) -> Tensor:
    """Sine and cosine of each item's place in its period, `(..., 2 * items)`, of ISO dates `(...)`.

    Example: "2024-01-01T06:00:00", hour -> 1, 0. An hour counts its minutes, a month its days; weeks begin on Monday.
    """
    import tensorflow as tf

    full = tf.strings.join([dates, "T00:00:00"])  # a date without a time is a midnight

    def number(place: int, length: int) -> Tensor:
        return tf.strings.to_number(tf.strings.substr(full, place, length), tf.float32)

    year, month, day = number(0, 4), number(5, 2), number(8, 2)
    # Days since a Sunday (Zeller's rule, with March as the first month).
    late = tf.where(month < 3, month + 12, month)
    years = tf.where(month < 3, year - 1, year)
    days = day + tf.floor(13 * (late + 1) / 5) + years + tf.floor(years / 4) - tf.floor(years / 100)
    found: dict[str, Any] = {
        "hour": number(11, 2) + number(14, 2) / 60,
        "weekday": tf.math.floormod(days + tf.floor(years / 400) + 5, 7.0),
        "month": month - 1 + (day - 1) / 31,
    }
    turns = tf.stack([found[item] / PERIODS[item] for item in items], -1) * (2 * np.pi)
    return tf.concat([tf.sin(turns), tf.cos(turns)], -1)


def category_ids(names: Tensor, columns: Sequence[Sequence[str]]) -> Tensor:
    """Ids from 1 of categories `(..., columns)` by the training's own tables; 0 for what they do not hold."""
    import tensorflow as tf

    ids = []
    for column, known in enumerate(columns):
        same = tf.equal(names[..., column, None], tf.constant(list(known), tf.string))
        ids.append(tf.reduce_sum(tf.where(same, tf.range(1, len(known) + 1), 0), -1))
    return tf.stack(ids, -1)
