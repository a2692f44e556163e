"""What a user asks on the command line, as raw inputs; and answers as rows."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from seqapp.contract import Raw, Task
from seqapp.contract.request import Piece
from seqapp.data.table import read_input
from seqapp.errors import BadInput
from seqapp.runs.questions import latest
from seqapp.runs.run import Run
from seqapp.system.text import json_line, to_bytes


def question(run: Run, task: Task, source: str | None, file_only: bool = False) -> Raw:
    """Raw inputs from a file, "-" for standard input, or the text itself; without a source, the run's last rows."""
    raw = _read(run, task, source, file_only)
    if remark := task.remark(raw):
        click.echo(f"Note: {remark}", err=True)
    return raw


def _read(run: Run, task: Task, source: str | None, file_only: bool) -> Raw:
    if source is None:
        return latest(run, task)
    if task.literal and not file_only and source != "-" and not _exists(source):
        if re.fullmatch(r"\S+\.(txt|csv|tsv|json|jsonl|log|md)", source):
            raise BadInput(
                f"{source}: no such file. To ask about these words themselves, pipe them in: "
                f"printf %s '{source}' | seqapp … -"
            )
        return task.read(source, "input")
    content, name = read_input(source, "what to predict from")
    return task.read(task.decode(content, name), name)


def _exists(source: str) -> bool:
    try:
        return bool(source) and Path(source).exists()
    except OSError:  # longer than a file's name can be
        return False


def show(pieces: Iterable[Piece], samples: int, named: dict[str, Any] | None) -> None:
    """Write what is generated to stdout: one sample as it is made, several one after the other; or as JSON, `named`."""
    out = sys.stdout.buffer
    items: list[list[Any]] = [[] for _ in range(samples)]
    texts = [""] * samples

    def write(text: str) -> None:
        out.write(to_bytes(text))
        out.flush()

    try:
        for piece in pieces:
            items[piece.sample] += piece.items
            texts[piece.sample] += piece.text
            if samples == 1 and named is None:
                write(piece.text)
    finally:  # also when interrupted: nothing that was made is lost
        if named is not None:
            made = [{"items": held, "text": text} for held, text in zip(items, texts, strict=True)]
            write(json_line(named | (made[0] if samples == 1 else {"samples": made})) + "\n")
        elif samples == 1:
            write("\n")
        else:
            for number, text in enumerate(texts, start=1):
                write(f"--- {number} ---\n{text}\n")


def rows(answer: Raw) -> list[dict[str, Any]]:
    """One dictionary of plain Python values for each row of the batch."""
    batch = len(next(iter(answer.values())))
    return [
        {name: value[row].tolist() if hasattr(value[row], "tolist") else value[row] for name, value in answer.items()}
        for row in range(batch)
    ]
