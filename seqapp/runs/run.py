"""The run folder: what a training run writes, and all that predict, generate and export need. Never overwritten."""

from __future__ import annotations

import json
import logging
import platform
import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import seqapp
from seqapp import rooms
from seqapp.contract.options import NetworkOptions, options_of
from seqapp.errors import BadInput
from seqapp.runs import archives
from seqapp.runs import record as records
from seqapp.runs.options import TrainingOptions
from seqapp.system.text import publish_json

if TYPE_CHECKING:
    from seqapp.contract import Dataset, Network, Task

Options = TypeVar("Options", NetworkOptions, TrainingOptions)
FORMAT = 1  # of run.json; raised when an older seqapp could not read the folder
ENTRIES = {"dataset", "model", "rooms", "options", "task", "seed", "data", "latest"}  # that a run.json must have
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """One run folder and the content of its run.json."""

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
        """The file of the best weights by validation."""
        return self.folder / "model.keras"

    @property
    def resume_command(self) -> str:
        """The command that continues the training run."""
        dataset, folder = shlex.quote(self.record["rooms"]["dataset"]), shlex.quote(str(self.folder))
        return f"seqapp train {dataset} --out {folder} --resume"

    def dataset_room(self) -> rooms.Room:
        """Return the dataset file that the run was trained with."""
        return self._room("datasets", "dataset")

    def model_room(self) -> rooms.Room:
        """Return the model file that the run was trained with."""
        return self._room("models", "model")

    def _room(self, kind: str, key: str) -> rooms.Room:
        return rooms.find_again(kind, self.record["rooms"][key], self.folder)

    def task(self) -> Task:
        """Return the fitted task, without the data.

        Raises:
            BadInput: run.json does not describe a task of the dataset file.
        """
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

    def load_dataset(self) -> Dataset[Any]:
        """Read the data that the run was trained on.

        Raises:
            BadInput: the data, or how the dataset file prepares it, has changed since training.
        """
        room = self.dataset_room()
        dataset: Dataset[Any] = room.load(self.record["seed"], **self._own_options(room, "dataset"))
        if dataset.data["sha256"] != self.record["data"]["sha256"]:
            raise BadInput(
                f"{self.folder}: the data has changed since training (sha256 {dataset.data['sha256'][:12]}…, "
                f"trained on {self.record['data']['sha256'][:12]}…). Restore it, or train again with --force."
            )
        calibrated = dict.fromkeys(dataset.task.calibration)  # after training, so the data does not determine these
        if json.loads(json.dumps(dataset.task.state() | calibrated)) != self.record["task"] | calibrated:
            raise BadInput(
                f"{self.folder}: {self.dataset}.py now prepares the data in another way than at training. "
                "Train again with --force."
            )
        dataset.task = self.task()
        return dataset

    def new_network(self, task: Task) -> Network:
        """Return the network with its initial weights."""
        from seqapp.networks.factory import build_model

        options, room = self.network_options(), self.model_room()
        archives.check_size(self.folder, ("model.keras", "checkpoints/last.npz"), task, options)
        return build_model(room, self._own_options(room, "model"), task, options, self.record["seed"])

    def network_options(self) -> NetworkOptions:
        """Return the options of the network; one that is newer than the run has its default."""
        return self._general_options("network", NetworkOptions)

    def training_options(self) -> TrainingOptions:
        """Return the options of the training run; one that is newer than the run has its default."""
        return self._general_options("training", TrainingOptions)

    def _general_options(self, group: str, kind: type[Options]) -> Options:
        values: dict[str, Any] = self.record["options"][group]
        records.check_options(self.folder / "run.json", f"options.{group}", options_of(kind), values)
        return kind(**values)

    def _own_options(self, room: rooms.Room, group: str) -> dict[str, Any]:
        """Return the options of the dataset or model file; one that is newer than the run has its default."""
        values: dict[str, Any] = self.record["options"][group]
        known = {option.name for option in room.options}
        if not values.keys() <= known:
            changed = ", ".join(sorted(known ^ values.keys()))
            raise BadInput(
                f"{room.path} has changed since training: other options ({changed}). Train again with --force."
            )
        records.check_options(self.folder / "run.json", f"options.{group}", room.options, values)
        return values

    def load_network(self, task: Task) -> Network:
        """Return the trained network, rebuilt from run.json; only its weights are read from model.keras.

        Raises:
            BadInput: model.keras is missing, damaged, or of another network than run.json describes.
        """
        if self.weights.exists() and not self.weights.is_file():
            raise BadInput(f"{self.weights}: expected a file, got something else. Train again with --force.")
        if not self.weights.is_file():
            raise BadInput(
                f"{self.folder}: no model.keras: the training run did not get that far. "
                f"Continue with: {self.resume_command}"
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
            warnings.simplefilter("error")  # Keras only warns when it finds no weights for a layer
            network.model.load_weights(file)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise BadInput(f"{file}: the weights do not fit the network: {' '.join(str(error).split())[:200]}") from None


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
    record = _read_record(file)
    _check_format(path, record)
    if missing := ENTRIES - record.keys():
        raise BadInput(
            f"{file}: half-written or edited: it lacks {', '.join(sorted(missing))}. Train again with --force."
        )
    records.check_record(file, record)
    return Run(path, record)


def _read_record(file: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = records.read(file)
        record["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(f"{file}: not readable as the record of a run. Train again with --force.") from None
    return record


def _check_format(folder: Path, record: dict[str, Any]) -> None:
    """Raise BadInput if the record is of a version of seqapp that writes another format."""
    actual = record["format"]
    if type(actual) is not int:  # True is 1 to Python
        raise BadInput(
            f"{folder / 'run.json'}: format: expected the number {FORMAT}, got {json.dumps(actual)[:50]}. "
            "Train again with --force."
        )
    if actual != FORMAT:
        newer = "Use a newer seqapp, or train" if actual > FORMAT else "Train"
        raise BadInput(
            f"{folder}: run format {actual} of seqapp {record.get('seqapp')}; this is seqapp {seqapp.__version__}, "
            f"which reads format {FORMAT}. {newer} again with --force."
        )


def open_for_use(folder: str | Path) -> Run:
    """Read a run folder, and warn if its training run has not finished.

    Raises:
        BadInput: as in `open_run`, or the training run has not started.
    """
    run = open_run(folder)
    if not run.record.get("begun", True):
        raise BadInput(f"{folder}: its training was interrupted before it started. Start it with: {run.resume_command}")
    if not run.record.get("finished"):
        logger.warning("the training of %s has not finished; these are its best weights so far.", folder)
    return run


def versions() -> dict[str, str]:
    """Return the versions of the packages that a result depends on."""
    import importlib.metadata

    packages = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn")
    return {"seqapp": seqapp.__version__, "python": platform.python_version()} | {
        package: importlib.metadata.version(package) for package in packages
    }
