"""Recursive forecasts: a network that says the next row alone, asked again with its own medians as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqapp.contract.head import Tensor
from seqapp.networks.stack import Network
from seqapp.tasks.series.features import Rows

if TYPE_CHECKING:
    from seqapp.tasks.series.task import SeriesTask


def rolled(task: SeriesTask, network: Network, rows: Rows) -> Tensor:
    """Scaled quantiles `(batch, targets, horizon, quantiles)` of the whole horizon, as distances from the origin.

    Columns that are neither targets nor known in advance stay at their last value, and so do categories.
    """
    import tensorflow as tf

    origin = task.last(rows.history)

    def ahead(step: Tensor, history: Tensor, categories: Tensor, said: Tensor) -> tuple[Tensor, ...]:
        known = tf.ensure_shape(rows.known[:, step : step + 1], [None, 1, task.known])
        dates = rows.calendar[:, step : step + task.window + 1]
        dates = tf.ensure_shape(dates, [None, task.window + 1, rows.calendar.shape[2]])
        now = Rows(history, known, dates, categories)
        last = task.last(history)
        made = task.scaling.raw(task.shaped(network(task.laid_out(now))[:, -1]), last)[:, :, 0]
        kept = history[:, -1, task.targets : len(task.columns) - task.known]
        following = tf.concat([made[..., len(task.levels)], kept, known[:, 0]], -1)[:, None]
        history = tf.concat([history[:, 1:], following], 1)
        categories = tf.concat([categories[:, 1:], categories[:, -1:]], 1)
        return step + 1, history, categories, said.write(step, made)

    said = tf.TensorArray(tf.float32, size=task.horizon, element_shape=[None, task.targets, len(task.quantiles)])
    start = (tf.constant(0), rows.history, rows.categories, said)
    *_, said = tf.while_loop(lambda step, *_: step < task.horizon, ahead, start, maximum_iterations=task.horizon)
    raw = tf.transpose(said.stack(), [1, 2, 0, 3])  # (batch, targets, horizon, quantiles)
    distances = [task.scaling.distances(raw[..., place], origin) for place in range(len(task.quantiles))]
    return tf.stack(distances, -1)
