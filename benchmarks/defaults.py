"""Measure the defaults: every dataset with every model, the start-up time, the peak memory of `make demo`.

    python -m benchmarks.defaults [--parts demo,start,training] [--seed 0] [--out benchmarks/results/defaults.json]

Prints a table in Markdown. Wall times are of whole processes, TensorFlow's start-up included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SEQAPP = [sys.executable, "-m", "seqapp"]
COLUMNS = {  # metrics of metrics.json that the table has, where a run has them
    "exact_match": "exact",
    "accuracy_after_7_unknown": "accuracy after ≥ 7 unknown",
    "accuracy": "accuracy",
    "cross_entropy": "nats",
    "mase": "MASE",
    "coverage_80": "coverage of the 80 % interval",
}


def timed(command: list[str], **options: Any) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Run a command; return its wall seconds and the finished process."""
    start = time.monotonic()
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, **options)
    return time.monotonic() - start, process


def training(dataset: str, model: str, folder: Path, seed: int) -> dict[str, Any]:
    """Train and evaluate a model on a dataset by its default command.

    Args:
        dataset: name.
        model: name.
        folder: for the run.
        seed: of the training run.

    Returns:
        Times in seconds, parameters, and what `evaluate` computed.
    """
    run = folder / f"{dataset}-{model}"
    wall, done = timed([*SEQAPP, "train", dataset, "--model", model, "--seed", str(seed), "--out", str(run)])
    if done.returncode:
        raise SystemExit(done.stderr)
    evaluated, done = timed([*SEQAPP, "evaluate", str(run), "--json"])
    document, record = json.loads(done.stdout), json.loads((run / "run.json").read_text())
    return {
        "dataset": dataset, "model": model, "seed": seed, "wall": wall, "training": record["seconds"],
        "evaluation": evaluated, "parameters": record["parameters"], "metrics": document["metrics"],
        "baselines": document["baselines"], "verdict": document["verdict"],
    }  # fmt: skip


def start_up(*arguments: str, times: int = 15) -> dict[str, float]:
    """Measure wall seconds of a command that should return at once: minimum, median, maximum."""
    command = [str(Path(sys.executable).parent / "seqapp"), *arguments]
    walls = [timed(command)[0] for _ in range(times)]
    return {"minimum": min(walls), "median": statistics.median(walls), "maximum": max(walls)}


def demo() -> dict[str, float]:
    """Measure wall seconds of `make demo`, and the peak memory of its largest process in MB."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    wall, done = timed(["make", "--always-make", "demo"], env=environment)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {"wall": wall, "peak_mb": peak / 1024, "peak_before_mb": before / 1024}


def row(result: dict[str, Any]) -> str:
    """Return one line of the table."""
    cells = [f"{label} {result['metrics'][name]:.4g}" for name, label in COLUMNS.items() if name in result["metrics"]]
    best = result["baselines"].get("best_possible", {}).get("accuracy_after_7_unknown")
    if best:
        cells[0] += f" (best possible {best:.4g}: {result['metrics']['accuracy_after_7_unknown'] / best:.1%})"
    return (
        f"| {result['dataset']} | {result['model']} | {result['parameters']} | {result['training']:.0f} "
        f"| {result['wall']:.0f} | {result['evaluation']:.0f} | {', '.join(cells)} |"
    )


def training_runs(seed: int) -> list[dict[str, Any]]:
    """Train every dataset with every model by default commands; print the table as it grows."""
    datasets, models = (sorted(file.stem for file in (ROOT / room).glob("*.py")) for room in ("datasets", "models"))
    print("| dataset | model | parameters | training s | train, wall s | evaluate, wall s | on the test split |")
    print("|---|---|---|---|---|---|---|")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for dataset in datasets:
            for model in models:
                results.append(training(dataset, model, Path(folder), seed))
                print(row(results[-1]), flush=True)
    return results


def main() -> None:
    """Measure the parts, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default="demo,start,training", help="What to measure.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "defaults.json")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"cores": os.cpu_count()}
    parts = arguments.parts.split(",")
    if "demo" in parts:  # first, because the peak is that of the largest child so far
        results["demo"] = demo()
        print(f"make demo: {results['demo']}", flush=True)
    if "start" in parts:
        for name, words in (("--help", ["--help"]), ("a mistyped option", ["train", "text", "--epcohs", "3"])):
            results[name] = start_up(*words)
            print(f"seqapp {' '.join(words)}: {results[name]}", flush=True)
    if "training" in parts:
        results["training"] = training_runs(arguments.seed)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
