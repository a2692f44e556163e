"""Readers of data, questions and run folders, given what nobody writes on purpose: never a traceback, never a hang.

    python -m tests.torture.fuzz [--examples 10000] [--parts csv,text,json,run] [--seed 0]

Prints a table, and what failed with the input that did it; exits 1 if anything did. An input may take 2 seconds.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import faulthandler
import io
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from seqapp.system.tensorflow import start_tensorflow
from tests.torture.mutations import run_on
from tests.torture.readers import PARTS, VALID, Example

SECONDS = 2.0  # seconds for an input
HANGS = 120  # seconds after which Python says where it hangs, and ends


def fuzz(part: str, examples: int, seed: int) -> tuple[int, float, list[str]]:
    """How many inputs were read, in how many seconds, and what failed."""
    inputs, read = PARTS[part]
    failed: dict[str, str] = {}
    counted = collections.Counter[str]()
    began = time.monotonic()

    @run_on(examples, seed, inputs())
    def one(example: Example) -> None:
        faulthandler.dump_traceback_later(HANGS, exit=True)
        counted["read"] += 1
        if message := attempt(read, example, folder):
            failed.setdefault(
                message[0], f"{message[1]}\n    {example[0]}: {example[1][:200]!r} ({len(example[1]):,} bytes)"
            )
            (previous / f"{part}-{len(failed)}").write_bytes(example[1])

    with tempfile.TemporaryDirectory() as result:
        for name, valid in VALID[part]:  # what is made once takes its time once
            attempt(read, (name, valid), Path(result))
        folder, previous = Path(result), Path(tempfile.mkdtemp(prefix="fuzz-"))
        one()
    faulthandler.cancel_dump_traceback_later()
    return counted["read"], time.monotonic() - began, list(failed.values())


def attempt(read: object, example: Example, folder: Path) -> tuple[str, str] | None:
    """What is wrong with how an input was read: a key by which the same fault is known again, and words."""
    began = time.monotonic()
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("error")
            read(example, folder)  # type: ignore[operator] # a function
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = next((frame for frame in reversed(frames) if "/seqapp/" in frame.filename), frames[-1])
        where = f"{Path(own.filename).name}:{own.lineno}"
        return f"{where} {type(error).__name__}", f"{where}: {type(error).__name__}: {str(error)[:300]}"
    seconds = time.monotonic() - began
    return ("slow", f"{seconds:.1f} s") if seconds > SECONDS else None


def main() -> None:
    """Run the parts, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    question = parser.parse_args()
    start_tensorflow()
    print("| reader | inputs | seconds | failures |\n|---|---|---|---|")
    every = []
    for part in question.parts.split(","):
        count, seconds, failed = fuzz(part, question.examples, question.seed)
        every += [f"{part}: {text}" for text in failed]
        print(f"| {part} | {count:,} | {seconds:.0f} | {len(failed)} |", flush=True)
    if every:
        print("\n" + "\n".join(every), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
