"""All models side by side: the time of a training step, and Tiny Shakespeare at equal parameters, tuned alike.

    python -m benchmarks.models tinyshakespeare.txt [--parts cost,scan,shakespeare] [--seeds 0,1,2]

`cost`: every layer of seqapp.layers, in turns in one process, at equal units. `scan`: minimal_gru over whole sequences
as a SavedModel runs it, by a scan and by a loop. `shakespeare`: the same command for every model, with units that give
each as many parameters as the lstm; the learning rate is the one of three with the best validation loss of the first
seed. Prints tables in Markdown. After an interruption, the same command continues from its folder, runs/models.
"""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks import contenders
from benchmarks.commands import run_parts, seqapp
from benchmarks.contenders import Size
from benchmarks.recurrence import TRAINING_WORK, interleaved

FOLDER = Path("runs/models")
SIZES = [Size(64, 64, 128, 1), Size(64, 64, 256, 2)]
ROUNDS = 5
SEQUENCES = [(1, 128, 384), (1, 1000, 64), (64, 1000, 64), (32, 128, 384)]  # batch, steps, units
LSTM_UNITS, CHARACTERS = 256, 67  # all models have the parameters of this lstm over Tiny Shakespeare's vocabulary
DIVERGED = "diverged"  # name of a marker file in a run's folder
RATES = ("0.002", "0.005", "0.01")
OPTIONS = [
    "--split", "0.85,0.05,0.1", "--bptt", "128", "--layers", "1", "--dropout", "0.1", "--weight-drop", "0",
    "--batch-size", "32", "--epochs", "6", "--patience", "99", "--warmup", "50", "--weight-decay", "0.05",
    "--ema-momentum", "0.99",
]  # fmt: skip


