"""JSON values as arrays, by the rules of TF Serving: strict about types, exact about shapes, and with its words.

Source: FillTensorProto and its neighbours in tensorflow_serving/util/json_tensor.cc. A dense value is first tried whole
(`_at_once`); what that does not take is walked through leaf by leaf, which finds the value at fault.
"""

from __future__ import annotations

import base64
import binascii
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.rest.json_input import said, type_name
from seqapp.serving.rest.status import Refused, invalid
from seqapp.system.text import to_bytes

LARGEST = {"float": 2**24 - 1, "double": 2**53 - 1}  # integers up to here are exact
LIMIT = {"float": float(np.finfo(np.float32).max), "double": float(np.finfo(np.float64).max)}
RANGES = {
    "int8": (-(2**31), 2**31 - 1),  # TF Serving checks 32 bits, then cuts
    "uint8": (-(2**31), 2**31 - 1),
    "int16": (-(2**31), 2**31 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
ARRAYS: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "bool": np.dtype(bool),
    **{name: np.dtype(name) for name in RANGES},
}


def array(value: Any, dtype: str) -> NDArray[Any]:
    """A value or nested lists as an array; text as bytes in an array of objects.

    `dtype` is TensorFlow's C++ name for it: float, double, int32, string.

    Raises:
        Refused: a leaf has another type, or the lists are ragged.
    """
    made = _at_once(value, dtype)
    if made is None:
        shape = _shape(value)
        leaves: list[Any] = []
        _walk(value, 0, shape, dtype, leaves)
        made = _filled(leaves, dtype).reshape(shape)
    return made


def is_base64(value: Any) -> bool:
    """Whether this is `{"b64": "…"}`, which stands for bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _at_once(value: Any, dtype: str) -> NDArray[Any] | None:
    """The array where all is as it should be in the plainest way, else None."""
    shape, level = [], [value]
    while level and type(level[0]) is list:
        size = len(level[0])
        if any(type(each) is not list or len(each) != size for each in level):
            return None
        shape.append(size)
        level = list(chain.from_iterable(level))
    kinds = set(map(type, level))
    if dtype == "string":
        return _filled([to_bytes(each) for each in level], dtype).reshape(shape) if kinds <= {str} else None
    if dtype == "float" and kinds <= {float}:
        exact = np.array(level, np.float64)
        large = bool((np.abs(exact) > LIMIT["float"]).any())
        return None if large else exact.astype(np.float32).reshape(shape)
    if dtype in RANGES and kinds <= {int}:
        low, high = RANGES[dtype]
        return _filled(level, dtype).reshape(shape) if not level or low <= min(level) <= max(level) <= high else None
    return None


def _shape(value: Any) -> list[int]:
    """As the first element of each list has it."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _walk(value: Any, level: int, shape: list[int], dtype: str, leaves: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {said(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        leaves.append(_leaf(value, dtype))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for each in value:
        _walk(each, level + 1, shape, dtype, leaves)


def _leaf(value: Any, dtype: str) -> Any:
    """One value of the tensor."""
    if dtype == "string":
        if isinstance(value, dict):
            return _decoded(value)
        if isinstance(value, str):
            return to_bytes(value)
    elif dtype in LARGEST:
        if type(value) in (int, float):
            return _decimal(value, dtype)
    elif dtype in RANGES:
        low, high = RANGES[dtype]
        if type(value) is int and low <= value <= high:
            return value
    elif dtype == "bool":
        if isinstance(value, bool):
            return value
    else:
        raise Refused("UNIMPLEMENTED", f"Conversion of JSON Value: {said(value)} to type: {dtype}")
    raise invalid(f"JSON Value: {said(value)} Type: {type_name(value)} is not of expected type: {dtype}")


def _decimal(value: float, dtype: str) -> float:
    """A number that the type holds: integers exactly, others rounded."""
    if isinstance(value, float) and not np.isfinite(value):
        return value
    whole = isinstance(value, int) and -(2**63) <= value < 2**64  # a larger one is a double to RapidJSON
    if abs(value) > (LARGEST if whole else LIMIT)[dtype]:
        raise invalid(f"Cannot convert JSON value: {said(value)} to {dtype} without loss of precision.")
    return float(value)


def _decoded(value: dict[str, Any]) -> bytes:
    if not is_base64(value):
        raise invalid(f"JSON Value: {said(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def _filled(leaves: list[Any], dtype: str) -> NDArray[Any]:
    if dtype != "string":
        wide = np.array(leaves, np.int64) if dtype in ("int8", "uint8", "int16") else leaves
        return np.asarray(wide).astype(ARRAYS[dtype]) if leaves else np.zeros(0, ARRAYS[dtype])
    made = np.empty(len(leaves), object)
    made[:] = leaves
    return made
