"""Measure the recurrent engine against stock Keras and PyTorch: training, generation, memory, growth.

    python -m benchmarks.recurrence [--parts training,share,generation,memory,growth] [--rounds 7]

The contenders of a comparison take turns in one process, round after round, and their medians are compared; memory is
measured in a process for each contender and round. Prints tables in Markdown; writes recurrence.json and
recurrence.svg to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import contenders
from benchmarks.contenders import KINDS, Size

SIZES = [Size(64, 64, 128, 1), Size(64, 64, 256, 2), Size(32, 128, 512, 2)]
CONTENDERS = {"seqapp": contenders.seqapp, "keras": contenders.keras_fit, "pytorch": contenders.torch_loop}
GENERATORS = {"seqapp": contenders.seqapp_generator, "pytorch": contenders.torch_generator}
TRAINING_WORK = 60_000_000  # rows × steps × units × layers of one measurement
PRODUCTS = [(4096, 512, 2048), (4096, 2048, 2048), (2048, 2048, 2048)]
SEQUENCE_SIZES = [Size(64, steps, 256, 1) for steps in (64, 256, 1024, 4096)]
BATCH_SIZES = [Size(batch, 64, 256, 1) for batch in (1, 8, 32, 64, 128, 256, 512)]
GROWTH_TOKENS = 100_000  # of one measurement
RESULTS = Path(__file__).parent / "results"


def interleaved(runs: dict[str, contenders.Run], rounds: int) -> dict[str, float]:
    """Run each in turn, `rounds` times after two rounds of warm-up; return the median seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 2):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if number >= 2:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in seconds.items()}


def training(rounds: int) -> list[dict[str, Any]]:
    """Measure milliseconds per training step for every kind of layer, size and contender."""
    rows = []
    for kind in KINDS:
        for size in SIZES:
            count = TRAINING_WORK // (size.batch * size.steps * size.units * size.layers)
            medians = interleaved({name: make(kind, size, count) for name, make in CONTENDERS.items()}, rounds)
            row = {name: 1000 * seconds / count for name, seconds in medians.items()}
            rows.append({"layer": kind, "size": str(size), **row})
            print(
                f"| {kind} | {size} | {row['seqapp']:.1f} | {row['keras']:.1f} | {row['pytorch']:.1f} | "
                f"{row['keras'] / row['seqapp']:.2f} × | {row['pytorch'] / row['seqapp']:.2f} × |", flush=True
            )  # fmt: skip
        for other in ("keras", "pytorch"):
            ratios = [row[other] / row["seqapp"] for row in rows if row["layer"] == kind]
            print(f"{kind}: {statistics.geometric_mean(ratios):.2f} × {other}, geometric mean", flush=True)
    return rows


def share(rounds: int) -> dict[str, float]:
    """Measure which share of the machine's speed in large matrix products the largest LSTM reaches in training."""
    import tensorflow as tf

    size, runs, operations = SIZES[-1], {}, {}
    for rows, inner, columns in PRODUCTS:
        left, right = tf.random.normal([rows, inner]), tf.random.normal([inner, columns])
        name = f"{rows} × {inner} × {columns}"
        operations[name] = 10 * 2 * rows * inner * columns
        runs[name] = lambda left=left, right=right: [left @ right for _ in range(10)]
    runs["step"] = contenders.seqapp("LSTM", size, 14)
    medians = interleaved(runs, rounds)
    step = size.products() * 14 / medians.pop("step")
    peak = max(operations[name] / seconds for name, seconds in medians.items())
    print(f"large products {peak / 1e9:.0f} GFLOP/s, training {size} {step / 1e9:.0f}: {step / peak:.0%}", flush=True)
    return {"peak": peak, "step": step, "share": step / peak}


def generation(rounds: int, length: int = 500) -> list[dict[str, Any]]:
    """Measure tokens per second of a 256 × 2 LSTM sampled in the graph, and of a PyTorch loop over single steps."""
    rows = []
    for batch in (1, 64):
        medians = interleaved({name: make(batch, length) for name, make in GENERATORS.items()}, rounds)
        row = {name: batch * length / seconds for name, seconds in medians.items()}
        rows.append({"batch": batch, **row})
        print(
            f"| {batch} | {row['seqapp']:.0f} | {row['pytorch']:.0f} | {row['seqapp'] / row['pytorch']:.2f} × |",
            flush=True,
        )
    print(f"batch 64 generates {rows[1]['seqapp'] / rows[0]['seqapp']:.1f} × as many tokens as batch 1", flush=True)
    return rows


