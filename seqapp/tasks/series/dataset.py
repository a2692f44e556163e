"""One or more series as a dataset: windows that end at each row, the same questions for model and baselines, metrics.

What is predicted from an origin lies in the same split as the row after it; what is looked at may reach back into the
split before. Nothing is fitted here on other rows than those of training, and intervals on those of validation.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqapp.api.pictures import Draw
from seqapp.contract import Baseline, Dataset, Windows
from seqapp.contract.head import Estimated, Tensor
from seqapp.data.splits import Split
from seqapp.errors import BadInput
from seqapp.heads.surprise import SIGMAS, Surprise, sigmas
from seqapp.tasks.series.baselines import baselines
from seqapp.tasks.series.features import steps
from seqapp.tasks.series.intervals import offsets
from seqapp.tasks.series.metrics import Measured, forecast_metrics, remarks
from seqapp.tasks.series.pictures import pictures
from seqapp.tasks.series.recursion import rolled
from seqapp.tasks.series.rows import Frame, questions
from seqapp.tasks.series.task import SeriesTask

if TYPE_CHECKING:
    from seqapp.networks.stack import Network

AT_ONCE = 256  # origins that are asked together, again and again


class SeriesDataset(Dataset):
    """Questions about every series of a frame, each cut by time: `cuts` in rows of the frame."""

    task: SeriesTask
    fold: Callable[[int, int], SeriesDataset]  # as it was known at a row, so many rows before it for validation
    rolled: NDArray[Any] | None = None  # the test origins, where not all of them are asked

    def __init__(
        self, task: SeriesTask, frame: Frame, cuts: Sequence[Split], season: int | None, data: Mapping[str, Any]
    ) -> None:
        self.task, self.frame, self.cuts, self.season = task, frame, cuts, season
        self.data, self.split = data, _described(frame, cuts)
        self.overlap = task.horizon

    @property
    def settled(self) -> Mapping[str, Any]:
        """What the data decided where options left it open."""
        task = self.task
        return {"window": task.window, "segment": task.segment, "season": self.season, "scale": task.scale}

    def origins(self, split: str) -> NDArray[Any]:
        """The last known row of each question, series by series: what is predicted are the `horizon` rows after it.

        Under `missing="mask"` rows are no origins where a target is missing in them or in what comes.
        """
        if split == "test" and self.rolled is not None:
            return self.rolled
        reach, horizon, found = self.task.window - 1, self.task.horizon, []
        for (start, _), cut in zip(self.frame.bounds, self.cuts, strict=True):
            first, stop = getattr(cut, split)
            found.append(np.arange(max(first - 1, start + reach), stop - horizon))
        rows = np.concatenate(found)
        if self.task.missing != "mask":
            return rows
        there = ~np.isnan(self.frame.values[:, : self.task.targets]).any(1)
        gone = np.concatenate([[0], np.cumsum(~there)])
        return np.asarray(rows[gone[rows + horizon + 1] == gone[rows]])

    def ahead(self, origins: NDArray[Any]) -> NDArray[Any]:
        """Raw values `(origins, targets, horizon)` that come after each origin."""
        rows = origins[:, None] + np.arange(1, self.task.horizon + 1)
        return self.frame.values[rows][..., : self.task.targets].swapaxes(1, 2)

    def windows(self, split: str) -> Windows:
        """Raw rows laid out as the task lays out a question's; only the last step is scored."""
        import tensorflow as tf

        task, ends = self.task, tf.constant(self.origins(split))
        asked = questions(task, self.frame, task.ahead)
        each = task.targets if task.separate else 1  # examples that an origin makes
        count, places = each * len(ends), (task.window - (1 if task.scaling.changes else 0)) // task.segment

        def gather(indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            rows, future = asked(tf.gather(ends, indices // each))
            which = tf.cast(indices % each, tf.int32)
            last = task.last(rows.history)
            targets = task.scaling.distances(future, last)
            targets = tf.gather(targets, which, axis=1, batch_dims=1) if task.separate else targets
            scored = tf.one_hot(tf.fill(tf.shape(indices), places - 1), places)
            flat = tf.reshape(targets, [-1, 1, task.head.horizon])
            return steps(rows, task.layout, which), scored[..., None] * flat, scored

        return Windows(count, gather)

    def predictions(self, network: Network, split: str) -> Estimated | None:
        """Of a network that says one row alone: what it says of the whole horizon, asked again and again."""
        import tensorflow as tf

        if self.task.strategy == "direct":
            return None
        asked, origins = questions(self.task, self.frame, self.task.horizon), self.origins(split)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)  # type: ignore[untyped-decorator]
        def ask(part: Tensor) -> tuple[Tensor, Tensor]:
            rows, future = asked(part)
            last = self.task.last(rows.history)
            return self.task.scaling.distances(future, last), rolled(self.task, network, rows)

        parts = [ask(part) for part in np.array_split(origins, -(-len(origins) // AT_ONCE))]
        actual, quantiles = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Estimated(actual.reshape(len(origins), -1), quantiles.reshape(len(origins), -1, quantiles.shape[-1]))

    def in_units(self, predictions: Estimated) -> Estimated:
        """What the network said of the test split, in raw units `(origins, targets * horizon, quantiles)`."""
        origins = self.origins("test")
        shape = (len(origins), self.task.targets, self.task.horizon)
        scaled = self.task.corrected(predictions.quantiles.reshape(*shape, -1))
        raw = np.asarray(self.task.scaling.raw(scaled, self.last(origins)))
        return Estimated(self.ahead(origins).reshape(len(origins), -1), raw.reshape(len(origins), -1, raw.shape[-1]))

    def last(self, origins: NDArray[Any]) -> NDArray[Any]:
        """The targets' values at each origin, float32 `(origins, targets)`."""
        return self.frame.values[origins, : self.task.targets].astype(np.float32)

    def calibrated(self, predicted: Callable[[str], Any]) -> SeriesTask:
        """The task with intervals that cover on validation what they say."""
        said, shape = predicted("validation"), (-1, self.task.targets, self.task.horizon)
        found = offsets(said.actual.reshape(shape), said.quantiles.reshape(*shape, len(self.task.quantiles)),
                        sorted(self.task.levels, reverse=True))  # fmt: skip
        return dataclasses.replace(self.task, offsets=found)

    def rolling(self, count: int, stride: int) -> SeriesDataset:
        """The same with the last `count` test origins that lie `stride` rows apart."""
        if len(self.cuts) > 1:
            raise BadInput(
                f"--origins: expected one series, got {len(self.cuts)}; each is measured at all its origins."
            )
        every = self.origins("test")[::-1][::stride]
        if count > len(every):
            raise BadInput(f"--origins {count}: the test split has {len(every)} origins {stride} rows apart.")
        chosen = copy.copy(self)
        chosen.rolled = every[:count][::-1]
        chosen.overlap = -(-self.task.horizon // stride)
        return chosen

    def folds(self) -> list[Dataset]:
        """For each test origin the dataset as it was known there, with a validation split as long as this one's."""
        start, stop = self.cuts[0].validation
        return [self.fold(int(origin) + 1, stop - start) for origin in self.origins("test")]

    def joined(self, predictions: Sequence[Estimated]) -> Estimated:
        """Predictions of the folds, one after the other."""
        return Estimated(*(np.concatenate(parts) for parts in zip(
            *((one.actual, one.quantiles) for one in predictions), strict=True)))  # fmt: skip

    def by_horizon(self, predictions: Estimated) -> list[dict[str, float]]:
        """Error and coverage of each row ahead, the nearest first."""
        return self.measured(predictions).by_horizon()

    def baselines(self) -> dict[str, Baseline]:
        """Last value, drift, seasonal naive where there is a season, linear autoregression."""
        return baselines(self)

    def measured(self, predictions: Estimated) -> Measured:
        """Predictions in raw units laid beside what came."""
        origins, task = self.origins("test"), self.task
        shape = (len(origins), task.targets, task.horizon)
        training = self.frame.part(self.cuts, "train")
        season, targets = self.season or 1, task.targets
        season = season if min(len(rows) for rows in training) > season else 1
        changes = np.concatenate([np.abs(rows[season:, :targets] - rows[:-season, :targets]) for rows in training])
        together = np.concatenate([rows[:, :targets] for rows in training])
        return Measured(
            columns=task.columns[:targets],
            actual=predictions.actual.reshape(shape),
            quantiles=predictions.quantiles.reshape(*shape, -1),
            last=self.last(origins).astype(float),
            levels=task.levels,
            change=np.nanmean(changes, axis=0),
            deviation=np.nanstd(together, axis=0),
        )

    def metrics(self, predictions: Estimated) -> dict[str, float]:
        """Errors in the targets' units and on scaled values, direction, and what the intervals cover."""
        return forecast_metrics(self.measured(predictions))

    def cases(self, predictions: Estimated) -> dict[str, NDArray[Any]]:
        """Absolute error of each forecast, the mean over horizon and targets; of intervals the pinball loss too."""
        return self.measured(predictions).cases()

    def surprise(self, predictions: Estimated) -> Surprise:
        """Standardised errors one row ahead, a track for each target, by the date of the row or its number."""
        said, frame, rows = self.measured(predictions), self.frame, self.origins("test") + 1
        labels = [frame.dates[row] if frame.dates else str(row) for row in rows.tolist()]
        if len(frame.bounds) > 1:
            series = np.searchsorted([stop for _, stop in frame.bounds], rows, "right")
            labels = [f"{frame.names[number]} {label}" for number, label in zip(series, labels, strict=True)]
        values = sigmas(said.actual[..., 0], said.quantiles[:, :, 0], self.task.quantiles)
        return Surprise(labels, values, SIGMAS, self.task.columns[: self.task.targets])

    def pictures(self, model: str, predictions: Estimated, baselines: Mapping[str, Baseline]) -> dict[str, Draw]:
        """Forecast, coverage, error by rows ahead."""
        return pictures(self, model, predictions, baselines)

    def remarks(self, predictions: Estimated) -> list[str]:
        """What a reader of the table should know besides."""
        return remarks(self.measured(predictions))


def _described(frame: Frame, cuts: Sequence[Split]) -> dict[str, Any]:
    if len(cuts) == 1:
        return cuts[0].describe(frame.dates)
    described: dict[str, Any] = {}
    for name in ("train", "validation", "test"):
        parts = [getattr(cut, name) for cut in cuts]
        described[name] = {"series": len(parts), "values": sum(stop - start for start, stop in parts)}
        if frame.dates is not None:
            described[name] |= {
                "first": min(frame.dates[start] for start, _ in parts),
                "last": max(frame.dates[stop - 1] for _, stop in parts),
            }
    return described
