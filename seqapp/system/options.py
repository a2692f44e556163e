"""Options, declared once as fields of a frozen dataclass: command line, Python API, run.json and docs derive from them.

Knows nothing about click.

Example:
    @dataclass(frozen=True)
    class Options:
        gap: int = option(20, "Number of distractors in a sequence.", minimum=10)

    `--gap INTEGER RANGE  Number of distractors in a sequence.  [default: 20; x>=10]`
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_METADATA = "seqapp.option"


@dataclass(frozen=True)
class Range:
    """The numbers that an option takes: `minimum` and `maximum` included, `above` and `below` excluded."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        """The range as click writes it: "x>=1", "0<=x<1", "" for all numbers."""
        low = f"{self.minimum}<=" if self.minimum is not None else f"{self.above}<" if self.above is not None else ""
        high = f"<={self.maximum}" if self.maximum is not None else f"<{self.below}" if self.below is not None else ""
        if low and not high:
            return f"x>={self.minimum}" if self.minimum is not None else f"x>{self.above}"
        return f"{low}x{high}" if high else ""


@dataclass(frozen=True)
class Option:
    """One option: a field of a dataclass of options. `default_text` describes a default that the data decides."""

    name: str  # the field's; the command line's is `flag`
    type: Any  # the field's: bool, int, float or str; one of them or None; or a tuple of them
    default: Any
    help: str
    range: Range = Range()
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    default_text: str | None = None
    is_path: bool = False  # a path, made absolute
    group: str = ""

    @property
    def flag(self) -> str:
        """The name on the command line: "learning_rate" -> "--learning-rate"."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def kind(self) -> Any:
        """The type of a single value: bool, int, float or str."""
        return next((part for part in typing.get_args(self.type) if part is not types.NoneType), self.type)

    @property
    def optional(self) -> bool:
        """Whether None is a value of it."""
        return types.NoneType in typing.get_args(self.type)

    @property
    def multiple(self) -> bool:
        """Whether it may be given several times; its value is a tuple."""
        return typing.get_origin(self.type) is tuple

    def check(self, value: float | str) -> None:
        """Raise unless a single value of the right type is allowed.

        Raises:
            ValueError: it is out of range, or not among the choices.
        """
        if self.choices and value not in self.choices:
            raise ValueError(f"{value!r} is not one of {', '.join(map(repr, self.choices))}.")
        if self.kind in (int, float) and self.kind(value) not in self.range:
            raise ValueError(f"{self.kind(value)} is not in the range {self.range}.")


def option(
    default: Any,
    help: str,
    *,
    choices: Iterable[str] = (),
    metavar: str | None = None,
    default_text: str | None = None,
    is_path: bool = False,
    group: str = "",
    **limits: float,
) -> Any:
    """Declare a field of a dataclass as an option; its type is the field's annotation.

    Args:
        default: the value where the option is not given; None where the data decides.
        help: one sentence for `--help`.
        choices: the allowed texts; all where there are none.
        metavar: what `--help` shows for the value.
        default_text: what `--help` shows for a default of None.
        is_path: the value is a path, which the command line makes absolute.
        group: the heading that the option belongs under.
        limits: `minimum`, `maximum` (included), `above`, `below` (excluded), of numbers.

    Returns:
        What `dataclasses.field` returns.
    """
    about = {
        "help": help, "choices": tuple(choices), "metavar": metavar, "default_text": default_text, "is_path": is_path,
        "group": group, "range": Range(**limits),
    }  # fmt: skip
    return dataclasses.field(default=default, metadata={_METADATA: about})


def options_of(kind: type) -> tuple[Option, ...]:
    """Return the options that a dataclass declares, in the order of its fields; one without `option` has no help.

    Raises:
        TypeError: it is not a dataclass, or a field has no default.
        NameError: a field's type is not defined.
    """
    hints = typing.get_type_hints(kind)
    return tuple(_option(field, hints[field.name]) for field in dataclasses.fields(kind))


def rows(options: Iterable[Option], defaults: Mapping[str, Any] | None = None) -> list[tuple[str, str, str, str]]:
    """Return the rows of a table of options, as text: name on the command line, default, allowed values, help.

    Args:
        options: the options, such as `options_of(NetworkOptions)`.
        defaults: values that replace some of their defaults, such as a dataset file's DEFAULTS.
    """
    values = {option.name: option.default for option in options} | dict(defaults or {})
    return [
        (option.flag, _default_text(option, values[option.name]), _allowed(option), option.help) for option in options
    ]


def _option(field: dataclasses.Field[Any], hint: Any) -> Option:
    if field.default is dataclasses.MISSING:
        raise TypeError(f"{field.name} has no default")
    return Option(field.name, hint, field.default, **field.metadata.get(_METADATA, {"help": ""}))


def _allowed(option: Option) -> str:
    return "|".join(option.choices) or str(option.range) or option.metavar or ""


def _default_text(option: Option, value: Any) -> str:
    if option.default_text and value == option.default:
        return option.default_text
    if value is None or value == ():
        return "" if option.optional or option.multiple else "by the data"
    return str(value) if not isinstance(value, bool) else ("on" if value else "off")
