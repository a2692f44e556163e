"""Scales: how raw values of a series become the network's inputs, and its outputs raw values again.

The kind of a scale says what is subtracted: the value before (changes), the last value of the window, or the training
mean. The difference is divided by a standard deviation of the training rows. Kinds that begin with `log` do all this
with logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Tensor

KINDS = ("log-returns", "differences", "log-last", "last", "standard", "none")
CHANGES = ("log-returns", "differences")


@dataclass(frozen=True)
class Scale:
    """A fitted scale; each tuple has a value for each column, the targets first."""

    kind: str
    logs: tuple[bool, ...]  # whether the logarithm is used
    centre: tuple[float, ...]  # mean of the training rows
    spread: tuple[float, ...]  # standard deviation of the training rows

    @property
    def changes(self) -> bool:
        """Whether rows are read as changes from the row before, so that a window has one step less than rows."""
        return self.kind in CHANGES

    @property
    def relative(self) -> bool:
        """Whether forecasts are distances from the last value, so that 0 means to repeat it."""
        return self.kind not in ("standard", "none")

    def read(self, values: Tensor) -> Tensor:
        """Scale the columns of windows to about unit size.

        Args:
            values: raw float32 `(batch, rows, columns)` without gaps.

        Returns:
            float32 `(batch, steps, columns)`.
        """
        import tensorflow as tf

        levels = _levels(values, self.logs)
        if self.changes:
            return (levels[:, 1:] - levels[:, :-1]) / tf.constant(self.spread, tf.float32)
        offset = levels[:, -1:] if self.relative else tf.constant(self.centre, tf.float32)
        return (levels - offset) / tf.constant(self.spread, tf.float32)

    def known(self, values: Tensor, window: int) -> Tensor:
        """Scale the columns that are known in advance, relative to the last row of the window.

        Args:
            values: the last columns of a window and the horizon, raw float32 `(batch, window + horizon, columns)`.
            window: rows in the window.

        Returns:
            float32 of the same shape.
        """
        import tensorflow as tf

        count = values.shape[2]
        levels = _levels(values, self.logs[-count:])
        last = levels[:, window - 1 : window]
        offset = last if self.relative else tf.constant(self.centre[-count:], tf.float32)
        return (levels - offset) / tf.constant(self.spread[-count:], tf.float32)

    def distances(self, future: Tensor, last: Tensor) -> Tensor:
        """Convert raw future values to what the network predicts: scaled distances from the last values.

        Args:
            future: raw float32 `(batch, targets, horizon)`.
            last: the last known value of each target, raw float32 `(batch, targets)`.

        Returns:
            float32 `(batch, targets, horizon)`.
        """
        targets, horizon = future.shape[1:]
        levels = _levels(future, np.array(self.logs[:targets])[:, None])
        return (levels - self._origin(last)[..., None]) / self.growth(targets, horizon)

    def raw(self, distances: Tensor, last: Tensor) -> Tensor:
        """Convert scaled distances, with a last axis of quantiles, to raw units: the inverse of `distances`.

        Args:
            distances: float32 `(batch, targets, horizon, quantiles)`.
            last: the last known value of each target, raw float32 `(batch, targets)`.

        Returns:
            float32 `(batch, targets, horizon, quantiles)`.
        """
        import tensorflow as tf

        targets, horizon = distances.shape[1:3]
        levels = distances * self.growth(targets, horizon)[..., None] + self._origin(last)[..., None, None]
        logs = np.array(self.logs[:targets])[:, None, None]
        return tf.where(logs, tf.math.exp(tf.where(logs, levels, 0.0)), levels)

    def growth(self, targets: int, horizon: int) -> NDArray[Any]:
        """Return the unit of a distance, float32 `(targets, horizon)`; of changes it grows with the root of time."""
        ahead = np.arange(1, horizon + 1, dtype=np.float32)
        factor = np.sqrt(ahead) if self.changes else np.ones_like(ahead)
        return np.array(self.spread[:targets], np.float32)[:, None] * factor

    def _origin(self, last: Tensor) -> Tensor:
        """Return the levels from which distances are measured, `(batch, targets)`."""
        import tensorflow as tf

        if self.relative:
            return _levels(last, self.logs[: last.shape[1]])
        return tf.broadcast_to(tf.constant(self.centre[: last.shape[1]], tf.float32), tf.shape(last))


def _levels(values: Tensor, logs: Any) -> Tensor:
    """Return the logarithms of the columns that use them, and the others as they are."""
    import tensorflow as tf

    return tf.where(logs, tf.math.log(tf.where(logs, values, 1.0)), values)


def fit_scale(kind: str, targets: int, training: Sequence[NDArray[Any]]) -> Scale:
    """Fit a scale on the training rows.

    With a kind of logarithms, a column that is no target uses them only if all its training values are above 0.

    Args:
        kind: one of `KINDS`.
        targets: number of target columns, the first ones.
        training: raw `(rows, columns)` for each series, NaN where a value is missing.

    Returns:
        The scale of all series together.
    """
    lowest = np.nanmin([np.nanmin(rows, axis=0) for rows in training], axis=0)
    logs = tuple(bool(kind.startswith("log-") and (column < targets or low > 0)) for column, low in enumerate(lowest))
    if kind == "none":
        return Scale(kind, logs, (0.0,) * len(lowest), (1.0,) * len(lowest))
    # a target without a logarithm is refused later, with the line of the file
    levels = [np.where(logs, np.log(np.where(rows > 0, rows, 1.0)), rows) for rows in training]
    if kind in CHANGES:
        levels = [np.diff(rows, axis=0) for rows in levels]
    together = np.concatenate(levels)
    spread = [float(deviation) if deviation > 1e-12 else 1.0 for deviation in np.nanstd(together, axis=0)]
    return Scale(kind, logs, tuple(map(float, np.nanmean(together, axis=0))), tuple(spread))


def default_kind(season: int | None, targets: Sequence[NDArray[Any]]) -> str:
    """Return the kind of scale to use where none is requested.

    With a season, values relative to the last one, so that the network sees the shape of a day or a year; without,
    changes from row to row. With logarithms if all training values are above 0.

    Args:
        season: rows in a season, or None.
        targets: the training rows of each series, raw `(rows, targets)`, NaN where a value is missing.
    """
    positive = all((rows[~np.isnan(rows)] > 0).all() for rows in targets)
    if season:
        return "log-last" if positive else "last"
    return "log-returns" if positive else "differences"
