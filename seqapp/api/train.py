"""From resolved options to a trained run folder: trained from scratch, or resumed."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import seqapp
from seqapp.contract import Dataset, Network, Raw, Task
from seqapp.contract.options import NetworkOptions, options_of
from seqapp.errors import BadInput
from seqapp.networks.factory import build_model, layer_of, why_not
from seqapp.networks.over_split import predict
from seqapp.rooms import Room
from seqapp.runs.lifecycle import (
    delete_old_run,
    finished_epochs,
    is_untrained,
    refuse_empty,
    refuse_to_overwrite,
    replace_run,
    resumable,
)
from seqapp.runs.options import TrainingOptions
from seqapp.runs.run import FORMAT, Run, load_weights, open_run, versions
from seqapp.system.files import make_folder
from seqapp.system.locks import locked
from seqapp.training.checkpoint import Position
from seqapp.training.loop import train
from seqapp.training.preflight import check_answers, check_causal, check_dataset, check_weights
from seqapp.training.progress import Report

OPTIONAL = {
    option.name for kind in (NetworkOptions, TrainingOptions) for option in options_of(kind) if option.optional
}  # None is a value of theirs
CHANGEABLE = {"epochs", "learning_rate", "clip_norm", "patience", "checkpoint_every", "stop_below"}  # on --resume


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run; the data decides options without a value."""

    dataset: Room
    model: Room
    dataset_options: dict[str, Any]
    model_options: dict[str, Any]
    network: dict[str, Any]
    training: dict[str, Any]

    def resolved(self, dataset: Dataset[Any]) -> Recipe:
        """Return the recipe with the data's values for options without one, as far as the model's layers support them.

        Raises:
            BadInput: the data has none.
        """
        options = self.network | self.training
        left = [name for name, value in options.items() if value is None and name not in OPTIONAL]
        for name in left:
            if name not in dataset.defaults:
                raise BadInput(f"DEFAULTS: {name} is left to the data, and the dataset's `defaults` does not name it.")
        network, training = (
            {name: dataset.defaults.get(name) if value is None else value for name, value in group.items()}
            for group in (self.network, self.training)
        )
        if self.network["weight_drop"] is None and self.model.defines("layer"):
            layer = layer_of(self.model, self.model_options)(network["units"], "probe")
            if why_not(layer, str(network["engine"]), "weight_drop"):
                network["weight_drop"] = 0.0
        return dataclasses.replace(self, network=network, training=training)

    def options(self) -> dict[str, Any]:
        """As run.json keeps them, by whom they belong to."""
        return {
            "dataset": self.dataset_options,
            "model": self.model_options,
            "network": self.network,
            "training": self.training,
        }


def start(recipe: Recipe, folder: Path, force: bool, command: list[str], report: Report) -> Run:
    """Train a new run. Data and network are made before anything on disk is touched.

    Raises:
        BadInput: the folder exists and `force` is not given, or the data is not usable.
    """
    refuse_to_overwrite(folder, force)
    dataset = recipe.dataset.load(recipe.training["seed"], **recipe.dataset_options)
    check_dataset(dataset)
    left = [name for group in recipe.options().values() for name, value in group.items() if value is None]
    recipe = recipe.resolved(dataset)
    network_options, options = NetworkOptions(**recipe.network), TrainingOptions(**recipe.training)

    def build(seed: int) -> Network:
        return build_model(recipe.model, recipe.model_options, dataset.task, network_options, seed)

    check_weights(dataset.task, lambda: build(0))
    network = build(options.seed)
    if network.can_step or not dataset.task.looks_ahead:
        check_causal(network, dataset.task)
    check_answers(dataset, network)
    _announce(recipe, dataset, left, report)
    make_folder(folder)
    with locked(folder):
        refuse_to_overwrite(folder, force)  # another training may have been here meanwhile
        with replace_run(Run(folder, _record(recipe, dataset, network, command))) as run:
            return _finished(run, dataset, network, train(folder, dataset, network, options, report))


def _announce(recipe: Recipe, dataset: Dataset[Any], left: list[str], report: Report) -> None:
    """What the data decided of the options that were left to it, and what is remarkable about the data."""
    values = dict(dataset.resolved_options) | recipe.network | recipe.training
    if options := ", ".join(
        f"--{name.replace('_', '-')} {values[name]}" for name in left if values.get(name) is not None
    ):
        report.note(f"for {dataset.data['rows']:,} rows: {options}")
    for note in dataset.data.get("notes", []):
        report.note(note)


