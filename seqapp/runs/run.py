"""The run folder: what a training leaves behind and all that predict, generate and export need. Never overwritten."""

from __future__ import annotations

import json
import platform
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

import seqapp
from seqapp import rooms
from seqapp.contract.options import NetworkOptions, options_of
from seqapp.errors import BadInput
from seqapp.runs import archives
from seqapp.runs import record as records
from seqapp.runs.options import TrainingOptions
from seqapp.system.text import publish_json

if TYPE_CHECKING:
    from seqapp.contract import Dataset, Task
    from seqapp.networks.stack import Network

Options = TypeVar("Options", NetworkOptions, TrainingOptions)
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
        return rooms.find_again(kind, self.record["rooms"][key], self.folder)

    def task(self) -> Task:
        """The task as it was fitted, without the data."""
        kind = self.dataset_room().module.Task
        records.check_fields(self.folder / "run.json", "task", kind, self.record["task"])
        try:
            restored: Task = kind.restore(self.record["task"])
        except BadInput as error:
            raise BadInput(f"{self.folder / 'run.json'}: task: {error} Train again with --force.") from None
        except TypeError as error:
            raise BadInput(
                f"{self.folder}: the dataset file has changed since training ({error}). Train again with --force."
            ) from None
        return restored

    def load_dataset(self) -> Dataset:
        """The data that the run was trained on, read again; refused if it has changed."""
        room, options = self.dataset_room(), self.record["options"]["dataset"]
        self._check_options(room, room.module.load, "dataset")
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
        from seqapp.networks.factory import build

        room, options = self.model_room(), self.record["options"]["model"]
        self._check_options(room, room.module.layer, "model")
        layer = layer_of(room, options)
        network_options = self.network_options()
        archives.check_size(self.folder, ("model.keras", "checkpoints/last.npz"), task, network_options)
        return build(task, layer, network_options, self.record["seed"])

    def network_options(self) -> NetworkOptions:
        """The options of the network; one that is newer than the run has its default."""
        return self._general("network", NetworkOptions)

    def training_options(self) -> TrainingOptions:
        """The options of the training run; one that is newer than the run has its default."""
        return self._general("training", TrainingOptions)

    def _general(self, group: str, kind: type[Options]) -> Options:
        values: dict[str, Any] = self.record["options"][group]
        records.check_values(self.folder / "run.json", f"options.{group}", options_of(kind), values)
        return kind(**values)

    def _check_options(self, room: rooms.Room, function: Any, group: str) -> None:
        """Refuse options that the room's file does not have, or would not take."""
        options, declared = self.record["options"][group], rooms.options(function)
        now = {str(option.name) for option in declared}
        if not options.keys() <= now:  # an option that is new since has its default
            changed = ", ".join(sorted(now ^ options.keys()))
            raise BadInput(
                f"{room.path} has changed since training: other options ({changed}). Train again with --force."
            )
        records.check_options(self.folder / "run.json", f"options.{group}", declared, options)

    def load_network(self, task: Task) -> Network:
        """The trained network for use on any machine: rebuilt from run.json, only its weights read from model.keras.

        Raises:
            BadInput: model.keras is missing, damaged, or holds another network than run.json describes.
        """
        if self.weights.exists() and not self.weights.is_file():
            raise BadInput(f"{self.weights}: expected a file, got something else. Train again with --force.")
        if not self.weights.is_file():
            raise BadInput(
                f"{self.folder}: no model.keras: the training did not get that far. "
                f"Continue with: seqapp train {self.record['rooms']['dataset']} --out {self.folder} --resume"
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
    archives.check_keras(file, network)
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
        record = records.read(file)
        record["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(f"{file}: not readable as the record of a run. Train again with --force.") from None
    _check_format(path, record)
    absent = {"dataset", "model", "rooms", "options", "task", "seed", "data", "latest"} - record.keys()
    if absent:
        raise BadInput(
            f"{file}: half-written or edited: it lacks {', '.join(sorted(absent))}. Train again with --force."
        )
    records.check_record(file, record)
    return Run(path, record)


def _check_format(folder: Path, record: dict[str, Any]) -> None:
    """Refuse a record of another version of seqapp, and say what to do."""
    found = record["format"]
    if type(found) is not int:  # True is 1 to Python
        raise BadInput(
            f"{folder / 'run.json'}: format: expected the number {FORMAT}, got {json.dumps(found)[:50]}. "
            "Train again with --force."
        )
    if found != FORMAT:
        newer = "Use a newer seqapp, or train" if found > FORMAT else "Train"
        raise BadInput(
            f"{folder}: run format {found} of seqapp {record.get('seqapp')}; this is seqapp {seqapp.__version__}, "
            f"which reads format {FORMAT}. {newer} again with --force."
        )


def open_for_use(folder: str | Path) -> Run:
    """Read a run folder, and say so where its training has not come to its end."""
    run = open_run(folder)
    if not run.record.get("begun", True):
        raise BadInput(
            f"{folder}: its training was interrupted before it started. "
            f"Start it with: seqapp train {run.record['rooms']['dataset']} --out {folder} --resume"
        )
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
