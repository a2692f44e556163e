"""The errors that a user can mend. The command line turns them into one line and an exit code; all else is a bug."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 2000  # characters of a message


class BadInput(ValueError):
    """The input or the usage is wrong: exit code 2. The text says what was expected, what came, what to do."""


class UnknownName(BadInput, LookupError):
    """A dataset, model, column or option value that does not exist, with the near miss and the choices."""

    def __init__(self, kind: str, name: str, choices: Iterable[str], where: str = "", after: str = "") -> None:
        known = list(choices)
        folded = {choice.lower(): choice for choice in known}
        near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
        hint = f" Did you mean '{folded[near[0]]}'?" if near else ""
        super().__init__(f"{where}no {kind} named '{name}'.{hint} Choose from: {', '.join(known) or '(none)'}.{after}")


def one_line(text: str) -> str:
    """A message with what a terminal would not show as it is written out, and what is very long shortened.

    Example: "column 'a", line end, "b'" -> "column 'a\\nb'"
    """
    kept = text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in kept)


def expect(holds: bool, what: str, came: object = None) -> None:
    """Refuse values that do not go together.

    Raises:
        BadInput: "expected `what`, got `came`."
    """
    if not holds:
        raise BadInput(f"expected {what}{'' if came is None else f', got {came!r}'}.")


class WorkFailed(RuntimeError):
    """The input was fine but the work did not succeed: exit code 1."""
