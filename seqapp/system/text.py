"""Text and bytes: in a text, a byte that is not UTF-8 is a lone surrogate (PEP 383), so that nothing is lost."""

from __future__ import annotations

import base64
from typing import Any


def to_bytes(text: str) -> bytes:
    """UTF-8, a surrogate as the byte that it stands for."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(content: bytes) -> str:
    """UTF-8 as text, another byte as its surrogate."""
    return content.decode("utf-8", "surrogateescape")


def portable(value: Any) -> Any:
    """A JSON document in which what is not UTF-8 is `{"b64": "…"}`, as TF Serving's REST interface has it."""
    if isinstance(value, dict):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [portable(item) for item in value]
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        return {"b64": base64.b64encode(to_bytes(value)).decode()}
    return value
