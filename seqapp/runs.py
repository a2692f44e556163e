"""The run folder: what a training leaves behind and all that predict, generate and export need. Never overwritten."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import seqapp
from seqapp import rooms
from seqapp.errors import BadInput
from seqapp.files import publish_json

if TYPE_CHECKING:
    from seqapp.contract import Dataset, Task
    from seqapp.network import Network

FORMAT = 1  # of run.json; raised when an older seqapp could not read the folder


@dataclass(frozen=True)
class Run:
    """One run folder and what its run.json says."""

    folder: Path
    record: dict[str, Any]

    @property
    def dataset(self) -> str:
        """The dataset's name."""
        return str(self.record["dataset"])

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.record["model"])

    @property
    def weights(self) -> Path:
        """The best weights by validation."""
        return self.folder / "model.keras"

    def dataset_room(self) -> rooms.Room:
        """The dataset file that the run was trained with."""
        return self._room("datasets", "dataset")

    def model_room(self) -> rooms.Room:
        """The model file that the run was trained with."""
        return self._room("models", "model")

    def _room(self, kind: str, key: str) -> rooms.Room:
        """The room by name; a user's own file by its path, or a copy of it in the run folder."""
        reference = self.record["rooms"][key]
        copy = self.folder / Path(reference).name
        return rooms.find(kind, str(copy) if reference.endswith(".py") and copy.is_file() else reference)

    def task(self) -> Task:
        """The task as it was fitted, without the data."""
        try:
            restored: Task = self.dataset_room().module.Task.restore(self.record["task"])
        except TypeError as error:
            raise BadInput(
                f"{self.folder}: the dataset file has changed since training ({error}). Train again with --force."
            ) from None
        return restored

    def load_dataset(self) -> Dataset:
        """The data that the run was trained on, read again; refused if it has changed."""
        room, options = self.dataset_room(), self.record["options"]["dataset"]
        _check_options(room, room.module.load, options)
        dataset: Dataset = room.call("load", **options, seed=self.record["seed"])
        if dataset.data["sha256"] != self.record["data"]["sha256"]:
            raise BadInput(
                f"{self.folder}: the data has changed since training (sha256 {dataset.data['sha256'][:12]}…, "
                f"trained on {self.record['data']['sha256'][:12]}…). Restore it, or train again with --force."
            )
        late = dict.fromkeys(dataset.task.calibration)  # set by a training, not by the data
        if json.loads(json.dumps(dataset.task.state() | late)) != self.record["task"] | late:
            raise BadInput(
                f"{self.folder}: {self.dataset}.py now prepares the data in another way than at training. "
                "Train again with --force."
            )
        dataset.task = self.task()
        return dataset

    def new_network(self, task: Task) -> Network:
        """The network with its initial weights."""
        from seqapp.factory import Shape, build

        room, options = self.model_room(), self.record["options"]["model"]
        _check_options(room, room.module.layer, options)
        layer = layer_of(room, options)
        return build(task, layer, Shape(**self.record["options"]["network"]), self.record["seed"])

    def load_network(self, task: Task) -> Network:
        """The trained network for use on any machine: rebuilt from run.json, only its weights read from model.keras.

        Raises:
            BadInput: model.keras is missing, damaged, or holds another network than run.json describes.
        """
        if not self.weights.is_file():
            raise BadInput(
                f"{self.folder}: no model.keras: the training did not get that far. "
                f"Go on with: seqapp train {self.record['rooms']['dataset']} --out {self.folder} --resume"
            )
        network = self.new_network(task)
        load_weights(network, self.weights)
        network.avoid_cudnn()
        return network

    def update(self, **changes: Any) -> Run:
        """Write run.json with these entries changed."""
        updated = Run(self.folder, self.record | changes)
        publish_json(self.folder / "run.json", updated.record)
        return updated


