"""What a network reads of a series at each time step: scaled values, gaps, dates, categories, known future values.

Everything is computed with TensorFlow ops, so that training and the SavedModel read the same rows alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqapp.contract import Tensor
from seqapp.tasks.series.scale import Scale

PERIODS = {"hour": 24.0, "weekday": 7.0, "month": 12.0}


class Window(NamedTuple):
    """A batch of windows: the rows up to each origin, and what is known of the `horizon` rows after it."""

    history: Tensor  # float32 (batch, window, columns), raw units, NaN where a value is missing
    known: Tensor  # float32 (batch, horizon, known columns), raw units
    calendar: Tensor  # float32 (batch, window + horizon, 2 * items)
    categories: Tensor  # int32 (batch, window, categorical columns), 0 for values that training has not seen


class Layout(NamedTuple):
    """How rows are arranged as time steps."""

    scale: Scale
    targets: int  # number of targets, the first columns
    known: int  # number of columns known in advance, the last ones
    mask: bool  # whether the network sees which values are missing
    categories: tuple[int, ...]  # number of categories of each categorical column
    segment: int  # rows in one time step
    independent: bool  # whether each target is read separately

    def size(self, columns: int, items: int, horizon: int) -> int:
        """Return the number of features at a time step.

        Args:
            columns: numeric columns.
            items: calendar items, each of which gives two features.
            horizon: rows ahead of which something is known.
        """
        read = columns - self.targets + 1 if self.independent else columns
        row = read * (2 if self.mask else 1) + 2 * items + sum(size + 1 for size in self.categories)
        return row * self.segment + horizon * (self.known + 2 * items)


def time_steps(window: Window, layout: Layout, target: Tensor) -> Tensor:
    """Arrange windows as the network's inputs.

    Args:
        window: raw rows, and what is known of the rows after them.
        layout: which columns are read, and how many rows make a time step.
        target: int32 `(batch,)`, the target that each row of the batch reads; used with independent channels only.

    Returns:
        float32 `(batch, steps, size)`.
    """
    import tensorflow as tf

    filled, observed = fill_gaps(window.history)
    skip = 1 if layout.scale.changes else 0
    length, horizon = window.history.shape[1], window.calendar.shape[1] - window.history.shape[1]
    parts = [_select(layout.scale.read(filled), layout, target)]
    if layout.mask:
        parts.append(_select(tf.cast(observed, tf.float32)[:, skip:], layout, target))
    parts.append(window.calendar[:, skip:length])
    for column, size in enumerate(layout.categories):
        parts.append(tf.one_hot(window.categories[:, skip:, column], size + 1))
    rows = tf.concat(parts, -1)  # (batch, rows, features)
    count = (length - skip) // layout.segment
    steps = tf.reshape(rows, [-1, count, layout.segment * rows.shape[2]])
    ahead = _known_ahead(window, layout, filled)
    if not ahead.shape[2]:
        return steps
    ends = skip + np.arange(1, count + 1) * layout.segment  # the row after each time step
    following = tf.gather(ahead, ends[:, None] + np.arange(horizon), axis=1)  # (batch, steps, horizon, features)
    return tf.concat([steps, tf.reshape(following, [-1, count, horizon * ahead.shape[2]])], -1)


def _known_ahead(window: Window, layout: Layout, filled: Tensor) -> Tensor:
    """Return what is known in advance of every row, `(batch, window + horizon, features)`."""
    import tensorflow as tf

    if not layout.known:
        return window.calendar
    known, _ = fill_gaps(tf.concat([filled[:, :, -layout.known :], window.known], 1))
    return tf.concat([layout.scale.known(known, filled.shape[1]), window.calendar], -1)


def _select(values: Tensor, layout: Layout, target: Tensor) -> Tensor:
    """Select from `(batch, rows, columns)` the columns that are read together."""
    import tensorflow as tf

    if not layout.independent:
        return values
    own = tf.gather(values, target, axis=2, batch_dims=1)[..., None]
    return tf.concat([own, values[:, :, layout.targets :]], -1)


def fill_gaps(history: Tensor) -> tuple[Tensor, Tensor]:
    """Fill NaN with the last value before it, else the next one after it, else 1.

    Args:
        history: float32 `(batch, rows, columns)`.

    Returns:
        The values without gaps, and bool of the same shape: True where there was a value.
    """
    import tensorflow as tf

    observed = ~tf.math.is_nan(history)
    filled = history
    for backwards in (False, True):  # first forwards, then backwards what is missing at the beginning
        shift = 1
        while shift < history.shape[1]:
            blank = tf.fill(tf.shape(filled[:, :shift]), np.float32("nan"))
            shifted = tf.concat([filled[:, shift:], blank] if backwards else [blank, filled[:, :-shift]], 1)
            filled = tf.where(tf.math.is_nan(filled), shifted, filled)
            shift *= 2
    return tf.where(tf.math.is_nan(filled), 1.0, filled), observed


def last_values(history: Tensor, targets: int) -> Tensor:
    """Return the last value of each target, `(batch, targets)`, of raw rows `(batch, rows, columns)`."""
    return fill_gaps(history)[0][:, -1, :targets]


def calendar_features(dates: Tensor, items: Sequence[str]) -> Tensor:
    """Encode dates as sine and cosine of their position in a period.

    Args:
        dates: ISO dates, with or without a time, string `(...)`.
        items: names out of `PERIODS`. An hour includes its minutes, a month its days; weeks begin on Monday.

    Returns:
        float32 `(..., 2 * items)`, all sines first.

    Example: "2024-01-01T06:00:00", hour -> 1, 0
    """
    import tensorflow as tf

    full = tf.strings.join([dates, "T00:00:00"])  # a date without a time means midnight

    def number(start: int, length: int) -> Tensor:
        return tf.strings.to_number(tf.strings.substr(full, start, length), tf.float32)

    month, day = number(5, 2), number(8, 2)
    positions: dict[str, Any] = {
        "hour": number(11, 2) + number(14, 2) / 60,
        "weekday": _weekday(number(0, 4), month, day),
        "month": month - 1 + (day - 1) / 31,
    }
    angles = tf.stack([positions[item] / PERIODS[item] for item in items], -1) * (2 * np.pi)
    return tf.concat([tf.sin(angles), tf.cos(angles)], -1)


def _weekday(year: Tensor, month: Tensor, day: Tensor) -> Tensor:
    """Return the day of the week, 0 for Monday, by Zeller's congruence, in which March is the first month."""
    import tensorflow as tf

    shifted = tf.where(month < 3, month + 12, month)
    years = tf.where(month < 3, year - 1, year)
    days = day + tf.floor(13 * (shifted + 1) / 5) + years + tf.floor(years / 4) - tf.floor(years / 100)
    return tf.math.floormod(days + tf.floor(years / 400) + 5, 7.0)


def category_ids(values: Tensor, columns: Sequence[Sequence[str]]) -> Tensor:
    """Map categories to ids.

    Args:
        values: string `(..., columns)`.
        columns: for each column, the values that training has seen; the first has id 1.

    Returns:
        int32 `(..., columns)`, 0 for a value that training has not seen.
    """
    import tensorflow as tf

    ids = []
    for column, known in enumerate(columns):
        equal = tf.equal(values[..., column, None], tf.constant(list(known), tf.string))
        ids.append(tf.reduce_sum(tf.where(equal, tf.range(1, len(known) + 1), 0), -1))
    return tf.stack(ids, -1)
