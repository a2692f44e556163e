"""How far back networks remember: models with and without regularization and initialization on a pure memory task.

    python -m benchmarks.memory [--dataset recall] [--gaps 50,200,500,1000] [--seeds 0,1,2] [--out runs/memory]

One `seqapp compare`: every entry at every gap with every seed, the same data, steps and batches for all. A training run
ends when the task is solved (validation loss below 0.01 nats) or after eight epochs. After an interruption, the same
command continues.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

ENTRIES = [
    "simple_rnn",
    "simple_rnn --omega 2",
    "simple_rnn --activation relu --recurrent-init identity --learning-rate 0.0001",  # diverges at a larger rate
    "gru",
    "gru --chrono {gap}",
    "lstm",
    "lstm --chrono {gap}",
]
EPOCHS = "8"


def main() -> None:
    """Run the comparison, which prints a table in Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", default="recall")
    parser.add_argument("--gaps", default="50,200,500,1000")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", default="runs/memory")
    parser.add_argument("--entries", default=",".join(ENTRIES))
    arguments = parser.parse_args()
    compare = [sys.executable, "-m", "seqapp", "compare", arguments.dataset, "--models", arguments.entries]
    options = [
        "--gaps",
        arguments.gaps,
        "--seeds",
        arguments.seeds,
        "--out",
        arguments.out,
        "--epochs",
        EPOCHS,
        "--markdown",
    ]
    subprocess.run([*compare, *options], check=True)


if __name__ == "__main__":
    main()
