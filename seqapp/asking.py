"""What a user asks on the command line, as raw inputs; and answers as rows."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from seqapp.contract import Raw, Task
from seqapp.errors import BadInput
from seqapp.runs import Run
from seqapp.table import decode, read_bytes


def question(run: Run, task: Task, source: str | None) -> Raw:
    """Raw inputs from a file, "-" for standard input, or the text itself; without a source, the run's last rows."""
    if source is None:
        return {name: np.asarray(value) for name, value in run.record["latest"].items()}
    if source == "-":
        content = sys.stdin.buffer.read()
        if not content:
            raise BadInput("standard input: expected data, got nothing.")
        return task.read(decode(content, "standard input", "text"), "standard input")
    if task.literal and not (source and Path(source).exists()):
        if re.fullmatch(r"\S+\.(txt|csv|tsv|json|jsonl|log|md)", source):
            raise BadInput(f"{source}: no such file. To ask about these words themselves, pipe them in: … | seqapp … -")
        return task.read(source, "input")
    return task.read(decode(read_bytes(source, "a file of input"), source, "text"), source)


def rows(answer: Raw) -> list[dict[str, Any]]:
    """One dictionary of plain Python values for each row of the batch."""
    batch = len(next(iter(answer.values())))
    return [
        {name: value[row].tolist() if hasattr(value[row], "tolist") else value[row] for name, value in answer.items()}
        for row in range(batch)
    ]
