"""The recursive strategy: forecast one row, append its medians to the history, and forecast the next row."""

from __future__ import annotations

from collections.abc import Callable

from seqapp.contract import Tensor
from seqapp.tasks.series.features import Window, last_values
from seqapp.tasks.series.spec import SeriesSpec


def recursive_forecast(spec: SeriesSpec, forecast_one: Callable[[Window], Tensor], window: Window) -> Tensor:
    """Forecast the whole horizon one row at a time.

    Columns that are neither targets nor known in advance keep their last value, and so do categories.

    Args:
        spec: the columns, the horizon and the scale.
        forecast_one: maps a window with one known row ahead to scaled quantiles `(batch, targets, 1, quantiles)`.
        window: the rows up to the origin, and what is known of the `horizon` rows after it.

    Returns:
        Scaled quantiles `(batch, targets, horizon, quantiles)`, as distances from the last values at the origin.
    """
    import tensorflow as tf

    def one_row(step: Tensor, history: Tensor, categories: Tensor, rows: Tensor) -> tuple[Tensor, ...]:
        known = tf.ensure_shape(window.known[:, step : step + 1], [None, 1, spec.known])
        dates = window.calendar[:, step : step + spec.window + 1]
        dates = tf.ensure_shape(dates, [None, spec.window + 1, window.calendar.shape[2]])
        scaled = forecast_one(Window(history, known, dates, categories))
        raw = spec.scaling.raw(scaled, last_values(history, spec.targets))[:, :, 0]  # (batch, targets, quantiles)
        unchanged = history[:, -1, spec.targets : len(spec.columns) - spec.known]
        following = tf.concat([raw[..., len(spec.levels)], unchanged, known[:, 0]], -1)[:, None]
        history = tf.concat([history[:, 1:], following], 1)
        categories = tf.concat([categories[:, 1:], categories[:, -1:]], 1)
        return step + 1, history, categories, rows.write(step, raw)

    rows = tf.TensorArray(tf.float32, size=spec.horizon, element_shape=[None, spec.targets, len(spec.quantiles)])
    start = (tf.constant(0), window.history, window.categories, rows)
    *_, rows = tf.while_loop(lambda step, *_: step < spec.horizon, one_row, start, maximum_iterations=spec.horizon)
    raw = tf.transpose(rows.stack(), [1, 2, 0, 3])  # (batch, targets, horizon, quantiles)
    origin = last_values(window.history, spec.targets)
    distances = [spec.scaling.distances(raw[..., index], origin) for index in range(len(spec.quantiles))]
    return tf.stack(distances, -1)
