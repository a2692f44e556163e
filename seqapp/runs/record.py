"""JSON that was written by a training and may come from elsewhere: read within limits, and held to its types.

Says nothing on whether the values make sense together; that is for who uses them.
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from seqapp.contract.options import Option
from seqapp.errors import BadInput

LARGEST = 1 << 26  # bytes of a run.json
WHOLE = 2**31  # numbers from here on are no sizes of anything
WORDS = {
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
    """A JSON document.

    Raises:
        ValueError: it is none, or too large, or too deeply nested, or holds NaN or infinity.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError(f"larger than {LARGEST:,} bytes")
        return parsed(file.read_bytes())
    except OSError as error:
        raise ValueError(error.strerror) from None


def parsed(content: bytes, number: Callable[[str], float] | None = None) -> Any:
    """A JSON document; of finite numbers, unless `number` makes something of the others.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(content.decode("utf-8"), parse_constant=number or _finite, parse_float=number or _finite)
    except RecursionError:
        raise ValueError("too deeply nested") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number")
    return value


def check_record(file: Path, record: Mapping[str, Any]) -> None:
    """Refuse a run.json whose entries have other types than a training writes.

    Raises:
        BadInput: with the entry.
    """
    _check_entries(file, "", RECORD, record)
    _expect(file, "about_latest", dict, record.get("about_latest", {}))
    if record["seed"] < 0:
        raise _unusable(file, "seed", "0 or more", record["seed"])


def _check_entries(file: Path, prefix: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    for name, kind in wanted.items():
        _expect(file, prefix + name, dict if isinstance(kind, dict) else kind, found.get(name))
        if isinstance(kind, dict):
            _check_entries(file, f"{prefix}{name}.", kind, found[name])


def check_fields(file: Path, where: str, kind: type, values: Mapping[str, Any]) -> None:
    """Refuse values that have not the types which a dataclass declares; names that are missing are for it to miss.

    Raises:
        BadInput: with the field.
    """
    _expect(file, where, dict, values)
    try:
        hints = typing.get_type_hints(kind)
    except Exception:  # a user's own class may name types that only its type checker knows
        return
    for name, value in values.items():
        if name in hints:
            _expect(file, f"{where}.{name}", hints[name], value)


def check_options(file: Path, where: str, declared: Iterable[click.Parameter], values: Mapping[str, Any]) -> None:
    """Refuse values that the command line would not take.

    Raises:
        BadInput: with the option.
    """
    context = click.Context(click.Command("run"))
    for option in declared:
        value = values.get(str(option.name))
        if value is None:
            continue
        try:
            taken = option.type_cast_value(context, value)
        except (click.BadParameter, TypeError, ValueError, OverflowError) as error:
            raise BadInput(f"{file}: {where}.{option.name}: {error} Train again with --force.") from None
        if not _same_kind(taken, value):
            raise _unusable(file, f"{where}.{option.name}", _words(type(taken)), value)


def check_values(file: Path, where: str, declared: Iterable[Option], values: Mapping[str, Any]) -> None:
    """Raise unless values are of declared options, of their types, and allowed.

    Raises:
        BadInput: with the first option that is not.
    """
    options = {option.name: option for option in declared}
    if unknown := sorted(values.keys() - options.keys()):
        raise BadInput(f"{file}: {where}: unknown option {', '.join(unknown)}. Train again with --force.")
    for name, value in values.items():
        _expect(file, f"{where}.{name}", options[name].type, value)
        for one in value if options[name].multiple else [] if value is None else [value]:
            try:
                options[name].check(one)
            except ValueError as error:
                raise BadInput(f"{file}: {where}.{name}: {error} Train again with --force.") from None


def _same_kind(taken: Any, value: Any) -> bool:
    if isinstance(taken, tuple | list):
        return isinstance(value, list) and all(map(_same_kind, taken, value))
    return type(taken) is type(value) or (isinstance(taken, float) and type(value) is int)


def _expect(file: Path, where: str, kind: Any, value: Any) -> None:
    if not fits(value, kind):
        raise _unusable(file, where, _words(kind), value)


def _unusable(file: Path, where: str, expected: str, value: Any) -> BadInput:
    came = json.dumps(value, default=str)
    came = came if len(came) < 60 else f"{came[:50]} …"
    return BadInput(f"{file}: {where}: expected {expected}, got {came}. Train again with --force.")


def fits(value: Any, kind: Any) -> bool:
    """Whether a JSON value is of a type as dataclasses declare them; tuples are lists there."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if kind is bool or kind is str or kind is dict or kind is types.NoneType:
        return isinstance(value, kind)
    if kind is int:
        return type(value) is int and abs(value) < WHOLE
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


def _words(kind: Any) -> str:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_words, parts))
    if origin in (tuple, list):
        inner = next((part for part in parts if part not in (Ellipsis, Any)), None)
        return f"a list of which each is {_words(inner)}" if inner else "a list"
    return WORDS.get(origin or kind, getattr(kind, "__name__", str(kind)))
