"""Scales: how the raw values of a series become what a network reads, and what it says becomes raw values again.

A kind says what is taken away: the value before (changes), the last value of the window, or the training mean. What is
left is divided by a deviation of the training rows. With `log` in front, all that happens to logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.head import Tensor

KINDS = ("log-returns", "differences", "log-last", "last", "standard", "none")


@dataclass(frozen=True)
class Scale:
    """A kind of scale, fitted: for each column whether its logarithm is read, its mean and its deviation."""

    kind: str
    logs: tuple[bool, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]

    @property
    def changes(self) -> bool:
        """Whether rows are read as the change from the row before, so that a window gives one step less."""
        return self.kind in ("log-returns", "differences")

    @property
    def relative(self) -> bool:
        """Whether an answer is a distance from the last value, so that a network that says 0 repeats it."""
        return self.kind not in ("standard", "none")

    def read(self, values: Tensor) -> Tensor:
        """Raw windows `(batch, rows, columns)`, none missing, as `(batch, steps, columns)` of about unit size."""
        import tensorflow as tf

        levels = _levels(values, self.logs)
        if self.changes:
            return (levels[:, 1:] - levels[:, :-1]) / tf.constant(self.spread, tf.float32)
        less = levels[:, -1:] if self.relative else tf.constant(self.centre, tf.float32)
        return (levels - less) / tf.constant(self.spread, tf.float32)

    def known(self, values: Tensor, window: int) -> Tensor:
        """The last columns `(batch, window + horizon, columns)`, known in advance, as seen from the origin's row."""
        import tensorflow as tf

        count = values.shape[2]
        levels = _levels(values, self.logs[-count:])
        less = levels[:, window - 1 : window] if self.relative else tf.constant(self.centre[-count:], tf.float32)
        return (levels - less) / tf.constant(self.spread[-count:], tf.float32)

    def distances(self, future: Tensor, last: Tensor) -> Tensor:
        """Raw `future` `(batch, targets, horizon)` as scaled distances from `last` `(batch, targets)`."""
        targets, horizon = future.shape[1:]
        levels = _levels(future, np.array(self.logs[:targets])[:, None])
        return (levels - self._less(last)[..., None]) / self.growth(targets, horizon)

    def raw(self, distances: Tensor, last: Tensor) -> Tensor:
        """Distances `(batch, targets, horizon, levels)` from `last` `(batch, targets)`, in raw units."""
        import tensorflow as tf

        targets, horizon = distances.shape[1:3]
        levels = distances * self.growth(targets, horizon)[..., None] + self._less(last)[..., None, None]
        logs = np.array(self.logs[:targets])[:, None, None]
        return tf.where(logs, tf.math.exp(tf.where(logs, levels, 0.0)), levels)

    def growth(self, targets: int, horizon: int) -> NDArray[Any]:
        """The size of a distance, float32 `(targets, horizon)`: that of changes grows with the root of time."""
        ahead = np.arange(1, horizon + 1, dtype=np.float32)
        grown = np.sqrt(ahead) if self.changes else np.ones_like(ahead)
        return np.array(self.spread[:targets], np.float32)[:, None] * grown

    def _less(self, last: Tensor) -> Tensor:
        """What distances are measured from, `(batch, targets)`."""
        import tensorflow as tf

        if self.relative:
            return _levels(last, self.logs[: last.shape[1]])
        return tf.broadcast_to(tf.constant(self.centre[: last.shape[1]], tf.float32), tf.shape(last))


def _levels(values: Tensor, logs: Any) -> Tensor:
    """Logarithms where `logs` says so."""
    import tensorflow as tf

    return tf.where(logs, tf.math.log(tf.where(logs, values, 1.0)), values)


def fitted(kind: str, targets: int, training: list[NDArray[Any]]) -> Scale:
    """Fit a kind of scale on the training rows of each series, `(rows, columns)`, NaN where a value is missing.

    Columns that are no targets are read as logarithms where the kind does and all their training values are above 0.
    """
    low = np.nanmin([np.nanmin(rows, axis=0) for rows in training], axis=0)
    logs = tuple(bool(kind.startswith("log-") and (place < targets or value > 0)) for place, value in enumerate(low))
    if kind == "none":
        return Scale(kind, logs, (0.0,) * len(low), (1.0,) * len(low))
    # What has no logarithm is refused with its line by who has read it.
    levels = [np.where(logs, np.log(np.where(rows > 0, rows, 1.0)), rows) for rows in training]
    if kind in ("log-returns", "differences"):
        levels = [np.diff(rows, axis=0) for rows in levels]
    together = np.concatenate(levels)
    spread = [float(deviation) if deviation > 1e-12 else 1.0 for deviation in np.nanstd(together, axis=0)]
    return Scale(kind, logs, tuple(map(float, np.nanmean(together, axis=0))), tuple(spread))


def chosen(season: int | None, targets: list[NDArray[Any]]) -> str:
    """The kind for targets `(rows, targets)`, the training rows of each series, that nobody chose one for.

    Where there is a season, rows are read as levels less the last one, so that the shape of a day or a year stays in
    view; where there is none, as changes from row to row. On logarithms where all training values are above 0.
    """
    positive = all((rows[~np.isnan(rows)] > 0).all() for rows in targets)
    if season:
        return "log-last" if positive else "last"
    return "log-returns" if positive else "differences"
