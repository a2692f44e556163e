"""The forecasting task: the last rows in raw units in, the next values with prediction intervals out, in raw units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqapp.contract import Encoded, Network, Raw, Tensor, outputs
from seqapp.features import Vectors
from seqapp.generation.asking import AskingTask
from seqapp.heads import Quantiles
from seqapp.tasks.series import questions
from seqapp.tasks.series.features import Window, calendar_features, category_ids, last_values, time_steps
from seqapp.tasks.series.intervals import widen
from seqapp.tasks.series.recursion import recursive_forecast
from seqapp.tasks.series.spec import SeriesSpec


@dataclass(frozen=True)
class SeriesTask(SeriesSpec, AskingTask):
    """Forecast `(batch, horizon)` with lower and upper bounds from raw rows `(batch, rows ≥ window, columns)`."""

    calibration = ("offsets",)
    looks_ahead = True

    @property
    def inputs(self) -> Vectors:
        """Scaled values and the other features of `segment` rows at each time step."""
        return Vectors(self.layout.size(len(self.columns), len(self.calendar), self.ahead))

    @property
    def head(self) -> Quantiles:
        """Quantiles of the scaled distance from the last value, for each target and row ahead."""
        return Quantiles(self.ahead * (1 if self.independent else self.targets), self.quantiles)

    def signature(self) -> dict[str, Any]:
        """The history, at least `window` rows, oldest first, raw units; and what is known of the rows to forecast."""
        import tensorflow as tf

        inputs = {"history": tf.TensorSpec([None, None, len(self.columns)], tf.float32)}
        if self.known:
            inputs["known"] = tf.TensorSpec([None, self.horizon, self.known], tf.float32)
        if self.calendar:
            inputs["dates"] = tf.TensorSpec([None, None], tf.string)
        if self.categories:
            inputs["categories"] = tf.TensorSpec([None, None, len(self.categories)], tf.string)
        return inputs

    def encode(self, raw: Raw) -> Encoded:
        """Return the network's inputs `(batch, steps, size)`, with independent channels `(batch * targets, …)`."""
        window = self.raw_window(raw)
        return self.time_steps(
            window._replace(
                known=window.known[:, : self.ahead], calendar=window.calendar[:, : self.window + self.ahead]
            )
        )

    def time_steps(self, window: Window) -> Encoded:
        """Arrange a window, known `ahead` rows ahead, as the network's inputs."""
        import tensorflow as tf

        if not self.independent:
            return Encoded(time_steps(window, self.layout, tf.constant(0)))
        target = tf.tile(tf.range(self.targets), [tf.shape(window.history)[0]])
        each = Window(*(tf.repeat(part, self.targets, 0) for part in window))
        return Encoded(time_steps(each, self.layout, target))

    def raw_window(self, raw: Raw) -> Window:
        """Check the raw inputs and return their last `window` rows with what is known of the rows after them."""
        import tensorflow as tf

        batch = tf.shape(raw["history"])[0]
        window = Window(
            history=self._check_values(self._last_rows(raw["history"], self.window, "history")),
            known=tf.zeros([batch, self.horizon, 0]),
            calendar=tf.zeros([batch, self.window + self.horizon, 0]),
            categories=tf.zeros([batch, self.window, 0], tf.int32),
        )
        if self.known:
            window = window._replace(known=raw["known"])
        if self.calendar:
            dates = self._last_rows(raw["dates"], self.window + self.horizon, "dates")
            window = window._replace(calendar=calendar_features(dates, self.calendar))
        if self.categories:
            values = self._last_rows(raw["categories"], self.window, "categories")
            window = window._replace(categories=category_ids(values, [known for _, known in self.categories]))
        return window

    def _last_rows(self, tensor: Tensor, count: int, name: str) -> Tensor:
        """Return the last `count` rows of an input, after a check in the graph that it has as many."""
        import tensorflow as tf

        from seqapp.saved_model.checks import require

        rows, what = tf.shape(tensor)[1], "window of the model" if count == self.window else "window and the horizon"
        message = f"{name}: expected at least {count} rows (the {what}), got {{}}"
        last = require(tensor, rows >= count, message, rows)[:, -count:]
        return tf.ensure_shape(last, [None, count, *last.shape[2:]])

    def _check_values(self, history: Tensor) -> Tensor:
        """Return the history, after a check in the graph that its values can be scaled."""
        import tensorflow as tf

        from seqapp.saved_model.checks import require

        missing = tf.math.is_nan(history) & (self.missing == "mask")
        valid = tf.math.is_finite(history) & ((history > 0) | ~np.array(self.logs))
        above = " above 0, as log-returns need" if any(self.logs) else ""
        return require(history, tf.reduce_all(valid | missing), f"history: expected finite numbers{above}")

    def answer(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Return the medians and the bounds of each interval in raw units, by output name."""
        return self.to_raw(self.forecast(network, self.raw_window(raw)), raw)

    def forecast(self, network: Network, window: Window) -> Tensor:
        """Forecast the horizon by the task's strategy: scaled quantiles `(batch, targets, horizon, quantiles)`."""

        def forecast_ahead(window: Window) -> Tensor:
            return self.distances(outputs(network, self.time_steps(window)))

        if self.strategy == "recursive":
            return recursive_forecast(self, forecast_ahead, window)
        return forecast_ahead(window)

    def distances(self, outputs: Tensor) -> Tensor:
        """Return the last step of network outputs as scaled quantiles `(batch, targets, ahead, quantiles)`."""
        import tensorflow as tf

        return tf.reshape(self.head.quantiles(outputs[:, -1]), [-1, self.targets, self.ahead, len(self.quantiles)])

    def to_raw(self, distances: Tensor, raw: Raw) -> dict[str, Tensor]:
        """Return calibrated quantiles in raw units, by output name.

        Args:
            distances: scaled quantiles `(batch, targets, horizon, quantiles)`, as distances from the last values.
            raw: the raw inputs that were asked.
        """
        last = last_values(self._last_rows(raw["history"], self.window, "history"), self.targets)
        values = self.scaling.raw(widen(distances, self.offsets), last)
        return {name: values[:, target, :, index] for (target, index), name in self.output_names().items()}

    def read(self, text: str, source: str) -> Raw:
        """Read a CSV with the columns of the training data; rows below the last target hold what is known in advance.

        Raises:
            BadInput: a column is missing, a value is not usable, or there are too few rows.
        """
        return questions.read(self, text, source)

    def describe(self, answer: Raw) -> str:
        """Return one line for each target and row ahead, with the row's date if it is known."""
        return questions.describe(self, answer)

    def remark(self, raw: Raw) -> str | None:
        """Return a note if the forecast starts before the end of the file."""
        if "earlier" not in raw:
            return None
        known = ", ".join(self.columns[-self.known :])
        return (
            f"the file has no rows with {known} after the last target, so this forecasts the last {raw['earlier'][0]} "
            f"rows, from the rows before them. Add rows with {known} below the last one to forecast further."
        )

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """Append a row with each target sampled from its quantiles; all other columns keep their last value."""
        return questions.extend(self, raw, answer, temperature, random)
