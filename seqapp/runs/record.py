"""run.json and other JSON of a training run, which may come from elsewhere: read within limits, types checked.

Whether the values make sense together is checked by the code that uses them. Written by hand and not with msgspec or
pydantic: the types are those of dataset files' own dataclasses, and a message names file, entry, type and value.
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from seqapp.errors import BadInput
from seqapp.system.options import Option

FILE_LIMIT = 1 << 26  # bytes of a run.json
NUMBER_LIMIT = 2**31  # no size of anything is this large
TYPE_NAMES = {
    bool: "true or false", int: "a whole number", float: "a number", str: "text", tuple: "a list", list: "a list",
    dict: "an object", types.NoneType: "null",
}  # fmt: skip
RECORD: dict[str, Any] = {
    "dataset": str,
    "model": str,
    "rooms": {"dataset": str, "model": str},
    "options": {"dataset": dict, "model": dict, "network": dict, "training": dict},
    "seed": int,
    "data": {"sha256": str},
    "task": dict,
    "latest": dict,
}


def read(file: Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: it is not JSON, too large or too deeply nested, or holds NaN or infinity.
    """
    try:
        if file.stat().st_size > FILE_LIMIT:
            raise ValueError(f"larger than {FILE_LIMIT:,} bytes")
        return parse(file.read_bytes())
    except OSError as error:
        raise ValueError(error.strerror) from None


def parse(content: bytes, number: Callable[[str], float] | None = None) -> Any:
    """Parse a JSON document.

    Args:
        content: UTF-8.
        number: converts the text of each number that is not whole, NaN and infinity too; refuses the latter by default.

    Raises:
        ValueError: it is not JSON, or too deeply nested, or `number` raises it.
    """
    try:
        return json.loads(content.decode("utf-8"), parse_constant=number or _finite, parse_float=number or _finite)
    except RecursionError:
        raise ValueError("too deeply nested") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not finite")
    return value


def check_record(file: Path, record: Mapping[str, Any]) -> None:
    """Raise unless the entries of a run.json have the types that a training run writes.

    Raises:
        BadInput: with the first entry that has another type.
    """
    _check_entries(file, "", RECORD, record)
    _check_type(file, "about_latest", dict, record.get("about_latest", {}))
    if record["seed"] < 0:
        _refuse(file, "seed", "0 or more", record["seed"])


def _check_entries(file: Path, prefix: str, expected: Mapping[str, Any], actual: Mapping[str, Any]) -> None:
    for name, kind in expected.items():
        _check_type(file, prefix + name, dict if isinstance(kind, dict) else kind, actual.get(name))
        if isinstance(kind, dict):
            _check_entries(file, f"{prefix}{name}.", kind, actual[name])


def check_fields(file: Path, where: str, kind: type, values: Mapping[str, Any]) -> None:
    """Raise unless values have the types of a dataclass's fields; missing names are left to its constructor.

    Args:
        file: the JSON file, for the message.
        where: the place of the values in it, for the message.
        kind: the dataclass.
        values: by field.

    Raises:
        BadInput: with the first field that has another type.
    """
    _check_type(file, where, dict, values)
    try:
        hints = typing.get_type_hints(kind)
    except Exception:  # a user's own class may name types that only its type checker knows
        return
    for name, value in values.items():
        if name in hints:
            _check_type(file, f"{where}.{name}", hints[name], value)


def check_options(file: Path, where: str, declared: Iterable[Option], values: Mapping[str, Any]) -> None:
    """Raise unless values are of declared options, of their types, and allowed.

    Args:
        file: the JSON file, for the message.
        where: the place of the values in it, for the message.
        declared: the options.
        values: by the option's name; options that are missing have their defaults.

    Raises:
        BadInput: with the first option that is not.
    """
    options = {option.name: option for option in declared}
    if unknown := sorted(values.keys() - options.keys()):
        raise BadInput(f"{file}: {where}: unknown option {', '.join(unknown)}. Train again with --force.")
    for name, value in values.items():
        _check_type(file, f"{where}.{name}", options[name].type, value)
        for one in value if options[name].multiple else [] if value is None else [value]:
            try:
                options[name].check(one)
            except ValueError as error:
                raise BadInput(f"{file}: {where}.{name}: {error} Train again with --force.") from None


def _check_type(file: Path, where: str, kind: Any, value: Any) -> None:
    if not fits(value, kind):
        _refuse(file, where, _type_name(kind), value)


def _refuse(file: Path, where: str, expected: str, value: Any) -> NoReturn:
    actual = json.dumps(value, default=str)
    actual = actual if len(actual) < 60 else f"{actual[:50]} …"
    raise BadInput(f"{file}: {where}: expected {expected}, got {actual}. Train again with --force.")


def fits(value: Any, kind: Any) -> bool:
    """Return whether a JSON value has a type as dataclasses declare it; a tuple is a list in JSON."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if kind is bool or kind is str or kind is dict or kind is types.NoneType:
        return isinstance(value, kind)
    if kind is int:
        return type(value) is int and abs(value) < NUMBER_LIMIT
    if kind is float:
        return type(value) in (int, float) and not abs(value) > 1e300
    if kind in (tuple, list) or origin in (tuple, list):
        return isinstance(value, list) and _items_fit(value, parts)
    return True


def _items_fit(values: list[Any], parts: tuple[Any, ...]) -> bool:
    if not parts or parts == (Any,):
        return True
    if (len(parts) == 2 and parts[1] is Ellipsis) or len(parts) == 1:
        return all(fits(value, parts[0]) for value in values)
    return len(values) == len(parts) and all(map(fits, values, parts))


def _type_name(kind: Any) -> str:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_type_name, parts))
    if origin in (tuple, list):
        item = next((part for part in parts if part not in (Ellipsis, Any)), None)
        return f"a list of which each is {_type_name(item)}" if item else "a list"
    return TYPE_NAMES.get(origin or kind, getattr(kind, "__name__", str(kind)))
