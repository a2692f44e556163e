"""What `seqapp serve` was told, checked before TensorFlow is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seqapp.errors import BadInput, UnknownName
from seqapp.serving.limits import Limits
from seqapp.serving.models.models import versions_in


@dataclass(frozen=True)
class Settings:
    """A server's models and manners."""

    bases: dict[str, Path]  # folders BASE/<version>/ by the model's name
    labels: dict[str, dict[str, int]]  # of versions, by the model's name
    host: str
    port: int
    keys: frozenset[bytes]
    keep: int
    poll_seconds: float
    batch_size: int
    batch_seconds: float
    limits: Limits


def bases(sources: Iterable[str]) -> dict[str, Path]:
    """Each model's folder by its name: RUN stands for its export, NAME=DIR gives a name of its own.

    Raises:
        BadInput: a folder holds no exported version, or two models have one name.
    """
    found: dict[str, Path] = {}
    for source in sources:
        given, _, path = source.rpartition("=") if not Path(source).is_dir() else ("", "", source)
        base = _base(Path(path))
        name = given or Path(path).resolve().name
        if not name or "/" in name or ":" in name:
            raise BadInput(f"'{source}': a model's name holds neither '/' nor ':'. Give one: NAME={path}")
        if name in found:
            raise BadInput(f"two models named '{name}'. Give one another name: NAME={path}")
        found[name] = base
    return found


def labels(given: Iterable[str], names: Iterable[str]) -> dict[str, dict[str, int]]:
    """Versions by label by model, from `[NAME/]LABEL=VERSION`.

    Raises:
        BadInput: it reads otherwise, or there is no such model.
    """
    known = list(names)
    found: dict[str, dict[str, int]] = {name: {} for name in known}
    for text in given:
        left, _, version = text.rpartition("=")
        name, slash, label = left.rpartition("/")
        if not label or not version.isdecimal() or (not slash and len(known) > 1):
            raise BadInput(
                f"--label: expected [NAME/]LABEL=VERSION, with the NAME where there are several; got '{text}'."
            )
        if slash and name not in found:
            raise UnknownName("model", name, known, "--label: ")
        found[name if slash else known[0]][label] = int(version)
    return found


def keys(file: str | None) -> frozenset[bytes]:
    """The keys in a file, one a line.

    Raises:
        BadInput: there is none in it.
    """
    if file is None:
        return frozenset()
    found = frozenset(line.strip() for line in Path(file).read_bytes().splitlines() if line.strip())
    if not found:
        raise BadInput(f"--api-key-file: expected a key on each line of '{file}', found none.")
    return found


def _base(path: Path) -> Path:
    if not path.is_dir():
        near = f" Did you mean '{Path('runs') / path}'?" if (Path("runs") / path).is_dir() else ""
        raise BadInput(f"no folder '{path}'.{near} Serve a RUN that was exported, or a folder DIR/<version>/.")
    if (path / "run.json").is_file():
        if not versions_in(path / "export"):
            raise BadInput(f"{path}: not exported yet. First: seqapp export {path}")
        return path / "export"
    if (path / "saved_model.pb").is_file():
        raise BadInput(
            f"{path} is itself a SavedModel: serve the folder that holds it as DIR/<version>/, such as DIR/1/."
        )
    if not versions_in(path):
        raise BadInput(
            f"no versions of a model under '{path}'. Did you forget to name its folder as a number (such as {path}/1/)?"
        )
    return path
