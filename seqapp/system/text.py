"""Text, bytes and JSON: in a text, a byte that is not UTF-8 is a lone surrogate (PEP 383), so that nothing is lost."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from seqapp.system.files import publish


def to_bytes(text: str) -> bytes:
    """Encode as UTF-8, a surrogate as the byte that it stands for."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(content: bytes) -> str:
    """Decode UTF-8, any other byte as its surrogate."""
    return content.decode("utf-8", "surrogateescape")


def with_base64(value: Any) -> Any:
    """Return a JSON document with `{"b64": "…"}` for each text that is not UTF-8, as in TF Serving's REST interface."""
    if isinstance(value, dict):
        return {key: with_base64(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_base64(item) for item in value]
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        return {"b64": base64.b64encode(to_bytes(value)).decode()}
    return value


def with_null(value: Any) -> Any:
    """Return a JSON document with None for each number that is not finite: JSON has no word for it."""
    if isinstance(value, dict):
        return {key: with_null(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_null(item) for item in value]
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return None
    return value


def json_text(document: Any) -> str:
    """Write a JSON document over several lines; with escapes where a text is not UTF-8."""
    document = with_null(document)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2, allow_nan=False)
    return text + "\n"


def json_line(document: Any) -> str:
    """Write a JSON document on one line; a text that is not UTF-8 is `{"b64": "…"}`."""
    return json.dumps(with_base64(document), ensure_ascii=False, allow_nan=False)


def publish_json(path: Path, document: Any) -> None:
    """Write a JSON file that people and strict parsers can read.

    Raises:
        NotWritten: the disk is full, read-only or broken.
    """
    publish(path, lambda draft: draft.write_text(json_text(document), encoding="utf-8"))
