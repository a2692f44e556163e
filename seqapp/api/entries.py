"""What `compare` trains: one model, possibly with options of its own, at one gap, if any, with one seed."""

from __future__ import annotations

import csv
import json
import re
import shlex
import sys
from collections import ChainMap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqapp import rooms
from seqapp.api import train
from seqapp.api.train import Recipe
from seqapp.errors import BadInput, WorkFailed
from seqapp.rooms import Room
from seqapp.runs.run import Run, open_run
from seqapp.system.locks import refuse_in_use
from seqapp.training.progress import Progress

Parse = Callable[[Room, Room, Sequence[str]], Recipe]  # what a train command's options would train
GENERAL = ("--model", "--seed", "--resume", "--force", "--out")  # never for one model alone
PLACE = "{gap}"  # where an option's value is the gap


@dataclass(frozen=True)
class Entry:
    """One entry of --models: a model, and options of its own. `name` is the entry as written."""

    name: str
    model: Room
    options: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Split an entry as a shell does: "lstm --chrono 200" -> lstm with ("--chrono", "200").

        Raises:
            BadInput: it is not a model with options, or an option is not allowed here.
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
    parse: Parse

    def __str__(self) -> str:
        gap = "" if self.gap is None else f", gap {self.gap}"
        return f"{self.entry.name}{gap}, seed {self.seed}"

    def recipe(self) -> Recipe:
        """Return what to train.

        Raises:
            BadInput: the train command does not take the options.
        """
        try:
            return self.parse(self.dataset, self.entry.model, [*self.options, "--seed", str(self.seed)])
        except BadInput as error:
            raise BadInput(f"{self.entry.name}: {error}") from None

    def run(self) -> Run:
        """Return the trained run: an existing one is used or continued; a diverged one has its last good weights."""
        resume = False
        if self.exists():
            self.refuse_different(read_data=True)
            record = open_run(self.folder).record
            if record.get("diverged"):
                return open_run(self.folder)
            resume = record.get("finished") or any((self.folder / "checkpoints").glob("*.npz"))
        refuse_in_use(self.folder)
        with Progress() as progress:
            try:
                return self._resume(progress) if resume else self._start(progress)
            except WorkFailed as error:
                progress.note(f"Note: {error}")
        with (self.folder / "history.csv").open(newline="", encoding="utf-8") as rows:
            seconds = [float(row["seconds"]) for row in csv.DictReader(rows)]
        return open_run(self.folder).update(diverged=True, seconds=seconds[-1])

    def _resume(self, progress: Progress) -> Run:
        return train.resume(self.folder, self.dataset, self.entry.model, {}, progress)

    def _start(self, progress: Progress) -> Run:
        force = "--force" in self.options or self.exists()  # a run without a checkpoint loses nothing
        return train.start(self.recipe(), self.folder, force, ["seqapp", *sys.argv[1:]], progress)

    def exists(self) -> bool:
        """Return whether there is a run to use or to continue."""
        return "--force" not in self.options and (self.folder / "run.json").is_file()

    def refuse_different(self, read_data: bool = False) -> None:
        """Raise if the existing run was trained with other options, requested or by default.

        Args:
            read_data: also compare the options that the data decides.

        Raises:
            BadInput: it was.
        """
        run, recipe = open_run(self.folder), self.recipe()
        by_data = {name for name in self.dataset.defaults if (recipe.network | recipe.training)[name] is None}
        if by_data and read_data:
            recipe, by_data = recipe.resolved(run.load_dataset()), set()
        known, requested = (dict(ChainMap(*groups.values())) for groups in (run.record["options"], recipe.options()))
        for name, value in requested.items():
            if name not in by_data and name in known and json.loads(json.dumps(value)) != known[name]:
                option = f"--{name.replace('_', '-')}"
                raise BadInput(
                    f"{self.folder} was trained with {option} {known[name]}, not with {option} {value}. "
                    "Use --force to train everything again, or --out for another folder."
                )
