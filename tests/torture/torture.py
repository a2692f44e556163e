"""What happens to a tool: kills, Ctrl-C, full disks. The full form of what the tests do a few times.

    python -m tests.torture.torture [--kills 30] [--seed 0] [--parts train,force,export,evaluate,stops]

A Markdown table: what was done, how many times, how often it failed. Exit code 1 if anything did.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.torture import kills, stops
from tests.torture.jobs import Row

Part = Callable[[Path, int, Random], Iterator[Row]]  # of a folder to work in, how many times, and what draws
PARTS: dict[str, Part] = {
    "train": kills.train,
    "force": kills.force,
    "export": kills.export,
    "evaluate": kills.evaluate,
    "stops": stops.stops,
}


def main() -> None:
    """Run the parts that are asked for; print the table row by row, and each failure below its row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parts", default=",".join(PARTS))
    options = parser.parse_args()
    if unknown := set(options.parts.split(",")) - PARTS.keys():
        parser.error(f"--parts: no {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    failures = [failure for part in options.parts.split(",") for failure in table(part, options.kills, options.seed)]
    sys.exit(f"{len(failures)} failures" if failures else 0)


def table(part: str, times: int, seed: int) -> list[str]:
    """Print the rows of a part; its failures."""
    failures: list[str] = []
    print(f"\n| {part} | times | failures | s |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        for row in PARTS[part](Path(folder), times, Random(f"{part} {seed}")):
            print(f"| {row.what} | {row.times} | {len(row.failures)} | {time.monotonic() - began:.0f} |", flush=True)
            failures += row.failures
            began = time.monotonic()
    print("".join(f"\n- {failure}" for failure in failures), flush=True)
    return failures


if __name__ == "__main__":
    main()