def cost(file: Path, folder: Path, seeds: list[str]) -> None:
    """Measure milliseconds per training step of every layer, and its ratio to the LSTM's."""
    kinds = {type(layer(name, 2)).__name__: name for name in models()}
    for size in SIZES:
        count = max(4, TRAINING_WORK // (4 * size.batch * size.steps * size.units * size.layers))
        runs = {kind: contenders.seqapp(kind, size, count) for kind in kinds}
        medians = interleaved(runs, ROUNDS)
        for kind, seconds in sorted(medians.items(), key=lambda pair: pair[1]):
            weights = contenders.network(kind, size).model.count_params()
            ratio = seconds / medians["LSTM"]
            print(
                f"| {size} | {kinds[kind]} | {weights:,} | {1000 * seconds / count:.1f} | {ratio:.2f} × |", flush=True
            )


def scan(file: Path, folder: Path, seeds: list[str]) -> None:
    """Measure milliseconds of uncompiled inference: minimal_gru as a scan and as a loop, and the lstm."""
    import tensorflow as tf

    from seqapp import layers
    from seqapp.layers.engine import compilation, loops

    def run(layer: Any, inputs: Any) -> Callable[[], None]:
        traced = tf.function(layer, input_signature=[tf.TensorSpec([None, None, inputs.shape[2]])], autograph=False)
        traced(inputs)
        return lambda: traced(inputs)[0].numpy()

    for batch, steps, units in SEQUENCES:
        inputs, runs, scan_infer = tf.random.normal([batch, steps, 64]), {}, compilation.scan.infer
        for name, kind, infer in (
            ("scan", "MinimalGRU", scan_infer),
            ("loop", "MinimalGRU", loops.infer),
            ("lstm", "LSTM", scan_infer),
        ):
            compilation.scan.infer = infer
            runs[name] = run(getattr(layers, kind)(units, return_sequences=True), inputs)
        compilation.scan.infer = scan_infer
        medians = interleaved(runs, ROUNDS)
        cells = " | ".join(f"{1000 * seconds:.2f}" for seconds in medians.values())
        print(f"| {batch} × {steps}, {units} | {cells} | {medians['loop'] / medians['scan']:.2f} × |", flush=True)


def shakespeare(file: Path, folder: Path, seeds: list[str]) -> None:
    """Train and evaluate every model with every seed; print a row for each model, with the mean over seeds."""
    for model in models():
        units = str(equal_units(model))
        by_rate = {rate: train(file, model, units, rate, seeds[0]) for rate in RATES}
        best = min(by_rate, key=lambda rate: validation(by_rate[rate]))
        evaluations = [evaluate(train(file, model, units, best, seed)) for seed in seeds]
        nats = [document["metrics"]["cross_entropy"] for document in evaluations]
        spread = statistics.stdev(nats) if len(nats) > 1 else 0.0
        rates = ", ".join(f"{validation(run):.3f}{' diverged' * diverged(run)}" for run in by_rate.values())
        print(
            f"| {model} | {units} | {evaluations[0]['parameters']:,} | {best} ({rates}) "
            f"| {', '.join(f'{each:.4f}' for each in nats)} | {statistics.fmean(nats):.4f} ± {spread:.4f} "
            f"| {evaluations[0]['baselines']['ngram']['cross_entropy']:.4f} |", flush=True
        )  # fmt: skip


def models() -> list[str]:
    """Return the names of all model files."""
    from seqapp import rooms

    return rooms.names("models")


def layer(model: str, units: int) -> Any:
    """Build a model file's layer."""
    from seqapp import rooms

    return rooms.find("models", model).layer(units, "layer")


def parameters(model: str, units: int) -> int:
    """Count the parameters of a network over characters."""
    from seqapp import rooms
    from seqapp.contract.options import NetworkOptions
    from seqapp.features import Tokens
    from seqapp.heads import Category
    from seqapp.networks.factory import build, layer_of

    task: Any = SimpleNamespace(
        inputs=Tokens(CHARACTERS), head=Category(CHARACTERS), looks_ahead=False, network=lambda *_: None
    )
    network = build(task, layer_of(rooms.find("models", model), {}), NetworkOptions(units=units))
    return int(network.model.count_params())


def equal_units(model: str) -> int:
    """Return the units, a multiple of 8, with which a model has as many parameters as the lstm."""
    samples = (72, 80, 88)  # above the number of characters, where parameters are a polynomial of the units
    polynomial = np.polyfit(samples, [parameters(model, units) for units in samples], 2)
    roots = np.roots(polynomial - [0, 0, parameters("lstm", LSTM_UNITS)]).real
    return 8 * round(float(roots[roots > 0].min()) / 8)


def train(file: Path, model: str, units: str, rate: str, seed: str) -> Path:
    """Return the folder of a run; train it first unless it is finished or has diverged.

    Args:
        file: the text.
        model: name of a model file.
        units: of each layer.
        rate: initial learning rate.
        seed: of weights and batches.
    """
    folder = FOLDER / f"{model}-{rate}-{seed}"
    record = folder / "run.json"
    if not diverged(folder) and not (record.is_file() and json.loads(record.read_text())["finished"]):
        options = ["--model", model, "--units", units, "--learning-rate", rate, "--seed", seed]
        try:
            seqapp("train", "text", "--file", file, *OPTIONS, *options, "--out", folder, "--force")
        except subprocess.CalledProcessError as error:
            if error.returncode != 1 or not (folder / "model.keras").is_file():
                raise
            (folder / DIVERGED).touch()  # its last finite weights are evaluated
    return folder


def validation(folder: Path) -> float:
    """Return the best validation loss of a run."""
    with (folder / "history.csv").open(newline="") as rows:
        return min(float(row["validation_loss"]) for row in csv.DictReader(rows))


def diverged(folder: Path) -> bool:
    """Return whether a run diverged."""
    return (folder / DIVERGED).is_file()


def evaluate(folder: Path) -> dict[str, Any]:
    """Return the document of `seqapp evaluate`, with the number of parameters."""
    if not (folder / "metrics.json").is_file():
        seqapp("evaluate", folder)
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    document: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return document | {"parameters": record["parameters"]}


PARTS = {"cost": cost, "scan": scan, "shakespeare": shakespeare}

if __name__ == "__main__":
    run_parts(PARTS, "cost,scan,shakespeare", "0,1,2")
