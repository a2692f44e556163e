"""Find dataset, model, command and view files: a file's name is its name, and `./mine.py` works the same way.

`datasets/stock.py` is the dataset stock. A file is found by its path and imported; nothing is registered anywhere. Its
options are the fields of its dataclass `Options`, if it has one.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import seqapp
from seqapp import trust
from seqapp.errors import BadInput, UnknownName
from seqapp.system.options import Option, options_of

REQUIRED = {"datasets": ("load", "Task"), "models": ()}  # a model file defines one of `layer` and `network`


@dataclass(frozen=True)
class NoOptions:
    """The options of a file that declares none."""


@dataclass(frozen=True)
class Room:
    """One imported dataset or model file: its short `name`, its path, and the module."""

    name: str
    path: Path
    module: ModuleType

    @property
    def summary(self) -> str:
        """First line of the file's docstring, without its full stop."""
        return (inspect.getdoc(self.module) or self.name).splitlines()[0].rstrip(".")

    @property
    def defaults(self) -> dict[str, Any]:
        """The file's own defaults for training options, such as `{"units": 128}`."""
        return dict(getattr(self.module, "DEFAULTS", {}))

    @property
    def options(self) -> tuple[Option, ...]:
        """The options that the file declares."""
        return options_of(getattr(self.module, "Options", NoOptions))

    def defines(self, name: str) -> bool:
        """Return whether the file defines a name, such as a model file's `network` or `reads`."""
        return hasattr(self.module, name)

    def load(self, seed: int, **options: Any) -> Any:
        """Return a dataset file's Dataset; options that are left out have their defaults.

        Raises:
            UnknownName: the file declares no such option.
            BadInput: the data is not usable, or `load` does not take `(options, seed)`.
        """
        declared = getattr(self.module, "Options", NoOptions)
        return self._call("load", options=declared(**self._values(options)), seed=seed)

    def layer(self, units: int, name: str, **options: Any) -> Any:
        """Return a model file's recurrent layer; options that are left out have their defaults.

        Raises:
            UnknownName: the file declares no such option.
            BadInput: `layer` does not take `(units, name)` and the file's options.
        """
        return self._call("layer", units=units, name=name, **self._values(options))

    def network(self, task: Any, options: Any, seed: int, **own: Any) -> Any:
        """Return the Network that a model file wires itself.

        Args:
            task: the task that the network is for.
            options: the NetworkOptions.
            seed: fixes the initial weights.
            own: the file's own options; those that are left out have their defaults.

        Raises:
            UnknownName: the file declares no such option.
            BadInput: `network` does not take `(task, options, seed)` and the file's options.
        """
        return self._call("network", task=task, options=options, seed=seed, **self._values(own))

    def reads(self, feature: Any) -> bool:
        """Return whether a model file says that its networks read this kind of feature, or says nothing about it."""
        return bool(self._call("reads", feature=feature)) if self.defines("reads") else True

    def _values(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return all values of the file's options, lists as the tuples that the command line gives."""
        values = {option.name: option.default for option in self.options}
        for name, value in options.items():
            if name not in values:
                raise UnknownName("option", name, values, where=f"{self.path}: ")
            values[name] = tuple(value) if isinstance(value, list) else value
        return values

    def _call(self, function: str, **arguments: Any) -> Any:
        called = getattr(self.module, function)
        try:
            inspect.signature(called).bind(**arguments)
        except TypeError as error:
            expected = ", ".join(arguments)
            raise BadInput(f"{self.path}: {function} does not take its arguments ({expected}): {error}.") from None
        return called(**arguments)


def names(kind: str) -> list[str]:
    """Return the names of the files in a folder ("datasets", "models", "commands", "inspection"), sorted."""
    stems = {file.stem for folder in seqapp.__path__ for file in (Path(folder) / kind).glob("*.py")}
    return sorted(name for name in stems if not name.startswith("_"))


def default_model() -> str:
    """Return the name of the model file that says `DEFAULT = True`: what `train` uses without --model."""
    return next(name for name in names("models") if getattr(find("models", name).module, "DEFAULT", False))


def compared_models() -> list[str]:
    """Return the names of the model files that say `COMPARED = N`, in this order: what `compare` trains by default."""
    places = [(getattr(find("models", name).module, "COMPARED", 0), name) for name in names("models")]
    return [name for place, name in sorted(places) if place]


def find(kind: str, name: str) -> Room:
    """Import the dataset or model file called `name`, or the user's own file if `name` ends in .py.

    Raises:
        UnknownName: there is no such file.
        BadInput: the file exists but fails to import, or lacks what the contract asks for.
    """
    if name.endswith(".py"):
        content = _content(kind, Path(name))
        trust.note(Path(name), content)
        return _check(kind, _import_file(kind, Path(name), content, with_neighbours=True))
    if name not in names(kind):
        hint = f" Your own file is named by its path: ./{name}.py" if _is_file(Path(f"{name}.py")) else ""
        raise UnknownName(kind.removesuffix("s"), name, names(kind), after=hint)
    path = next(file for folder in seqapp.__path__ if (file := Path(folder) / kind / f"{name}.py").is_file())
    module = _located_errors(path, lambda: importlib.import_module(f"seqapp.{kind}.{name}"))
    return _check(kind, Room(name, path, module))


def find_again(kind: str, name: str, folder: Path) -> Room:
    """Import the file that the run in `folder` was trained with: by name, by path, or its copy in the folder.

    Raises:
        UnknownName: there is no such file.
        BadInput: as in `find`, or the file is code that the user has not named here.
    """
    if not name.endswith(".py"):
        return find(kind, name)
    copy = folder / Path(name).name
    file = copy if _is_file(copy) else Path(name)
    content = _content(kind, file)
    trust.require(folder, file, content)
    return _check(kind, _import_file(kind, file, content, with_neighbours=file != copy or trust.is_trusted(file)))


def blame(error: BaseException) -> str | None:
    """Return where in a user's own file an error arose, and its message; None if no such file was involved."""
    own = {getattr(module, "__file__", None) for name, module in sys.modules.items() if name.startswith("seqapp_own_")}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
    if not frames:
        return None
    last, lines = frames[-1], [line.strip() for line in str(error).splitlines() if line.strip()]
    message = lines[0] if lines else ""
    return f"{last.filename}, line {last.lineno}, in {last.name}: {type(error).__name__}: {message}"


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


def _import_file(kind: str, path: Path, content: bytes, with_neighbours: bool) -> Room:
    """Make a module of the content that was checked: a compiled file beside it could hold another program."""
    name, full = f"seqapp_own_{kind}_{path.stem}", path.resolve()
    module = ModuleType(name)
    module.__file__ = str(full)
    sys.modules[name] = module  # dataclasses look their module up by name
    if with_neighbours and str(full.parent) not in sys.path:
        sys.path.append(str(full.parent))  # files beside it can be imported, as from a script
    _located_errors(path, lambda: exec(compile(content, str(full), "exec", dont_inherit=True), module.__dict__))
    return Room(path.stem, full, module)


def _located_errors(path: Path, load: Callable[[], Any]) -> Any:
    """Call `load`; an error in it is one of the file, reported with its line."""
    try:
        return load()
    except Exception as error:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path.resolve()
        ]
        line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else 0
        raise BadInput(
            f"{path}, line {line}: the file exists but fails to import: {type(error).__name__}: {error}"
        ) from error


def _check(kind: str, room: Room) -> Room:
    """Raise BadInput unless the file defines what the contract asks for."""
    for name in REQUIRED[kind]:
        if not room.defines(name):
            raise BadInput(f"{room.path} defines no '{name}'; {kind}/README.md says what a file there must define.")
    if kind == "models" and room.defines("layer") == room.defines("network"):
        count = "both 'layer' and 'network'" if room.defines("layer") else "neither 'layer' nor 'network'"
        raise BadInput(f"{room.path} defines {count}; a model file defines one of them, as models/README.md says.")
    try:
        _ = room.options
    except (TypeError, NameError) as error:
        raise BadInput(
            f"{room.path}: Options: expected a dataclass with a type and a default for each field: {error}."
        ) from None
    return room
