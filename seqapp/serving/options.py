"""The settings of `seqapp serve`, checked before TensorFlow is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seqapp.errors import BadInput, UnknownName
from seqapp.serving.limits import Limits
from seqapp.serving.models.models import find_versions


@dataclass(frozen=True)
class Settings:
    """What to serve, where and how.

    Attributes:
        bases: each model's folder, which holds <version>/saved_model.pb, by the model's name.
        labels: version numbers by label, by the model's name.
        host: the address to listen on.
        port: the port to listen on; 0 takes any free one.
        keys: API keys; none is required if empty.
        keep: how many of the highest versions of a model are served.
        poll_seconds: seconds between two looks for new versions.
        batch_size: maximum number of rows in a batch; 1 turns batching off.
        batch_seconds: how long a batch waits to fill.
        limits: what a request may ask for.
    """

    bases: dict[str, Path]
    labels: dict[str, dict[str, int]]
    host: str
    port: int
    keys: frozenset[bytes]
    keep: int
    poll_seconds: float
    batch_size: int
    batch_seconds: float
    limits: Limits


def find_models(sources: Iterable[str]) -> dict[str, Path]:
    """Return each model's folder of versions by the model's name.

    Args:
        sources: a RUN, which stands for its export; a folder DIR of versions; or NAME=DIR, to name the model.

    Raises:
        BadInput: a folder has no exported version, or two models have the same name.
    """
    bases: dict[str, Path] = {}
    for source in sources:
        name, _, path = source.rpartition("=") if not Path(source).is_dir() else ("", "", source)
        base = _versions_folder(Path(path))
        name = name or Path(path).resolve().name
        if not name or "/" in name or ":" in name:
            raise BadInput(f"'{source}': expected a model name without '/' and ':'. Name the model: NAME={path}")
        if name in bases:
            raise BadInput(f"two models are named '{name}'. Rename one: NAME={path}")
        bases[name] = base
    return bases


def parse_labels(texts: Iterable[str], models: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return version numbers by label, by model.

    Args:
        texts: each `[NAME/]LABEL=VERSION`; NAME is required if there are several models.
        models: their names.

    Raises:
        BadInput: a text has another form.
        UnknownName: no model has this name.
    """
    known = list(models)
    labels: dict[str, dict[str, int]] = {name: {} for name in known}
    for text in texts:
        left, _, version = text.rpartition("=")
        name, slash, label = left.rpartition("/")
        if not label or not version.isdecimal() or (not slash and len(known) > 1):
            raise BadInput(
                f"--label: expected [NAME/]LABEL=VERSION, with NAME if there are several models; got '{text}'."
            )
        if slash and name not in labels:
            raise UnknownName("model", name, known, "--label: ")
        labels[name if slash else known[0]][label] = int(version)
    return labels


def read_keys(file: str | None) -> frozenset[bytes]:
    """Return the API keys in a file, one per line.

    Raises:
        BadInput: the file has no key.
    """
    if file is None:
        return frozenset()
    keys = frozenset(line.strip() for line in Path(file).read_bytes().splitlines() if line.strip())
    if not keys:
        raise BadInput(f"--api-key-file: expected one key per line in '{file}', got an empty file.")
    return keys


def _versions_folder(path: Path) -> Path:
    if not path.is_dir():
        near = f" Did you mean '{Path('runs') / path}'?" if (Path("runs") / path).is_dir() else ""
        raise BadInput(f"no folder '{path}'.{near} Pass an exported RUN, or a folder DIR/<version>/.")
    if (path / "run.json").is_file():
        if not find_versions(path / "export"):
            raise BadInput(f"{path}: not exported yet. First: seqapp export {path}")
        return path / "export"
    if (path / "saved_model.pb").is_file():
        raise BadInput(
            f"{path} is itself a SavedModel: pass the folder that holds it as DIR/<version>/, such as DIR/1/."
        )
    if not find_versions(path):
        raise BadInput(
            f"no versions of a model under '{path}'. Did you forget to name its folder as a number (such as {path}/1/)?"
        )
    return path