def memory(rounds: int) -> list[dict[str, Any]]:
    """Measure MB that training at each size adds to the memory after a tiny training run, and the peak; medians."""
    rows = []
    for size in SIZES:
        row: dict[str, Any] = {"size": str(size)}
        for name in ("seqapp", "keras"):
            code = f"from benchmarks.recurrence import peak; peak({name!r}, {tuple(size)!r})"
            outputs = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(rounds)]
            pairs = [[float(word) for word in output.split()[-2:]] for output in outputs]
            row[name], row[f"{name}_process"] = map(statistics.median, zip(*pairs, strict=True))
            row[f"{name}_range"] = min(pairs)[0], max(pairs)[0]
        rows.append(row)
        print(
            f"| {size} | {row['seqapp']:.0f} | {row['keras']:.0f} | {row['seqapp'] / row['keras']:.2f} × "
            f"| {row['seqapp_process']:.0f} | {row['keras_process']:.0f} |", flush=True
        )  # fmt: skip
    return rows


def peak(name: str, size: tuple[int, int, int, int]) -> None:
    """Print the MB added after a tiny training run, which loads libraries and compilers, and the peak."""
    CONTENDERS[name]("LSTM", Size(2, 2, 8, size[3]), 2)()
    before = _status("VmRSS")
    CONTENDERS[name]("LSTM", Size(*size), 4)()
    peak = _status("VmHWM")
    print((peak - before) / 1024, peak / 1024)


def _status(entry: str) -> int:
    """Return an entry of this process's status file, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(entry)).split()[1])


def growth(rounds: int) -> dict[str, list[dict[str, float]]]:
    """Measure microseconds per token of a training step: longer sequences, then larger batches."""
    results: dict[str, list[dict[str, float]]] = {"steps": [], "batch": []}
    for part, sizes in (("steps", SEQUENCE_SIZES), ("batch", BATCH_SIZES)):
        counts = {getattr(size, part): max(2, GROWTH_TOKENS // (size.batch * size.steps)) for size in sizes}
        by_value = {getattr(size, part): size for size in sizes}
        runs = {str(value): contenders.seqapp("LSTM", size, counts[value]) for value, size in by_value.items()}
        for value, seconds in interleaved(runs, rounds).items():
            size = by_value[int(value)]
            each = 1e6 * seconds / (counts[int(value)] * size.batch * size.steps)
            results[part].append({part: int(value), "microseconds": each})
            print(f"| {part} {value} | {each:.2f} |", flush=True)
    return results


def draw(rows: list[dict[str, Any]], file: Path) -> None:
    """Draw bars: how many times as fast as Keras and PyTorch each training step is."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4), layout="constrained")
    labels = [f"{row['layer']}\n{row['size']}" for row in rows]
    for shift, (other, hatch, colour) in enumerate((("keras", "", "0.35"), ("pytorch", "///", "0.8"))):
        ratios = [row[other] / row["seqapp"] for row in rows]
        places = [place + 0.4 * shift for place in range(len(rows))]
        bars = axes.bar(places, ratios, 0.38, label=f"against {other}", hatch=hatch, color=colour, edgecolor="black")
        axes.bar_label(bars, fmt="%.1f", fontsize=7)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks([place + 0.2 for place in range(len(rows))], labels, fontsize=7)
    axes.set(ylabel="times as fast", title="A training step: batch × steps, units × layers")
    axes.legend()
    figure.savefig(file)


def main() -> None:
    """Run the parts that the command line names."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", default="training,share,generation,memory,growth")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "recurrence.json"
    results = json.loads(file.read_text()) if file.is_file() else {}
    for part in arguments.parts.split(","):
        print(f"\n## {part}", flush=True)
        measure: Any = globals()[part]
        results[part] = measure(arguments.rounds)
        file.write_text(json.dumps(results, indent=1))
    if "training" in results:
        draw(results["training"], RESULTS / "recurrence.svg")


if __name__ == "__main__":
    main()
