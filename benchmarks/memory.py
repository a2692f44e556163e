"""How far back networks remember: models with and without their remedies on a task that is nothing but memory.

    python -m benchmarks.memory [--dataset recall] [--gaps 50,200,500,1000] [--seeds 0,1,2] [--out runs/memory]

One `seqapp compare`: every entry at every gap with every seed, the same data, steps and batches for all. A training
ends when it is solved (validation loss below 0.01 nats) or after eight epochs. Interrupted, the same command goes on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

ENTRIES = [
    "simple_rnn",
    "simple_rnn --omega 2",
    "simple_rnn --activation relu --recurrent-init identity --learning-rate 0.0001",  # it diverges with more
    "gru",
    "gru --chrono {gap}",
    "lstm",
    "lstm --chrono {gap}",
]
EPOCHS = "8"


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", default="recall")
    parser.add_argument("--gaps", default="50,200,500,1000")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", default="runs/memory")
    parser.add_argument("--entries", default=",".join(ENTRIES))
    chosen = parser.parse_args()
    compare = [sys.executable, "-m", "seqapp", "compare", chosen.dataset, "--models", chosen.entries]
    options = ["--gaps", chosen.gaps, "--seeds", chosen.seeds, "--out", chosen.out, "--epochs", EPOCHS, "--markdown"]
    subprocess.run([*compare, *options], check=True)


if __name__ == "__main__":
    main()
