"""The finder: a room file's name is its name. `datasets/stock.py` is the dataset stock; `./mine.py` works the same way.

A room file is found by path and loaded; nothing is registered anywhere. Options are declared once, as click
decorators on the room's function, and read from there.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import click

import seqapp
from seqapp import trust
from seqapp.errors import BadInput, UnknownName

NEEDS = {"datasets": ("load", "Task"), "models": ("layer",)}


@dataclass(frozen=True)
class Room:
    """One loaded room file: its short `name`, where it lies, and the module."""

    name: str
    path: Path
    module: ModuleType

    @property
    def summary(self) -> str:
        """First line of the file's docstring, without its full stop."""
        return (inspect.getdoc(self.module) or self.name).splitlines()[0].rstrip(".")

    @property
    def defaults(self) -> dict[str, Any]:
        """The room's own defaults for training options, such as `{"units": 128}`."""
        return dict(getattr(self.module, "DEFAULTS", {}))

    def call(self, function: str, **arguments: Any) -> Any:
        """Call the room's `load` or `layer`.

        Raises:
            BadInput: the function does not take these arguments.
        """
        called = getattr(self.module, function)
        arguments = defaults(called) | arguments
        try:
            inspect.signature(called).bind(**arguments)
        except TypeError as error:
            wanted = ", ".join(arguments)
            raise BadInput(f"{self.path}: {function} does not take what it is given ({wanted}): {error}.") from None
        return called(**arguments)


def names(kind: str) -> list[str]:
    """Return the names of the files in a folder ("datasets", "models", "commands", "inspection"), sorted."""
    found = {file.stem for folder in seqapp.__path__ for file in (Path(folder) / kind).glob("*.py")}
    return sorted(name for name in found if not name.startswith("_"))


def find(kind: str, name: str) -> Room:
    """Load the room file called `name`, or the user's own file where `name` ends in .py.

    Raises:
        UnknownName: there is no such file.
        BadInput: the file exists but fails to import, or lacks what the contract asks for.
    """
    if name.endswith(".py"):
        content = _content(kind, Path(name))
        trust.note(Path(name), content)
        return _checked(kind, _load_file(kind, Path(name), content, beside=True))
    if name not in names(kind):
        own = f" Your own file is named by its path: ./{name}.py" if _is_file(Path(f"{name}.py")) else ""
        raise UnknownName(kind.removesuffix("s"), name, names(kind), after=own)
    path = next(file for folder in seqapp.__path__ if (file := Path(folder) / kind / f"{name}.py").is_file())
    return _checked(kind, Room(name, path, _imported(path, lambda: importlib.import_module(f"seqapp.{kind}.{name}"))))


def find_again(kind: str, name: str, folder: Path) -> Room:
    """The room file that the run in `folder` was trained with; the user's own by its path, or a copy in the folder.

    Raises:
        UnknownName: there is no such file.
        BadInput: as in `find`, or the file is code that nobody has named here.
    """
    if not name.endswith(".py"):
        return find(kind, name)
    copy = folder / Path(name).name
    file = copy if _is_file(copy) else Path(name)
    content = _content(kind, file)
    trust.require(folder, file, content)
    return _checked(kind, _load_file(kind, file, content, beside=file != copy or trust.asked_for(file)))


@functools.cache  # click.command takes the declarations off the function, so they can be read only once
def options(function: Callable[..., Any]) -> list[click.Parameter]:
    """The click options declared on a room's function."""
    return list(click.command("room")(function).params)


@functools.cache
def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """The values of the options declared on a room's function where none is given."""
    return dict(click.Command("room", params=options(function)).make_context("room", []).params)


def blame(error: BaseException) -> str | None:
    """Where in a user's own room file an error arose, and its last words; None if none of these files took part."""
    own = {getattr(module, "__file__", None) for name, module in sys.modules.items() if name.startswith("seqapp_own_")}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
    if not frames:
        return None
    said = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    return f"{frames[-1].filename}, line {frames[-1].lineno}, in {frames[-1].name}: {type(error).__name__}: {said[0]}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # longer than a file's name can be, or in a folder that is closed
        return False


def _content(kind: str, path: Path) -> bytes:
    if not _is_file(path):
        raise BadInput(
            f"no file '{path}'. Give the path of a {kind.removesuffix('s')} file, or one of: {', '.join(names(kind))}."
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"'{path}' cannot be read: {error.strerror}.") from None


def _load_file(kind: str, path: Path, content: bytes, beside: bool) -> Room:
    """A module of what the file was seen to hold: a compiled file that lies with it could hold another program."""
    name = f"seqapp_own_{kind}_{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path.resolve())
    sys.modules[name] = module  # dataclasses look their module up by name
    if beside and str(path.resolve().parent) not in sys.path:
        sys.path.append(str(path.resolve().parent))  # files beside it can be imported, as from a script
    _imported(path, lambda: exec(compile(content, str(path.resolve()), "exec", dont_inherit=True), module.__dict__))
    return Room(path.stem, path.resolve(), module)


def _imported(path: Path, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except Exception as error:  # whatever the file raises is the file's own error, shown as such
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path.resolve()
        ]
        line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else 0
        raise BadInput(
            f"{path}, line {line}: the file exists but fails to import: {type(error).__name__}: {error}"
        ) from error


def _checked(kind: str, room: Room) -> Room:
    for needed in NEEDS[kind]:
        if not hasattr(room.module, needed):
            raise BadInput(f"{room.path} defines no '{needed}'; {kind}/README.md says what a file there must define.")
    return room
