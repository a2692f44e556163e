"""JSON values to arrays by TF Serving's rules: strict about types, exact about shapes, with its error messages.

Source: FillTensorProto and its neighbours in tensorflow_serving/util/json_tensor.cc. A value is first converted as a
whole (`_convert_plain`); if it contains anything unusual, it is converted leaf by leaf, which locates a wrong value.
"""

from __future__ import annotations

import base64
import binascii
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.rest.json_input import type_name, value_text
from seqapp.serving.status import StatusError, invalid_argument
from seqapp.system.text import to_bytes

MAX_EXACT_INTEGER = {"float": 2**24 - 1, "double": 2**53 - 1}
MAX_FLOAT = {"float": float(np.finfo(np.float32).max), "double": float(np.finfo(np.float64).max)}
INTEGER_RANGES = {
    "int8": (-(2**31), 2**31 - 1),  # TF Serving checks 32 bits, then truncates
    "uint8": (-(2**31), 2**31 - 1),
    "int16": (-(2**31), 2**31 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
DTYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "bool": np.dtype(bool),
    **{name: np.dtype(name) for name in INTEGER_RANGES},
}


def to_array(value: Any, dtype: str) -> NDArray[Any]:
    """Convert a JSON value, or nested lists of values, to an array.

    Args:
        value: what the JSON parser returned.
        dtype: TensorFlow's C++ name of the type: float, double, int32, string.

    Returns:
        An array in the shape of the lists; text as bytes in an array of objects.

    Raises:
        StatusError: a leaf has another type, or the lists are ragged.
    """
    array = _convert_plain(value, dtype)
    if array is None:
        shape = _shape(value)
        leaves: list[Any] = []
        _collect_leaves(value, 0, shape, dtype, leaves)
        array = _flat_array(leaves, dtype).reshape(shape)
    return array


def is_base64(value: Any) -> bool:
    """Whether a JSON value is `{"b64": "…"}`, which stands for bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _convert_plain(value: Any, dtype: str) -> NDArray[Any] | None:
    """Convert a value whose lists are regular and whose leaves all have the type's usual JSON form; None otherwise."""
    shape, level = [], [value]
    while level and type(level[0]) is list:
        size = len(level[0])
        if any(type(each) is not list or len(each) != size for each in level):
            return None
        shape.append(size)
        level = list(chain.from_iterable(level))
    types = set(map(type, level))
    if dtype == "string":
        return _flat_array([to_bytes(each) for each in level], dtype).reshape(shape) if types <= {str} else None
    if dtype == "float" and types <= {float}:
        exact = np.array(level, np.float64)
        too_large = bool((np.abs(exact) > MAX_FLOAT["float"]).any())
        return None if too_large else exact.astype(np.float32).reshape(shape)
    if dtype in INTEGER_RANGES and types <= {int}:
        low, high = INTEGER_RANGES[dtype]
        in_range = not level or low <= min(level) <= max(level) <= high
        return _flat_array(level, dtype).reshape(shape) if in_range else None
    return None


def _shape(value: Any) -> list[int]:
    """Return the shape of nested lists, judged by the first element of each."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _collect_leaves(value: Any, level: int, shape: list[int], dtype: str, leaves: list[Any]) -> None:
    """Append the converted leaves of `value` to `leaves` in row-major order.

    Args:
        value: a list, or a leaf.
        level: the number of lists around it.
        shape: the shape expected of the outermost list.
        dtype: TensorFlow's C++ name of the type.
        leaves: receives the leaves.

    Raises:
        StatusError: the lists have another shape, or a leaf has another type.
    """
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid_argument(
                f"JSON Value: {value_text(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        leaves.append(_convert_leaf(value, dtype))
        return
    if level >= len(shape):
        raise invalid_argument(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for each in value:
        _collect_leaves(each, level + 1, shape, dtype, leaves)


def _convert_leaf(value: Any, dtype: str) -> Any:
    if dtype == "string":
        if isinstance(value, dict):
            return _decode_base64(value)
        if isinstance(value, str):
            return to_bytes(value)
    elif dtype in MAX_EXACT_INTEGER:
        if type(value) in (int, float):
            return _convert_float(value, dtype)
    elif dtype in INTEGER_RANGES:
        low, high = INTEGER_RANGES[dtype]
        if type(value) is int and low <= value <= high:
            return value
    elif dtype == "bool":
        if isinstance(value, bool):
            return value
    else:
        raise StatusError("UNIMPLEMENTED", f"Conversion of JSON Value: {value_text(value)} to type: {dtype}")
    raise invalid_argument(f"JSON Value: {value_text(value)} Type: {type_name(value)} is not of expected type: {dtype}")


def _convert_float(value: float, dtype: str) -> float:
    """Return a number that the type can represent: integers exactly, others rounded."""
    if isinstance(value, float) and not np.isfinite(value):
        return value
    is_integer = isinstance(value, int) and -(2**63) <= value < 2**64  # RapidJSON reads a larger one as a double
    if abs(value) > (MAX_EXACT_INTEGER if is_integer else MAX_FLOAT)[dtype]:
        raise invalid_argument(f"Cannot convert JSON value: {value_text(value)} to {dtype} without loss of precision.")
    return float(value)


def _decode_base64(value: dict[str, Any]) -> bytes:
    if not is_base64(value):
        raise invalid_argument(f"JSON Value: {value_text(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_argument("Unable to base64 decode") from None


def _flat_array(leaves: list[Any], dtype: str) -> NDArray[Any]:
    """Return converted leaves as an array of one axis."""
    if dtype != "string":
        wide = np.array(leaves, np.int64) if dtype in ("int8", "uint8", "int16") else leaves
        return np.asarray(wide).astype(DTYPES[dtype]) if leaves else np.zeros(0, DTYPES[dtype])
    array = np.empty(len(leaves), object)
    array[:] = leaves
    return array
