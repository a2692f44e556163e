"""Files that appear whole or not at all: written under a temporary name beside the target, then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqapp.strings import portable


def publish(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make a temporary file of the same suffix, flush it to disk, and rename it to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def publish_json(path: Path, document: Any) -> None:
    """Write one JSON document, readable by people and by strict parsers (no NaN)."""
    publish(path, lambda temporary: temporary.write_text(as_text(document), encoding="utf-8"))


def as_text(document: Any) -> str:
    """The document as the text that `publish_json` writes; with escapes where it holds what is not UTF-8."""
    document = finite(document)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2, allow_nan=False)
    return text + "\n"


def json_line(document: Any) -> str:
    """The document on one line, for people and other programs: what is not UTF-8 is `{"b64": "…"}`."""
    return json.dumps(portable(document), ensure_ascii=False, allow_nan=False)


def finite(value: Any) -> Any:
    """The same document with None where a number is not finite: JSON has no word for it."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return None
    return value
