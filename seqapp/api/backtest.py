"""Backtests: a run predicts from origins that roll over its test split, trained once or before each."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from seqapp.api.evaluate import measure
from seqapp.api.train import calibrated
from seqapp.contract import Baseline, Dataset
from seqapp.errors import BadInput
from seqapp.networks.over_split import predict
from seqapp.runs.run import Run
from seqapp.training.loop import train
from seqapp.training.progress import Report


@runtime_checkable
class Rolling(Protocol):
    """A dataset whose test split can be asked at chosen origins."""

    def rolling(self, count: int, stride: int) -> Dataset[Any]:
        """The same with the last `count` test origins that lie `stride` rows apart; BadInput: there are fewer."""

    def folds(self) -> Sequence[Dataset[Any]]:
        """For each test origin the dataset as it was known there, of which it is the only test origin."""

    def joined(self, records: Sequence[Any]) -> Any:
        """Predictions of the folds, in raw units, as one."""

    def by_horizon(self, record: Any) -> list[dict[str, float]]:
        """Metrics of each step ahead, the nearest first."""


def backtest(run: Run, origins: int, stride: int, refit: bool, report: Report) -> dict[str, Any]:
    """Measure a run at rolling origins: evaluate's document, and `by_horizon` for the model and each baseline.

    Args:
        run: a trained run on a dataset that is `Rolling`.
        origins: how many of the last test origins.
        stride: rows between two of them.
        refit: train again, from scratch, before each.
        report: shows progress.

    Raises:
        BadInput: the run's dataset has no origins, fewer than that, or cannot be trained again.
    """
    dataset = run.load_dataset()
    if not isinstance(dataset, Rolling):
        raise BadInput("--origins: only forecasts of series have origins.")
    rolling = dataset.rolling(origins, stride)
    if refit:
        record, baselines = _refitted(run, rolling, report)
    else:
        record = rolling.to_raw_units(predict(rolling, run.load_network(rolling.task), "test"))
        baselines = rolling.baselines()
    document = measure(run, rolling, record, baselines)
    records: dict[str, Any] = {run.model: record} | {name: one.predictions for name, one in baselines.items()}
    ahead = {name: rolling.by_horizon(one) for name, one in records.items()}  # type: ignore[attr-defined]
    return document | {"origins": origins, "stride": stride, "refit": refit, "by_horizon": ahead}


def _refitted(run: Run, dataset: Any, report: Report) -> tuple[Any, dict[str, Baseline[Any]]]:
    """Records of networks trained again before each origin, with scales and intervals fitted again too."""
    records, each_fold = [], []
    folds = dataset.folds()
    for number, fold in enumerate(folds, start=1):
        report.note(f"origin {number} of {len(folds)}")
        records.append(_train(run, fold, report))
        each_fold.append(fold.baselines())
    baselines = {
        name: dataclasses.replace(one, predictions=dataset.joined([each[name].predictions for each in each_fold]))
        for name, one in each_fold[0].items()
    }
    return dataset.joined(records), baselines


def _train(run: Run, fold: Dataset[Any], report: Report) -> Any:
    network = run.new_network(fold.task)
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder), fold, network, run.training_options(), report)
        fold.task = calibrated(fold, network, Path(folder) / "model.keras")
    return fold.to_raw_units(predict(fold, network, "test"))
