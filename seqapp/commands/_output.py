"""What generate and predict write to stdout: a text while it is generated, rows, or one JSON document."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from seqapp.contract import Piece, Raw
from seqapp.system.text import json_line, to_bytes


def stream(pieces: Iterable[Piece], samples: int) -> None:
    """Write generated text to stdout: one sample while it is generated, several one after the other.

    Also when interrupted: what was generated is written.
    """
    texts = [""] * samples
    try:
        for piece in pieces:
            texts[piece.sample] += piece.text
            if samples == 1:
                _write(piece.text)
    finally:
        if samples == 1:
            _write("\n")
        else:
            _write("".join(f"--- {number} ---\n{text}\n" for number, text in enumerate(texts, start=1)))


def write_json(pieces: Iterable[Piece], samples: int, head: dict[str, Any]) -> None:
    """Write generated items and text as one JSON document on stdout, also when interrupted.

    Args:
        pieces: what is generated.
        samples: number of samples; each of several is an object of its own.
        head: the first entries of the document.
    """
    documents: list[dict[str, Any]] = [{"items": [], "text": ""} for _ in range(samples)]
    try:
        for piece in pieces:
            documents[piece.sample]["items"] += piece.items
            documents[piece.sample]["text"] += piece.text
    finally:
        _write(json_line(head | (documents[0] if samples == 1 else {"samples": documents})) + "\n")


def rows(answer: Raw) -> list[dict[str, Any]]:
    """Return one dictionary of plain Python values for each row of a batch.

    Args:
        answer: an array by output name, each of shape `(batch, …)`.
    """
    batch = len(next(iter(answer.values())))
    return [
        {name: value[row].tolist() if hasattr(value[row], "tolist") else value[row] for name, value in answer.items()}
        for row in range(batch)
    ]


def _write(text: str) -> None:
    sys.stdout.buffer.write(to_bytes(text))
    sys.stdout.buffer.flush()
