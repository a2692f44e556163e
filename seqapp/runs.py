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
        return rooms.find("datasets", self.record["rooms"]["dataset"])

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
        dataset: Dataset = self.dataset_room().module.load(
            **self.record["options"]["dataset"], seed=self.record["seed"]
        )
        if dataset.data["sha256"] != self.record["data"]["sha256"]:
            raise BadInput(
                f"{self.folder}: the data has changed since training (sha256 {dataset.data['sha256'][:12]}…, "
                f"trained on {self.record['data']['sha256'][:12]}…). Restore it, or train again with --force."
            )
        if json.loads(json.dumps(dataset.task.state())) != self.record["task"]:
            raise BadInput(
                f"{self.folder}: {self.dataset}.py now prepares the data in another way than at training. "
                "Train again with --force."
            )
        return dataset

    def new_network(self, task: Task) -> Network:
        """The network with its initial weights."""
        from seqapp.network import Shape, build

        layer = layer_of(rooms.find("models", self.record["rooms"]["model"]), self.record["options"]["model"])
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
        _check_archive(self.weights, network)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # Keras only warns where it finds no weights for a layer
                network.model.load_weights(self.weights)
        except (ValueError, OSError, KeyError, UserWarning) as error:
            raise BadInput(
                f"{self.weights}: the weights do not fit the network: {str(error).splitlines()[0]}"
            ) from None
        network.avoid_cudnn()
        return network

    def update(self, **changes: Any) -> Run:
        """Write run.json with these entries changed."""
        updated = Run(self.folder, self.record | changes)
        publish_json(self.folder / "run.json", updated.record)
        return updated


def layer_of(room: rooms.Room, options: dict[str, Any]) -> Any:
    """The model file's `layer` with the model's own options filled in."""
    return lambda units, name: room.module.layer(units, name, **options)


def open_run(folder: str | Path) -> Run:
    """Read a run folder.

    Raises:
        BadInput: it is missing, is not a run, is half-written, or comes from another version.
    """
    path = Path(folder)
    if not path.is_dir():
        raise BadInput(f"no run folder '{path}'. `seqapp list` shows the runs; `seqapp train DATASET` makes one.")
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


def versions() -> dict[str, str]:
    """Versions of what decides a result."""
    import importlib.metadata

    packages = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn")
    return {"seqapp": seqapp.__version__, "python": platform.python_version()} | {
        package: importlib.metadata.version(package) for package in packages
    }


def remove(folder: Path) -> None:
    """Delete a run folder, and nothing that is not one."""
    if folder.exists() and not (folder / "run.json").is_file() and any(folder.iterdir()):
        raise BadInput(
            f"{folder}: not a run folder (no run.json), so --force will not delete it. Choose another --out."
        )
    shutil.rmtree(folder, ignore_errors=False) if folder.exists() else None


def sha256(*parts: bytes | str) -> str:
    """Fingerprint of generated data."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()


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
