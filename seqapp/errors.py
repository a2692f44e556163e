"""The errors that a user can fix. The command line turns them into one line and an exit code; any other is a bug."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MESSAGE_LIMIT = 2000  # characters


class BadInput(ValueError):
    """The input or the usage is wrong: exit code 2. The text names what was expected, the actual value, what to do."""


class UnknownName(BadInput, LookupError):
    """A dataset, model, column or option that does not exist; the text names a similar one and all choices."""

    def __init__(self, kind: str, name: str, choices: Iterable[str], where: str = "", after: str = "") -> None:
        known = list(choices)
        folded = {choice.lower(): choice for choice in known}
        near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
        hint = f" Did you mean '{folded[near[0]]}'?" if near else ""
        super().__init__(f"{where}no {kind} named '{name}'.{hint} Choose from: {', '.join(known) or '(none)'}.{after}")


def one_line(text: str) -> str:
    """Escape control characters in a message, and shorten a very long one.

    Example: "column 'a", line end, "b'" -> "column 'a\\nb'"
    """
    if len(text) > MESSAGE_LIMIT:
        text = f"{text[: MESSAGE_LIMIT // 2]} … {text[-MESSAGE_LIMIT // 2 :]}"
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def expect(condition: bool, expected: str, actual: object = None) -> None:
    """Raise unless a condition is true.

    Raises:
        BadInput: "expected `expected`, got `actual`."
    """
    if not condition:
        raise BadInput(f"expected {expected}{'' if actual is None else f', got {actual!r}'}.")


class WorkFailed(RuntimeError):
    """The input was fine but the work did not succeed: exit code 1."""
