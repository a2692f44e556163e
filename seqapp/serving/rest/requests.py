"""The two formats of a predict request, row (`instances`) and columnar (`inputs`), as arrays by input name.

Source: FillPredictRequestFromJson in tensorflow_serving/util/json_tensor.cc.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.rest.json_input import value_text
from seqapp.serving.rest.tensors import is_base64, to_array
from seqapp.serving.status import StatusError, invalid_argument

Arrays = dict[str, NDArray[Any]]


def signature_name(document: Mapping[str, Any]) -> str:
    """Return the name of the signature that a request addresses, "" for the default one.

    Raises:
        StatusError: the name is not a string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"JSON Value: {value_text(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def parse_inputs(document: Mapping[str, Any], dtypes: Mapping[str, str]) -> tuple[Arrays, bool]:
    """Convert a request's JSON values to arrays.

    Args:
        document: the request's JSON object.
        dtypes: TensorFlow's C++ name for the type of each of the signature's inputs.

    Returns:
        The array of each input, and whether the request is in row format.

    Raises:
        StatusError: a key, a name, a type or a shape is wrong.
    """
    if "instances" in document and "inputs" in document:
        raise invalid_argument(
            f"JSON Value: {value_text(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist "
        )
    if "inputs" in document:
        return _parse_columns(document["inputs"], dtypes), False
    if "instances" not in document:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid_argument(f"JSON Value: {value_text(document)} Excepting 'instances' to be an list/array")
    if not rows:
        raise invalid_argument(f"JSON Value: {value_text(document)} No values in 'instances' array")
    return _parse_rows(rows, dtypes), True


def _parse_columns(value: Any, dtypes: Mapping[str, str]) -> Arrays:
    if not _is_named(value):
        if len(dtypes) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        return {name: to_array(value, dtype) for name, dtype in dtypes.items()}
    for name in dtypes:
        if name not in value:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
    return {name: to_array(value[name], dtype) for name, dtype in dtypes.items()}


def _parse_rows(rows: list[Any], dtypes: Mapping[str, str]) -> Arrays:
    if not isinstance(rows[0], dict) and len(dtypes) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    named = _is_named(rows[0])
    columns: dict[str, list[Any]] = {name: [] for name in dtypes}
    for number, row in enumerate(rows):
        if named != _is_named(row):
            expected, actual = ("object", "list") if named else ("value/list", "object")
            raise invalid_argument(f"Expecting {expected} but got {actual} at item {number} of input list")
        for name, value in _row_items(number, row, dtypes) if named else zip(dtypes, [row], strict=True):
            columns[name].append(value)
    return {name: _stack_rows(name if named else None, columns[name], dtype) for name, dtype in dtypes.items()}


def _is_named(value: Any) -> bool:
    """Whether a value is an object of values by input name, rather than the value of a single input."""
    return isinstance(value, dict) and not is_base64(value)


def _row_items(number: int, row: dict[str, Any], dtypes: Mapping[str, str]) -> Iterable[tuple[str, Any]]:
    """Return a row's names and values; raise unless the names are the signature's."""
    for name in row:
        if name not in dtypes:
            raise _row_error(number, name, invalid_argument(f"JSON object: does not have named input: {name}"))
    if row.keys() != dtypes.keys():
        raise invalid_argument(
            f"Failed to process element: {number} of 'instances' list. JSON object: {value_text(row)} keys must be "
            f"equal to: {','.join(sorted(dtypes))}"
        )
    return row.items()


def _stack_rows(name: str | None, values: list[Any], dtype: str) -> NDArray[Any]:
    """Convert rows of equal shape to one array: all at once, or row by row to report which one is wrong."""
    try:
        return to_array(values, dtype)
    except StatusError:
        pass
    rows: list[NDArray[Any]] = []
    for number, value in enumerate(values):
        try:
            rows.append(to_array(value, dtype))
            _check_same_shape(rows[0], rows[-1])
        except StatusError as error:
            raise _row_error(number, name, error) from None
    return np.stack(rows)


def _check_same_shape(first: NDArray[Any], other: NDArray[Any]) -> None:
    if other.size != first.size:
        raise invalid_argument(f"Expecting tensor size: {first.size} but got: {other.size}")
    if other.shape != first.shape:
        raise invalid_argument(f"Expecting shape {_shape_text(first.shape)} but got: {_shape_text(other.shape)}")


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _row_error(number: int, name: str | None, error: StatusError) -> StatusError:
    key = f" key: {name}" if name is not None else ""
    return invalid_argument(
        f"Failed to process element: {number}{key} of 'instances' list. Error: {error.code}: {error}"
    )
