"""Answers as TF Serving writes them: JSON in row or column format, numbers with the fewest digits that read back the
same, NaN and Infinity as bare words, outputs whose name ends in `_bytes` as {"b64": "…"}.

Source: MakeJsonFromTensors in tensorflow_serving/util/json_tensor.cc.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.status import invalid_argument
from seqapp.system.text import from_bytes, to_bytes

NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def row_format(outputs: Mapping[str, NDArray[Any]]) -> bytes:
    """Return `{"predictions": [...]}`: for each row, the value of a single output, or an object of several.

    Args:
        outputs: by name, each of shape `(rows, …)`; text as bytes in an array of objects.

    Raises:
        StatusError: an output has no rows, or another number of rows; or JSON has no value for its type.
    """
    count = 0
    for name, output in outputs.items():
        if not output.ndim:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        if not len(output):
            raise invalid_argument(f"Tensor name: {name} has invalid batch size: 0")
        if count and len(output) != count:
            raise invalid_argument(f"Tensor name: {name} has inconsistent batch size: {len(output)} expecting: {count}")
        count = len(output)
    columns = {name: _row_texts(name, output) for name, output in outputs.items()}
    rows = next(iter(columns.values())) if len(columns) == 1 else [_row_object(columns, row) for row in range(count)]
    return to_bytes(f'{{"predictions": [{", ".join(rows)}]}}')


def column_format(outputs: Mapping[str, NDArray[Any]]) -> bytes:
    """Return `{"outputs": ...}`: the value of a single output, or an object of several by name.

    Args:
        outputs: by name; text as bytes in an array of objects.

    Raises:
        StatusError: JSON has no value for an output's type.
    """
    columns = {name: _nested_lists(_leaf_texts(name, output), output.shape) for name, output in outputs.items()}
    if len(columns) == 1:
        return to_bytes(f'{{"outputs": {next(iter(columns.values()))}}}')
    members = ", ".join(f"{json.dumps(name)}: {text}" for name, text in columns.items())
    return to_bytes(f'{{"outputs": {{{members}}}}}')


def error_body(message: str) -> bytes:
    """Return `{"error": "…"}`."""
    return json.dumps({"error": message}).encode()


def _row_object(columns: Mapping[str, list[str]], row: int) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {column[row]}" for name, column in columns.items()) + "}"


def _row_texts(name: str, output: NDArray[Any]) -> list[str]:
    """Return each row as JSON."""
    leaves = _leaf_texts(name, output)
    if output.ndim == 1:
        return leaves
    size = int(np.prod(output.shape[1:]))
    return [_nested_lists(leaves[row * size : (row + 1) * size], output.shape[1:]) for row in range(len(output))]


def _nested_lists(leaves: list[str], shape: tuple[int, ...]) -> str:
    """Return leaves, in row-major order, as nested lists of `shape`."""
    if not shape:
        return leaves[0]
    if len(shape) == 1:
        return f"[{', '.join(leaves)}]"
    size = int(np.prod(shape[1:]))
    parts = (_nested_lists(leaves[start * size : (start + 1) * size], shape[1:]) for start in range(shape[0]))
    return f"[{', '.join(parts)}]"


def _leaf_texts(name: str, output: NDArray[Any]) -> list[str]:
    """Return every value as JSON, in row-major order."""
    if output.dtype.kind == "f":
        if output.dtype.itemsize < 4:
            raise invalid_argument("Failed to write JSON value for tensor type: half")
        return [NON_FINITE.get(text, text) for text in map(str, output.ravel())]
    if output.dtype.kind in "iu":
        return list(map(str, output.ravel().tolist()))
    if output.dtype.kind == "b":
        return ["true" if value else "false" for value in output.ravel().tolist()]
    if output.dtype == object:
        to_json = _base64_json if name.endswith("_bytes") else _text_json
        return [to_json(value) for value in output.ravel().tolist()]
    raise invalid_argument(f"Failed to write JSON value for tensor type: {output.dtype}")


def _text_json(value: bytes) -> str:
    return json.dumps(from_bytes(value), ensure_ascii=False)


def _base64_json(value: bytes) -> str:
    return f'{{"b64": "{base64.b64encode(value).decode()}"}}'
