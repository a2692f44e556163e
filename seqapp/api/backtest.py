"""Backtests: a run asked again at origins that roll over its test split, as it is or trained anew before each."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from seqapp.api.evaluate import measured, predictions
from seqapp.api.train import calibrated
from seqapp.contract import Baseline, Dataset
from seqapp.contract.head import Predictions
from seqapp.errors import BadInput
from seqapp.networks.factory import build
from seqapp.runs.run import Run, layer_of
from seqapp.training.loop import train
from seqapp.training.progress import Report


@runtime_checkable
class Rolling(Protocol):
    """A dataset whose test split can be asked at chosen origins."""

    def rolling(self, count: int, stride: int) -> Dataset:
        """The same with the last `count` test origins that lie `stride` rows apart; BadInput: there are not so many."""

    def folds(self) -> Sequence[Dataset]:
        """For each test origin the dataset as it was known there, of which it is the only test origin."""

    def joined(self, predictions: Sequence[Any]) -> Any:
        """Predictions of the folds, in raw units, as one."""

    def by_horizon(self, predictions: Any) -> list[dict[str, float]]:
        """Metrics of each step ahead, the nearest first."""


def backtest(run: Run, origins: int, stride: int, refit: bool, report: Report) -> dict[str, Any]:
    """Measure a run at rolling origins: evaluate's document, and `by_horizon` for the model and each baseline.

    Raises:
        BadInput: the run's dataset has no origins, not so many, or cannot be trained anew.
    """
    dataset = run.load_dataset()
    if not isinstance(dataset, Rolling):
        raise BadInput("--origins: only forecasts of series have origins.")
    rolled = dataset.rolling(origins, stride)
    if refit:
        said, baselines = _refitted(run, rolled, report)
    else:
        network = run.load_network(rolled.task)
        said = rolled.in_units(predictions(rolled, network, "test"))
        baselines = rolled.baselines()
    document = measured(run, rolled, said, baselines)
    named: dict[str, Any] = {run.model: said} | {name: one.predictions for name, one in baselines.items()}
    ahead = {name: rolled.by_horizon(one) for name, one in named.items()}  # type: ignore[attr-defined]
    return document | {"origins": origins, "stride": stride, "refit": refit, "by_horizon": ahead}


def _refitted(run: Run, dataset: Any, report: Report) -> tuple[Predictions, dict[str, Baseline]]:
    """What networks say that were trained anew before each origin, scales and intervals fitted anew too."""
    said, theirs = [], []
    folds = dataset.folds()
    for number, fold in enumerate(folds, start=1):
        report.note(f"origin {number} of {len(folds)}")
        said.append(_trained(run, fold, report))
        theirs.append(fold.baselines())
    baselines = {
        name: dataclasses.replace(one, predictions=dataset.joined([each[name].predictions for each in theirs]))
        for name, one in theirs[0].items()
    }
    return dataset.joined(said), baselines


def _trained(run: Run, fold: Dataset, report: Report) -> Predictions:
    options, room = run.record["options"], run.model_room()
    layer = layer_of(room, options["model"])
    network = build(fold.task, layer, run.network_options(), run.record["seed"])
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder), fold, network, run.training_options(), report)
        fold.task = calibrated(fold, network, Path(folder) / "model.keras")
    said: Predictions = fold.in_units(predictions(fold, network, "test"))
    return said
