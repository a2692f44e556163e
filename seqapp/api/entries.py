"""What a comparison trains: one model, perhaps with options for it alone, at one gap, if any, with one seed."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections import ChainMap
from dataclasses import dataclass
from pathlib import Path

import click

from seqapp import rooms
from seqapp.api.train import Recipe
from seqapp.api.train_command import train_command
from seqapp.contract.options import NetworkOptions, options_of
from seqapp.errors import BadInput, WorkFailed
from seqapp.rooms import Room
from seqapp.runs.options import TrainingOptions
from seqapp.runs.run import Run, open_run

GENERAL = ("--model", "--seed", "--resume", "--force", "--out")  # never for one model alone
PLACE = "{gap}"  # where an option's value is the gap


@dataclass(frozen=True)
class Entry:
    """One entry of --models: a model, and options for it alone. `name` is as it was written."""

    name: str
    model: Room
    options: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Split an entry as a shell does: "lstm --chrono 200" -> lstm with ("--chrono", "200").

        Raises:
            BadInput: it is no model with options, or an option is not for it to say.
        """
        try:
            model, *options = shlex.split(text)
        except ValueError as error:
            raise BadInput(f"--models: '{text}': {str(error).lower()}.") from None
        if model.startswith("-"):
            raise BadInput(f"--models: '{text}': expected a model's name before its options.")
        for option in (word.partition("=")[0] for word in options):
            if option in GENERAL:
                raise BadInput(f"--models: '{text}': {option} cannot be given for one model alone.")
        return cls(text, rooms.find("models", model), tuple(options))

    @property
    def slug(self) -> str:
        """The run folder's name before gap and seed: "lstm --chrono 200" -> "lstm-chrono-200"."""
        words = (re.sub(r"[^\w.]+", "-", word, flags=re.ASCII).strip("-") for word in self.options)
        return "-".join([self.model.name, *filter(None, words)])[:150]


@dataclass(frozen=True)
class Training:
    """One entry at one gap, if any, with one seed. `options` are those of the train command, the entry's own last."""

    dataset: Room
    entry: Entry
    gap: int | None
    seed: int
    folder: Path
    options: tuple[str, ...]

    def __str__(self) -> str:
        at = "" if self.gap is None else f", gap {self.gap}"
        return f"{self.entry.name}{at}, seed {self.seed}"

    def context(self, *more: str) -> click.Context:
        """The train command with these options.

        Raises:
            BadInput: it does not take them.
        """
        command = train_command(self.dataset, self.entry.model, lambda _: None)
        place = ["--model", self.entry.model.name, "--seed", str(self.seed), "--out", str(self.folder)]
        try:
            return command.make_context("seqapp compare", [*self.options, *place, *more])
        except click.UsageError as error:
            raise BadInput(f"{self.entry.name}: {error.format_message()}") from None

    def run(self) -> Run:
        """Train it; where it is there, go on with it or use it. One that diverges counts with its last good weights."""
        more = []
        if self.is_there():
            self.refuse_another(read_data=True)
            if open_run(self.folder).record.get("diverged"):
                return open_run(self.folder)
            begun = open_run(self.folder).record.get("finished") or any((self.folder / "checkpoints").glob("*.npz"))
            more = ["--resume" if begun else "--force"]  # killed before its first checkpoint: nothing is lost
        try:
            with self.context(*more) as context:  # not `main`, which makes another error of an interruption
                context.command.invoke(context)
        except WorkFailed as error:
            click.echo(f"Note: {error}", err=True)
            with (self.folder / "history.csv").open(newline="", encoding="utf-8") as rows:
                seconds = [float(row["seconds"]) for row in csv.DictReader(rows)]
            return open_run(self.folder).update(diverged=True, seconds=seconds[-1])
        return open_run(self.folder)

    def is_there(self) -> bool:
        """Whether there is a run to go on with."""
        return "--force" not in self.options and (self.folder / "run.json").is_file()

    def refuse_another(self, read_data: bool = False) -> None:
        """Refuse to take a run for this one that was trained with other options, given or by default.

        Raises:
            BadInput: it was. Options that are left to the data are compared only with `read_data`.
        """
        run, asked = open_run(self.folder), self._recipe()
        left = {name for name in asked.dataset.defaults if (asked.network | asked.training)[name] is None}
        if left and read_data:
            asked, left = asked.resolved(run.load_dataset()), set()
        known, given = (dict(ChainMap(*groups.values())) for groups in (run.record["options"], asked.options()))
        for name, value in given.items():
            if name not in left and name in known and json.loads(json.dumps(value)) != known[name]:
                option = f"--{name.replace('_', '-')}"
                raise BadInput(
                    f"{self.folder} was trained with {option} {known[name]}, not with {option} {value}. "
                    "Use --force to train all anew, or --out for another folder."
                )

    def _recipe(self) -> Recipe:
        declared = (self.dataset.module.load, self.entry.model.module.layer)
        own = ([str(option.name) for option in rooms.options(function)] for function in declared)
        values = self.context().params
        general = ([option.name for option in options_of(kind)] for kind in (NetworkOptions, TrainingOptions))
        groups = ({name: values[name] for name in names} for names in (*own, *general))
        return Recipe(self.dataset, self.entry.model, *groups)
