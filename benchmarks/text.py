"""Language models: time and memory for a text of a gigabyte, and quality beside the n-gram baseline.

    python -m benchmarks.text tinyshakespeare.txt [--parts large,shakespeare,models,docs,recall] [--seeds 0,1,2]

`large`: encode and train on a corpus of shuffled lines of the file. `shakespeare`: train on the file's first 90 %
for at most twelve minutes, score its last 10 % once. `models`: the same for every kind of network at equal
parameters. `docs`: the default command. `recall`: "I am French. … I speak fluent French", by gap. Prints tables
in Markdown.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.commands import run_parts, seqapp

SPLIT = "0.89,0.01,0.1"  # the usual split of Tiny Shakespeare, with 1 % for validation
SHAKESPEARE = [
    "--split", SPLIT, "--bptt", "128", "--layers", "2", "--dropout", "0.4", "--batch-size", "32", "--learning-rate",
    "0.003", "--warmup", "50", "--weight-decay", "0.05", "--weight-drop", "0", "--ema-momentum", "0.99", "--patience",
    "99",
]  # fmt: skip
MODELS = {  # units of two layers with about as many parameters, and epochs for which twelve minutes are enough
    "lstm": ("384", "10"),
    "gru": ("448", "10"),
    "simple_rnn": ("768", "14"),
}
CORPUS_BYTES = 1_000_000_000
SHORT_RUN = ["--split", "0.99,0.001,0.001", "--epoch-steps", "50", "--epochs", "1"]


def train_and_evaluate(folder: Path, *arguments: object) -> dict[str, Any]:
    """Train into `folder` and evaluate; return the evaluation with times and the number of parameters."""
    _, wall, _ = seqapp("train", *arguments, "--out", folder)
    document: dict[str, Any] = json.loads(seqapp("evaluate", folder, "--json")[0])
    record = json.loads((folder / "run.json").read_text())
    return document | {"wall": wall, "parameters": record["parameters"], "seconds": record["seconds"]}


def print_row(name: str, seed: str, result: dict[str, Any]) -> None:
    """Print a line of a table: name, seed, parameters, training and wall seconds, nats, bits, and the n-gram's nats."""
    ours, ngram = result["metrics"], result["baselines"]["ngram"]["cross_entropy"]
    print(
        f"| {name} | {seed} | {result['parameters']:,} | {result['seconds']:.0f} | {result['wall']:.0f} "
        f"| {ours['cross_entropy']:.4f} | {ours['bits_per_char']:.3f} | {ngram:.4f} "
        f"| {1 - ours['cross_entropy'] / ngram:.1%} |", flush=True
    )  # fmt: skip


def large(file: Path, folder: Path, seeds: list[str]) -> None:
    """Encode a gigabyte in its own process, then train on it for 50 steps."""
    lines, shuffler, text = file.read_bytes().splitlines(keepends=True), random.Random(0), folder / "large.txt"
    with text.open("wb") as sink:
        while sink.tell() < CORPUS_BYTES:
            shuffler.shuffle(lines)
            sink.write(b"".join(lines))
    os.environ["SEQAPP_CACHE"] = str(folder)
    code = (
        "import time; from pathlib import Path; "
        "from seqapp.tasks.text.files import read_corpus; start = time.perf_counter(); "
        f"corpus = read_corpus([Path({str(text)!r})], 'char', print); "
        "print(corpus.bytes / (time.perf_counter() - start) / 1e6)"
    )
    rate = float(subprocess.check_output([sys.executable, "-c", code], text=True).split()[-1])
    _, wall, peak = seqapp("train", "text", "--file", text, *SHORT_RUN, "--out", folder / "run")
    size = text.stat().st_size / 1e6
    print(f"{size:.0f} MB encoded at {rate:.0f} MB/s; trained for 50 steps in {wall:.0f} s, {peak:.0f} MB at most")


def shakespeare(file: Path, folder: Path, seeds: list[str]) -> None:
    """Train the lstm for at most twelve minutes."""
    units, epochs = MODELS["lstm"]
    for seed in seeds:
        options = [*SHAKESPEARE, "--units", units, "--epochs", epochs, "--seed", seed]
        print_row("lstm", seed, train_and_evaluate(folder / f"lstm-{seed}", "text", "--file", file, *options))


def models(file: Path, folder: Path, seeds: list[str]) -> None:
    """Train every kind of network at equal parameters for at most twelve minutes."""
    for seed in seeds:
        for name, (units, epochs) in MODELS.items():
            options = [*SHAKESPEARE, "--model", name, "--units", units, "--epochs", epochs, "--seed", seed]
            print_row(name, seed, train_and_evaluate(folder / f"{name}-{seed}", "text", "--file", file, *options))


def docs(file: Path, folder: Path, seeds: list[str]) -> None:
    """Run the default command."""
    for seed in seeds:
        print_row("python_docs, lstm", seed, train_and_evaluate(folder / f"docs-{seed}", "text", "--seed", seed))


def recall(file: Path, folder: Path, seeds: list[str]) -> None:
    """Print the share of questions answered by lstm and simple_rnn, by the number of words between."""
    for name in ("lstm", "simple_rnn"):
        for seed in seeds:
            arguments = ["--corpus", "recall", "--model", name, "--seed", seed]
            result = train_and_evaluate(folder / f"recall-{name}-{seed}", "text", *arguments)
            shares = [value for key, value in result["metrics"].items() if key.startswith("recall_")]
            print(
                f"| {name} | {seed} | {result['seconds']:.0f} | {' | '.join(f'{share:.1%}' for share in shares)} |",
                flush=True,
            )


PARTS = {"large": large, "shakespeare": shakespeare, "models": models, "docs": docs, "recall": recall}

if __name__ == "__main__":
    run_parts(PARTS, "large,shakespeare,docs,recall", "0")
