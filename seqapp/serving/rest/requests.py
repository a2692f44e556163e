"""The two forms of a predict request, row (`instances`) and columnar (`inputs`), as arrays by input name.

Source: FillPredictRequestFromJson in tensorflow_serving/util/json_tensor.cc.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.rest.json_input import said
from seqapp.serving.rest.status import Refused, invalid
from seqapp.serving.rest.tensors import array, is_base64

Arrays = dict[str, NDArray[Any]]


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a request asks for.

    Raises:
        Refused: it is no text.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {said(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def arrays(document: Mapping[str, Any], dtypes: Mapping[str, str]) -> tuple[Arrays, bool]:
    """The request's arrays by input name, and whether it is in row format.

    `dtypes` are TensorFlow's C++ names for the types of the signature's inputs.

    Raises:
        Refused: a key, a name, a type or a shape is wrong.
    """
    instances, inputs = "instances" in document, "inputs" in document
    if instances and inputs:
        raise invalid(
            f"JSON Value: {said(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist "
        )
    if inputs:
        return _columns(document["inputs"], dtypes), False
    if not instances:
        raise invalid("Missing 'inputs' or 'instances' key")
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid(f"JSON Value: {said(document)} Excepting 'instances' to be an list/array")
    if not rows:
        raise invalid(f"JSON Value: {said(document)} No values in 'instances' array")
    return _rows(rows, dtypes), True


def _columns(value: Any, dtypes: Mapping[str, str]) -> Arrays:
    if not isinstance(value, dict) or is_base64(value):
        if len(dtypes) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        return {name: array(value, dtype) for name, dtype in dtypes.items()}
    for name in dtypes:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: array(value[name], dtype) for name, dtype in dtypes.items()}


def _rows(rows: list[Any], dtypes: Mapping[str, str]) -> Arrays:
    if not isinstance(rows[0], dict) and len(dtypes) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    named = _is_object(rows[0])
    columns: dict[str, list[Any]] = {name: [] for name in dtypes}
    for number, row in enumerate(rows):
        if named != _is_object(row):
            wanted, got = ("object", "list") if named else ("value/list", "object")
            raise invalid(f"Expecting {wanted} but got {got} at item {number} of input list")
        for name, value in _checked(number, row, dtypes) if named else zip(dtypes, [row], strict=True):
            columns[name].append(value)
    return {name: _stacked(name if named else None, columns[name], dtype) for name, dtype in dtypes.items()}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _checked(number: int, row: dict[str, Any], dtypes: Mapping[str, str]) -> Any:
    """A row's values by name, which are the signature's."""
    for name in row:
        if name not in dtypes:
            raise _failed(number, name, invalid(f"JSON object: does not have named input: {name}"))
    if row.keys() != dtypes.keys():
        raise invalid(
            f"Failed to process element: {number} of 'instances' list. JSON object: {said(row)} keys must be equal to: "
            f"{','.join(sorted(dtypes))}"
        )
    return row.items()


def _stacked(name: str | None, values: list[Any], dtype: str) -> NDArray[Any]:
    """Rows of equal shape as one array."""
    try:
        return array(values, dtype)  # all at once where nothing is wrong
    except Refused:
        pass
    made: list[NDArray[Any]] = []
    for number, value in enumerate(values):
        try:
            made.append(array(value, dtype))
            _check_like(made[0], made[-1])
        except Refused as error:
            raise _failed(number, name, error) from None
    return np.stack(made)


def _check_like(first: NDArray[Any], other: NDArray[Any]) -> None:
    if other.size != first.size:
        raise invalid(f"Expecting tensor size: {first.size} but got: {other.size}")
    if other.shape != first.shape:
        raise invalid(f"Expecting shape {_listed(first.shape)} but got: {_listed(other.shape)}")


def _listed(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _failed(number: int, name: str | None, error: Refused) -> Refused:
    key = f" key: {name}" if name is not None else ""
    return invalid(f"Failed to process element: {number}{key} of 'instances' list. Error: {error.code}: {error}")
