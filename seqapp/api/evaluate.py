"""Evaluation: the test split, read once, for the model and for its baselines, by the same metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from seqapp.api.pictures import report
from seqapp.contract import Baseline, Dataset, values
from seqapp.evaluation.verdict import judged, verdict
from seqapp.networks.over_split import predict
from seqapp.runs.run import Run
from seqapp.saved_model.functions import functions
from seqapp.system.files import check_writable
from seqapp.system.locks import idle
from seqapp.system.text import publish_json


@dataclass(frozen=True)
class Evaluation:
    """What a run is worth on a test split.

    Attributes:
        document: as metrics.json holds it.
        judged: whether higher is better, by name of the metrics that some baseline is compared by.
        solved: whether the task is learned; None if that cannot be said.
    """

    document: dict[str, Any]
    judged: dict[str, bool]
    solved: bool | None


def evaluate(run: Run, other: str | None = None, plot: bool = False) -> Evaluation:
    """Measure a run on its test split and write metrics.json.

    Args:
        run: a trained run.
        other: the path of other data to measure it on, whole; nothing is written.
        plot: draw pictures too.
    """
    before = _state(run)
    if not other:
        check_writable(run.folder / "metrics.json")
    dataset = run.load_dataset()
    dataset = dataset.with_test_data(other) if other else dataset
    network = run.load_network(dataset.task)
    record = dataset.to_raw_units(predict(dataset, network, "test"))
    baselines = dataset.baselines()
    document = measure(run, dataset, record, baselines)
    document["metrics"] |= dataset.probes(functions(dataset.task, network))
    if not other:
        _keep(run, document, before)
    if plot:
        for file in report(run, dataset, record, baselines):
            click.echo(f"drawn: {file}", err=True)
    return Evaluation(document, _directions(dataset, baselines), dataset.solved(document["metrics"]))


def _directions(dataset: Dataset[Any], baselines: Mapping[str, Baseline[Any]]) -> dict[str, bool]:
    known = {name for baseline in baselines.values() for name in judged(dataset, baseline.predictions)}
    return {metric.name: metric.higher_is_better for metric in dataset.metrics if metric.name in known}


def _keep(run: Run, document: dict[str, Any], before: list[tuple[int, int]]) -> None:
    """Write metrics.json, unless the run is no longer as it was `before`, or another process is training it."""
    with idle(run.folder) as free:
        if free and _state(run) == before:
            publish_json(run.folder / "metrics.json", document)
            return
    click.echo("Note: the run was trained further meanwhile; metrics.json is not written.", err=True)


def _state(run: Run) -> list[tuple[int, int]]:
    """Inode and modification time of the files that training rewrites."""
    about = [path.stat() for path in (run.folder / "run.json", run.weights) if path.is_file()]
    return [(one.st_ino, one.st_mtime_ns) for one in about]


def measure(run: Run, dataset: Dataset[Any], record: Any, baselines: Mapping[str, Baseline[Any]]) -> dict[str, Any]:
    """The document of a record of the test split beside those of the baselines."""
    return {
        "dataset": run.dataset,
        "model": run.model,
        "run": str(run.folder),
        "split": dict(dataset.split),
        "metrics": values(dataset.metrics, record),
        "baselines": {name: values(dataset.metrics, baseline.predictions) for name, baseline in baselines.items()},
        "verdict": " ".join([verdict(dataset, record, baselines), *dataset.remarks(record)]),
    }
