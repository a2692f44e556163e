"""One or more series as a dataset: windows that end at each origin, baselines and metrics on the same origins.

Scales are fitted on the training rows only, intervals on the validation rows.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import SIGMAS, Baseline, Batch, Dataset, Metric, Network, Raw, Surprise, Tensor
from seqapp.data.windows import Windows
from seqapp.errors import BadInput
from seqapp.evaluation.figures import Draw
from seqapp.heads import QuantileRecord
from seqapp.heads.quantiles import sigmas
from seqapp.tasks.series.baselines import baselines
from seqapp.tasks.series.features import last_values, time_steps
from seqapp.tasks.series.forecasts import Forecasts
from seqapp.tasks.series.intervals import conformal_offsets, widen
from seqapp.tasks.series.metrics import forecast_metrics
from seqapp.tasks.series.pictures import pictures
from seqapp.tasks.series.remarks import remarks
from seqapp.tasks.series.rows import SeriesRows
from seqapp.tasks.series.task import SeriesTask

RECURSIVE_BATCH = 256  # origins that are forecast together with the recursive strategy


class SeriesDataset(Dataset[Forecasts]):
    """Windows of one or more series, each split by time."""

    task: SeriesTask

    def __init__(
        self,
        task: SeriesTask,
        rows: SeriesRows,
        data: Mapping[str, Any],
        latest: Raw,
        fold: Callable[[int, int], SeriesDataset],
    ) -> None:
        """Collect what was loaded.

        Args:
            task: the fitted task.
            rows: the rows and their splits.
            data: the description of the data for run.json.
            latest: raw inputs to forecast the rows after the last one.
            fold: loads the dataset as it was known at a row, with a number of rows before it for validation.
        """
        self.task, self.rows, self.data, self.latest, self.fold = task, rows, data, latest, fold
        self.split = rows.frame.describe(rows.cuts)
        self.overlap = task.horizon

    @property
    def resolved_options(self) -> Mapping[str, Any]:
        """The options that were left to the data."""
        task = self.task
        return {"window": task.window, "segment": task.segment, "season": self.rows.season, "scale": task.scale}

    def examples(self, split: str) -> Windows:
        """Return windows as the task arranges raw inputs; only the last time step is scored."""
        import tensorflow as tf

        task, ends = self.task, tf.constant(self.rows.origins(split))
        window_at = self.rows.gather(task.ahead)
        each = task.targets if task.independent else 1  # examples for each origin

        def gather(indices: Tensor) -> Batch:
            window, future = window_at(tf.gather(ends, indices // each))
            target = tf.cast(indices % each, tf.int32)
            distances = task.scaling.distances(future, last_values(window.history, task.targets))
            distances = tf.gather(distances, target, axis=1, batch_dims=1) if task.independent else distances
            weights = tf.one_hot(tf.fill(tf.shape(indices), task.steps - 1), task.steps)
            flat = tf.reshape(distances, [-1, 1, task.head.horizon])
            return Batch(time_steps(window, task.layout, target), weights[..., None] * flat, weights)

        return Windows(each * len(ends), gather)

    def predict(self, network: Network, split: str) -> QuantileRecord | None:
        """Return recursive forecasts of the whole horizon; None with the direct strategy."""
        import tensorflow as tf

        if self.task.strategy == "direct":
            return None
        window_at, origins = self.rows.gather(self.task.horizon), self.rows.origins(split)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)  # type: ignore[untyped-decorator]
        def forecast(part: Tensor) -> tuple[Tensor, Tensor]:
            window, future = window_at(part)
            last = last_values(window.history, self.task.targets)
            return self.task.scaling.distances(future, last), self.task.forecast(network, window)

        parts = [forecast(part) for part in np.array_split(origins, -(-len(origins) // RECURSIVE_BATCH))]
        actual, quantiles = (np.concatenate(part) for part in zip(*parts, strict=True))
        return QuantileRecord(
            actual.reshape(len(origins), -1), quantiles.reshape(len(origins), -1, quantiles.shape[-1])
        )

    def to_raw_units(self, record: QuantileRecord) -> Forecasts:
        """Return the network's predictions of the test split in raw units, with calibrated intervals."""
        last = self.rows.last(self.rows.origins("test"))
        _, quantiles = self._shaped(record)
        return self.rows.forecasts(np.asarray(self.task.scaling.raw(widen(quantiles, self.task.offsets), last)))

    def _shaped(self, predictions: QuantileRecord) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return scaled actual values `(origins, targets, horizon)` and their quantiles, one axis more."""
        shape = (-1, self.task.targets, self.task.horizon)
        return predictions.actual.reshape(shape), predictions.quantiles.reshape(*shape, len(self.task.quantiles))

    def calibrated(self, predicted: Callable[[str], Any]) -> SeriesTask:
        """Return the task with intervals that cover their nominal share of the validation split."""
        offsets = conformal_offsets(*self._shaped(predicted("validation")), self.task.widest_first)
        return dataclasses.replace(self.task, offsets=offsets)

    def rolling(self, count: int, stride: int) -> SeriesDataset:
        """Return the dataset with only the last `count` test origins that are `stride` rows apart.

        Raises:
            BadInput: there are several series, or fewer such origins.
        """
        if len(self.rows.cuts) > 1:
            raise BadInput(
                f"--origins: expected one series, got {len(self.rows.cuts)}; each is measured at all its origins."
            )
        origins = self.rows.origins("test")[::-1][::stride]
        if count > len(origins):
            raise BadInput(f"--origins {count}: the test split has {len(origins)} origins {stride} rows apart.")
        rolling = copy.copy(self)
        rolling.rows = dataclasses.replace(self.rows, test_origins=origins[:count][::-1])
        rolling.overlap = -(-self.task.horizon // stride)
        return rolling

    def folds(self) -> list[Dataset[Forecasts]]:
        """Return the dataset as it was known at each test origin, with a validation split as long as this one's."""
        start, stop = self.rows.cuts[0].validation
        return [self.fold(int(origin) + 1, stop - start) for origin in self.rows.origins("test")]

    def joined(self, records: Sequence[Forecasts]) -> Forecasts:
        """Join the forecasts of the folds, in their order."""
        return self.rows.forecasts(np.concatenate([each.quantiles for each in records]))

    def by_horizon(self, record: Forecasts) -> list[dict[str, float]]:
        """Return error and coverage of each row ahead, the nearest first."""
        return record.by_horizon()

    def baselines(self) -> dict[str, Baseline[Forecasts]]:
        """Return last value, drift, linear autoregression, and seasonal naive if there is a season."""
        return baselines(self.rows)

    @property
    def metrics(self) -> Sequence[Metric[Forecasts]]:
        """Errors in the targets' units and scaled, accuracy of the direction, coverage of the intervals."""
        return forecast_metrics(self.task.columns[: self.task.targets], self.task.levels)

    def surprise(self, record: Forecasts) -> Surprise:
        """Return standardised errors one row ahead, a track for each target, labelled with date or row number."""
        labels = self.rows.frame.labels(self.rows.origins("test") + 1)
        values = sigmas(record.actual[..., 0], record.quantiles[:, :, 0], self.task.quantiles)
        return Surprise(labels, values, SIGMAS, record.columns)

    def pictures(self, model: str, record: Forecasts, baselines: Mapping[str, Baseline[Forecasts]]) -> dict[str, Draw]:
        """Return pictures of the forecast, the coverage of its intervals and the error by rows ahead."""
        others: dict[str, Any] = {name: baseline.predictions for name, baseline in baselines.items()}
        return pictures(self.rows, model, {model: record} | others)

    def remarks(self, record: Forecasts) -> list[str]:
        """Return sentences on lag and direction that belong to the verdict."""
        return remarks(record)
