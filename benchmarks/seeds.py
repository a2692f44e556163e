"""Claims that must hold for more than one seed: counting through missing days, stories without mistakes, exact sums.

    python -m benchmarks.seeds [--seeds 1,2]

Each row is one default training run, evaluated on its test split.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CLAIMS = [
    ("weather_dinner", [], ("lstm", "gru")),
    ("text", ["--corpus", "stories"], ("lstm", "gru")),
    ("fibonacci", [], ("simple_rnn", "lstm", "gru")),
]


def seqapp(*arguments: str) -> str:
    """Run a command; return its standard output."""
    command = [sys.executable, "-m", "seqapp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout


def claim(document: dict[str, Any]) -> str:
    """Return the figures of the claim, in words."""
    metrics, baselines = document["metrics"], document["baselines"]
    if "best_possible" in baselines:
        names = ("accuracy", "accuracy_after_7_unknown")
        shares = [
            f"{name} {metrics[name] / baselines['best_possible'][name]:.1%} of the best possible" for name in names
        ]
        return ", ".join(shares)
    if "mistakes" in metrics:
        return f"{metrics['mistakes']} mistakes in {metrics['sentences']} sentences"
    return f"{metrics['exact_match']:.2%} of {document['split']['test']['rows'][1]} terms exact"


def main() -> None:
    """Train and evaluate each; print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1,2")
    seeds = parser.parse_args().seeds.split(",")
    print("| dataset | model | seed | on the test split |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            for dataset, options, models in CLAIMS:
                for model in models:
                    run = f"{folder}/{dataset}-{model}-{seed}"
                    seqapp("train", dataset, "--model", model, "--seed", seed, "--out", run, *options)
                    document = json.loads(seqapp("evaluate", run, "--json"))
                    print(f"| {' '.join([dataset, *options])} | {model} | {seed} | {claim(document)} |", flush=True)


if __name__ == "__main__":
    main()
