"""The question asked of a series: its last rows in raw units in, its next values with intervals out, in raw units.

`SeriesTask` holds what was fitted on training rows and, after a training, what makes intervals cover on validation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seqapp.contract import Raw, Signature, Task, Vectors
from seqapp.contract.head import Quantiles, Tensor
from seqapp.tasks.series.features import Layout, Rows, calendar, category_ids, steps, without_gaps
from seqapp.tasks.series.metrics import quantiles_of
from seqapp.tasks.series.options import check
from seqapp.tasks.series.recursion import rolled
from seqapp.tasks.series.scale import Scale

if TYPE_CHECKING:
    from seqapp.networks.stack import Network


@dataclass(frozen=True)
class SeriesTask(Task):
    """The last rows in raw units `(batch, rows ≥ window, columns)` -> forecast, lower, upper `(batch, horizon)`."""

    calibration = ("offsets",)
    at_end = True

    columns: tuple[str, ...]  # the targets first, those known in advance last
    targets: int
    known: int
    window: int
    horizon: int
    scale: str
    logs: tuple[bool, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    missing: str = "error"
    date: str | None = None  # the date column, where one was named
    calendar: tuple[str, ...] = ()
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()  # columns, and what training saw in them
    segment: int = 1
    channels: str = "joint"
    levels: tuple[float, ...] = (80.0, 95.0)  # percent that an interval is to cover
    rhythm: str | None = None
    strategy: str = "direct"
    series: str | None = None  # the column of a long table that names each row's series
    offsets: tuple[Any, ...] = ()  # by which each interval is widened: (targets, horizon, levels), scaled

    def __post_init__(self) -> None:
        check(self)

    @property
    def scaling(self) -> Scale:
        """The scale, fitted."""
        return Scale(self.scale, self.logs, self.centre, self.spread)

    @property
    def separate(self) -> bool:
        """Whether each target is read and forecast by itself, by the same network."""
        return self.channels == "independent" and self.targets > 1

    @property
    def layout(self) -> Layout:
        """How rows become steps."""
        sizes = tuple(len(known) for _, known in self.categories)
        marked = self.missing == "mask"
        return Layout(self.scaling, self.targets, self.known, marked, sizes, self.segment, self.separate)

    @property
    def inputs(self) -> Vectors:
        """Scaled values and what else a row has, `segment` rows a step."""
        return Vectors(self.layout.size(len(self.columns), len(self.calendar), self.ahead))

    @property
    def ahead(self) -> int:
        """Rows that the network says at once: all, or where it is asked again and again, one."""
        return 1 if self.strategy == "recursive" else self.horizon

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The quantiles that bound the intervals, ascending, the median in the middle."""
        return quantiles_of(self.levels)

    @property
    def head(self) -> Quantiles:
        """Quantiles of the scaled distance from the last value, for each row that is said at once, target by target."""
        return Quantiles(self.ahead * (1 if self.separate else self.targets), self.quantiles)

    def signature(self) -> dict[str, Any]:
        """At least `window` rows, oldest first, columns as in `columns`, raw units; what is known of those to come."""
        import tensorflow as tf

        asked = {"history": tf.TensorSpec([None, None, len(self.columns)], tf.float32)}
        if self.known:
            asked["known"] = tf.TensorSpec([None, self.horizon, self.known], tf.float32)
        if self.calendar:
            asked["dates"] = tf.TensorSpec([None, None], tf.string)
        if self.categories:
            asked["categories"] = tf.TensorSpec([None, None, len(self.categories)], tf.string)
        return asked

    def encode(self, raw: Raw) -> Tensor:
        """Steps `(batch, steps, size)` of the last `window` rows; separate targets as `(batch * targets, …)`."""
        rows = self.rows(raw)
        return self.laid_out(
            rows._replace(known=rows.known[:, : self.ahead], calendar=rows.calendar[:, : self.window + self.ahead])
        )

    def laid_out(self, rows: Rows) -> Tensor:
        """Rows, known as far ahead as the network says at once, as its steps."""
        import tensorflow as tf

        if not self.separate:
            return steps(rows, self.layout, tf.constant(0))
        which = tf.tile(tf.range(self.targets), [tf.shape(rows.history)[0]])
        return steps(Rows(*(tf.repeat(part, self.targets, 0) for part in rows)), self.layout, which)

    def rows(self, raw: Raw) -> Rows:
        """The question's last `window` rows, checked, and what is known of the rows to come."""
        import tensorflow as tf

        history, batch = self._checked(raw["history"]), tf.shape(raw["history"])[0]
        known, dates = tf.zeros([batch, self.horizon, 0]), tf.zeros([batch, self.window + self.horizon, 0])
        ids = tf.zeros([batch, self.window, 0], tf.int32)
        if self.known:
            known = raw["known"]
        if self.calendar:
            dates = calendar(self._last(raw["dates"], self.window + self.horizon, "dates"), self.calendar)
        if self.categories:
            names = self._last(raw["categories"], self.window, "categories")
            ids = category_ids(names, [known for _, known in self.categories])
        return Rows(history, known, dates, ids)

    def _last(self, tensor: Tensor, count: int, name: str) -> Tensor:
        """The last `count` rows of an input, once there are so many."""
        import tensorflow as tf

        from seqapp.saved_model.checks import require

        there, what = tf.shape(tensor)[1], "window of the model" if count == self.window else "window and the horizon"
        tensor = require(
            tensor, there >= count, f"{name}: expected at least {count} rows (the {what}), got {{}}", there
        )
        kept = tensor[:, -count:]
        return tf.ensure_shape(kept, [None, count, *kept.shape[2:]])

    def _checked(self, history: Tensor) -> Tensor:
        import tensorflow as tf

        from seqapp.saved_model.checks import require

        history = self._last(history, self.window, "history")
        missing = tf.math.is_nan(history) & (self.missing == "mask")
        fits = tf.math.is_finite(history) & ((history > 0) | ~np.array(self.logs))
        above = " above 0, as log-returns need" if any(self.logs) else ""
        return require(history, tf.reduce_all(fits | missing), f"history: expected finite numbers{above}")

    def answer(self, outputs: Tensor, raw: Raw) -> dict[str, Tensor]:
        """Raw units: the medians, and the bounds of each interval, by name (`names`)."""
        return self._named(self.shaped(outputs[:, -1]), raw)

    def signatures(self, network: Network) -> dict[str, Signature]:
        """`serving_default` answers the question, asking the network again and again where it says one row."""
        if self.strategy == "direct":
            return super().signatures(network)
        return {
            "serving_default": Signature(
                self.signature(), lambda **raw: self._named(rolled(self, network, self.rows(raw)), raw)
            )
        }

    def shaped(self, outputs: Tensor) -> Tensor:
        """Outputs of the last step as scaled quantiles `(batch, targets, rows ahead, quantiles)`."""
        import tensorflow as tf

        return tf.reshape(self.head.quantiles(outputs), [-1, self.targets, self.ahead, len(self.quantiles)])

    def last(self, history: Tensor) -> Tensor:
        """The targets' last values `(batch, targets)`, from which distances count."""
        return without_gaps(history)[0][:, -1, : self.targets]

    def _named(self, distances: Tensor, raw: Raw) -> dict[str, Tensor]:
        last = self.last(self._last(raw["history"], self.window, "history"))
        made = self.scaling.raw(self.corrected(distances), last)
        return {name: made[:, target, :, level] for (target, level), name in self.names().items()}

    def corrected(self, quantiles: Any) -> Any:
        """Scaled quantiles `(batch, targets, horizon, quantiles)`, each interval widened by its offset."""
        if not self.offsets:
            return quantiles
        import tensorflow as tf

        wider = np.array(self.offsets, np.float32)  # (targets, horizon, levels), widest interval first
        move = np.concatenate([-wider, np.zeros_like(wider[..., :1]), wider[..., ::-1]], -1)
        middle, made = len(self.levels), quantiles + move
        median = made[..., middle : middle + 1]  # an interval may shrink, but never beyond the median or a narrower one
        below = tf.minimum(made[..., :middle], median)
        above = tf.maximum(made[..., middle + 1 :], median)
        return tf.concat([tf.sort(below, axis=-1), median, tf.sort(above, axis=-1)], -1)

    def names(self) -> dict[tuple[int, int], str]:
        """The outputs' names by target and quantile: `lower_95`, `forecast_<target>` beyond the first of each."""
        first, middle = self.levels[0], len(self.levels)
        ordered = sorted(self.levels, reverse=True)
        found = {}
        for target, column in enumerate(self.columns[: self.targets]):
            of = "" if target == 0 else f"_{re.sub(r'[^0-9A-Za-z_.]', '_', column)}"
            found[target, middle] = f"forecast{of}"
            for place, level in enumerate(ordered):
                at = "" if level == first else f"_{level:g}"
                found[target, place], found[target, 2 * middle - place] = f"lower{at}{of}", f"upper{at}{of}"
        return found

    def read(self, text: str, source: str) -> Raw:
        """A CSV with the columns of the training, oldest row first; rows to come hold what is known in advance."""
        from seqapp.tasks.series.questions import read

        return read(self, text, source)

    def describe(self, answer: Raw) -> str:
        """One line a row ahead and target, with the row's date where it is known."""
        from seqapp.tasks.series.questions import describe

        return describe(self, answer)

    def remark(self, raw: Raw) -> str | None:
        """Whether the question is asked before the end."""
        if "earlier" not in raw:
            return None
        known = ", ".join(self.columns[-self.known :])
        return (
            "nothing is known in advance of the rows to come, so this asks what came after row "
            f"{raw['earlier'][0]} from the end. Add rows with {known} below the last one."
        )

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """The next row, each target drawn from its quantiles; all other columns stay at their last value."""
        from seqapp.tasks.series.questions import extend

        return extend(self, raw, answer, temperature, random)