def _record(recipe: Recipe, dataset: Dataset[Any], network: Network, command: list[str]) -> dict[str, Any]:
    """Return run.json's content before training."""
    requested = dataset.task.signature()
    return {
        "format": FORMAT,
        "seqapp": seqapp.__version__,
        "command": command,
        "dataset": recipe.dataset.name,
        "model": recipe.model.name,
        "rooms": {"dataset": _reference(recipe.dataset), "model": _reference(recipe.model)},
        "options": json.loads(json.dumps(recipe.options())),
        "seed": recipe.training["seed"],
        "versions": versions(),
        "data": dict(dataset.data),
        "split": dict(dataset.split),
        "parameters": int(network.model.count_params()),
        "seconds": None,
        "finished": False,
        "latest": _to_lists({name: value for name, value in dataset.latest.items() if name in requested}),
        "about_latest": _to_lists({name: value for name, value in dataset.latest.items() if name not in requested}),
        "task": json.loads(json.dumps(dataset.task.state())),
    }


def resume(folder: Path, dataset: Room, model: Room | None, changes: dict[str, Any], report: Report) -> Run:
    """Resume a run of `dataset`, and of `model` if it is not None, with the changed options `changes`, by name.

    Raises:
        BadInput: there is no such run, its data has changed, or a change would make it another run.
    """
    refuse_empty(folder)
    open_run(folder)
    with locked(folder):
        run = open_run(folder)  # as it is now that nobody else writes to it
        _refuse_another(run, dataset, model, changes)
        with resumable(run):
            return _continue(delete_old_run(run), changes, report)


def _refuse_another(run: Run, dataset: Room, model: Room | None, changes: dict[str, Any]) -> None:
    requested = (_reference(dataset), _reference(model) if model else run.record["rooms"]["model"])
    if requested != (run.record["rooms"]["dataset"], run.record["rooms"]["model"]):
        raise BadInput(
            f"{run.folder} was trained on {run.dataset} with --model {run.model}, not on {dataset.name} with --model "
            f"{model.name if model else run.model}. Use --force to train from scratch, or --out for another folder."
        )
    known = {name: value for group in run.record["options"].values() for name, value in group.items()}
    for name, value in changes.items():
        if name not in CHANGEABLE and json.loads(json.dumps(value)) != known.get(name):
            raise BadInput(
                f"{run.folder} was trained with --{name.replace('_', '-')} {known.get(name)}; --resume cannot "
                f"change it to {value}. Use --force to train from scratch, or --out for another folder."
            )


def _continue(before: Run, changes: dict[str, Any], report: Report) -> Run:
    options = before.record["options"]
    changed = {name: changes[name] for name in CHANGEABLE & changes.keys()}
    training = dataclasses.replace(before.training_options(), **changed)
    if untrained := is_untrained(before):
        report.note("interrupted before the first checkpoint; starting over")
    data = before.load_dataset()
    network = before.new_network(data.task)
    done = bool(before.record["finished"]) and finished_epochs(before) >= training.epochs
    run = before.update(options=options | {"training": dataclasses.asdict(training)}, finished=done)
    try:
        position = train(run.folder, data, network, training, report, resume=not untrained)
    except BadInput:  # no checkpoint to continue from
        before.update()
        raise
    return _finished(run, data, network, position)


def _finished(run: Run, dataset: Dataset[Any], network: Network, position: Position) -> Run:
    """Write the run's last entries."""
    state = json.loads(json.dumps(calibrated(dataset, network, run.weights).state()))
    return run.update(finished=True, seconds=round(position.seconds, 3), task=state)


def calibrated(dataset: Dataset[Any], network: Network, weights: Path) -> Task:
    """The task as the best weights need it, which the network holds from here on."""
    load_weights(network, weights)
    return dataset.calibrated(lambda split: predict(dataset, network, split))


def _reference(room: Room) -> str:
    """How the room is found again: a name, or the path of the user's own file."""
    return str(room.path) if room.module.__name__.startswith("seqapp_own_") else room.name


def _to_lists(raw: Raw) -> dict[str, Any]:
    return {name: np.asarray(value).tolist() for name, value in raw.items()}