def load_weights(network: Network, file: Path) -> None:
    """Read the weights of a .keras archive; its description of the network is compared and never executed.

    Raises:
        BadInput: the archive is damaged or belongs to another network.
    """
    _check_archive(file, network)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras only warns where it finds no weights for a layer
            network.model.load_weights(file)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise BadInput(f"{file}: the weights do not fit the network: {' '.join(str(error).split())[:200]}") from None


def layer_of(room: rooms.Room, options: dict[str, Any]) -> Any:
    """The model file's `layer` with the model's own options filled in."""
    return lambda units, name: room.call("layer", units=units, name=name, **options)


def open_run(folder: str | Path) -> Run:
    """Read a run folder.

    Raises:
        BadInput: it is missing, is not a run, is half-written, or comes from another version.
    """
    path = Path(folder)
    if not path.is_dir():
        near = f" Did you mean '{Path('runs') / path}'?" if (Path("runs") / path / "run.json").is_file() else ""
        raise BadInput(f"no run folder '{path}'.{near} `seqapp list` shows the runs; `seqapp train DATASET` makes one.")
    file = path / "run.json"
    if not file.is_file():
        raise BadInput(f"{path}: not a run folder: it has no run.json. `seqapp list` shows the runs.")
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        found = record["format"]
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{file}: not readable as the record of a run. Train again with --force.") from None
    if found != FORMAT:
        raise BadInput(
            f"{path}: run format {found} of seqapp {record.get('seqapp')}; this is seqapp {seqapp.__version__}, "
            f"which reads format {FORMAT}. Train again with --force."
        )
    absent = {"dataset", "model", "rooms", "options", "task", "seed", "data", "latest"} - record.keys()
    if absent:
        raise BadInput(
            f"{file}: half-written or edited: it lacks {', '.join(sorted(absent))}. Train again with --force."
        )
    return Run(path, record)


def open_for_use(folder: str | Path) -> Run:
    """Read a run folder, and say so where its training has not come to its end."""
    run = open_run(folder)
    if not run.record.get("finished"):
        click.echo(f"Note: the training of {folder} has not finished; these are its best weights so far.", err=True)
    return run


def versions() -> dict[str, str]:
    """Versions of what decides a result."""
    import importlib.metadata

    packages = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn")
    return {"seqapp": seqapp.__version__, "python": platform.python_version()} | {
        package: importlib.metadata.version(package) for package in packages
    }


def clear(folder: Path) -> None:
    """Delete what is in a run folder; what is not a run was refused before."""
    for held in folder.iterdir():
        shutil.rmtree(held) if held.is_dir() and not held.is_symlink() else held.unlink()


def sha256(*parts: bytes | str) -> str:
    """Fingerprint of generated data."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()


def _check_options(room: rooms.Room, function: Any, options: dict[str, Any]) -> None:
    now = {str(option.name) for option in rooms.options(function)}
    if not options.keys() <= now:  # an option that is new since has its default
        changed = ", ".join(sorted(now ^ options.keys()))
        raise BadInput(f"{room.path} has changed since training: other options ({changed}). Train again with --force.")


def _check_archive(file: Path, network: Network) -> None:
    """Refuse a model.keras that holds another network than run.json describes; nothing in it is executed."""
    try:
        with zipfile.ZipFile(file) as archive:
            held = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise BadInput(f"{file}: damaged: not a Keras archive. Train again with --force.") from None
    described = [(type(layer).__name__, layer.name) for layer in network.model.layers]
    found = [
        (layer.get("class_name"), layer.get("config", {}).get("name")) for layer in held["config"].get("layers", [])
    ]
    for number, (ours, theirs) in enumerate(zip(described, found, strict=False), start=1):
        if ours != theirs:
            raise BadInput(
                f"{file}: refused: layer {number} is a {theirs[0]} named '{theirs[1]}' where run.json describes "
                f"a {ours[0]} named '{ours[1]}'. The file was changed after training."
            )
    if len(described) != len(found):
        raise BadInput(
            f"{file}: refused: it holds {len(found)} layers where run.json describes {len(described)}. "
            "The file was changed after training."
        )
