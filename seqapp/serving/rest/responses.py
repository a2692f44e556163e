"""Answers as JSON, as TF Serving writes them: rows or columns, the shortest digits that read back the same, NaN and
Infinity as bare words, bytes under names that end in `_bytes` as {"b64": "…"}.

Source: MakeJsonFromTensors in tensorflow_serving/util/json_tensor.cc.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.rest.status import invalid
from seqapp.system.text import from_bytes, to_bytes

WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def rows(outputs: Mapping[str, NDArray[Any]]) -> bytes:
    """`{"predictions": [...]}`: a value for each row where there is one output, else an object.

    Raises:
        Refused: the outputs do not lead with the same number of rows.
    """
    count = 0
    for name, output in outputs.items():
        if not output.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if not len(output):
            raise invalid(f"Tensor name: {name} has invalid batch size: 0")
        if count and len(output) != count:
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(output)} expecting: {count}")
        count = len(output)
    columns = {name: _items(name, output) for name, output in outputs.items()}
    each = next(iter(columns.values())) if len(columns) == 1 else [_object(columns, row) for row in range(count)]
    return to_bytes(f'{{"predictions": [{", ".join(each)}]}}')


def columns(outputs: Mapping[str, NDArray[Any]]) -> bytes:
    """`{"outputs": ...}`: the value where there is one output, else an object by name."""
    made = {name: _nested(_leaves(name, output), output.shape) for name, output in outputs.items()}
    if len(made) == 1:
        return to_bytes(f'{{"outputs": {next(iter(made.values()))}}}')
    return to_bytes(f'{{"outputs": {{{", ".join(f"{json.dumps(name)}: {text}" for name, text in made.items())}}}}}')


def error(message: str) -> bytes:
    """`{"error": "…"}`."""
    return json.dumps({"error": message}).encode()


def _object(columns: Mapping[str, list[str]], row: int) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {column[row]}" for name, column in columns.items()) + "}"


def _items(name: str, output: NDArray[Any]) -> list[str]:
    """The text of each row."""
    leaves = _leaves(name, output)
    if output.ndim == 1:
        return leaves
    size = int(np.prod(output.shape[1:]))
    return [_nested(leaves[row * size : (row + 1) * size], output.shape[1:]) for row in range(len(output))]


def _nested(leaves: list[str], shape: tuple[int, ...]) -> str:
    """Leaves in row-major order as nested lists."""
    if not shape:
        return leaves[0]
    if len(shape) == 1:
        return f"[{', '.join(leaves)}]"
    size = int(np.prod(shape[1:]))
    parts = (_nested(leaves[start * size : (start + 1) * size], shape[1:]) for start in range(shape[0]))
    return f"[{', '.join(parts)}]"


def _leaves(name: str, output: NDArray[Any]) -> list[str]:
    """Every value as JSON, in row-major order."""
    if output.dtype.kind == "f":
        if output.dtype.itemsize < 4:
            raise invalid("Failed to write JSON value for tensor type: half")
        return [WORDS.get(text, text) for text in map(str, output.ravel())]
    if output.dtype.kind in "iu":
        return list(map(str, output.ravel().tolist()))
    if output.dtype.kind == "b":
        return ["true" if value else "false" for value in output.ravel().tolist()]
    if output.dtype == object:
        write = _base64 if name.endswith("_bytes") else _text
        return [write(value) for value in output.ravel().tolist()]
    raise invalid(f"Failed to write JSON value for tensor type: {output.dtype}")


def _text(value: bytes) -> str:
    return json.dumps(from_bytes(value), ensure_ascii=False)


def _base64(value: bytes) -> str:
    return f'{{"b64": "{base64.b64encode(value).decode()}"}}'
