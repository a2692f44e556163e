"""Evaluation: the test split, read once, for the model and for its baselines, by the same metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqapp.batches import batches
from seqapp.contract import Dataset, Windows
from seqapp.files import publish_json
from seqapp.heads import Predictions
from seqapp.network import Network
from seqapp.runs import Run
from seqapp.signatures import functions
from seqapp.verdict import verdict


def evaluate(run: Run) -> dict[str, Any]:
    """Measure a run on its test split, write metrics.json, and return the same document."""
    dataset = run.load_dataset()
    network = run.load_network(dataset.task)
    predicted = predictions(dataset, network, dataset.windows("test"))
    baselines = dataset.baselines()
    document: dict[str, Any] = {
        "dataset": run.dataset,
        "model": run.model,
        "run": str(run.folder),
        "split": dict(dataset.split),
        "metrics": dataset.metrics(predicted) | dataset.probes(functions(dataset.task, network)),
        "baselines": {name: dataset.metrics(baseline.predictions) for name, baseline in baselines.items()},
        "verdict": verdict(dataset, predicted, baselines),
    }
    publish_json(run.folder / "metrics.json", document)
    return document


def predictions(dataset: Dataset, network: Network, windows: Windows, batch_size: int = 64) -> Predictions:
    """The network's predictions at all scored steps of `windows`, in order."""
    import tensorflow as tf

    from seqapp.layers import compiled

    head = dataset.task.head

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def summary(inputs: Any, targets: Any) -> Any:
        with compiled():
            return head.summary(targets, network(inputs))

    kept: dict[str, list[Any]] = {}
    for inputs, targets, weights in batches(windows, np.arange(windows.count), batch_size):
        scored = weights.numpy() > 0
        for name, values in summary(inputs, targets).items():
            kept.setdefault(name, []).append(values.numpy()[scored])
    return head.predictions(**{name: np.concatenate(values) for name, values in kept.items()})
