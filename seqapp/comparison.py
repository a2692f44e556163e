"""Several models on one dataset, each trained with several seeds, measured on the same test split.

Here is what is trained; seqapp/comparison_tables.py says what was found, and shows it.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections import ChainMap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from seqapp import rooms
from seqapp.comparison_tables import averaged, summaries, verdict
from seqapp.errors import BadInput
from seqapp.quiet import start_tensorflow
from seqapp.recipe import Recipe
from seqapp.rooms import Room
from seqapp.runs import Run, open_run
from seqapp.train_command import train_command
from seqapp.training_options import NETWORK, TRAINING
from seqapp.verdict import listed

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
        """Train it; where it is there, go on with it or use it."""
        more = []
        if self.is_there():
            self.refuse_another(read_data=True)
            begun = open_run(self.folder).record.get("finished") or any((self.folder / "checkpoints").glob("*.npz"))
            more = ["--resume" if begun else "--force"]  # killed before its first checkpoint: nothing is lost
        with self.context(*more) as context:  # not `main`, which makes another error of an interruption
            context.command.invoke(context)
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
        groups = ({name: values[name] for name in names} for names in (*own, NETWORK, TRAINING))
        return Recipe(self.dataset, self.entry.model, *groups)


@dataclass(frozen=True)
class Comparison:
    """What to train: each entry at each gap, if there are any, with each seed; `options` are for all."""

    dataset: Room
    entries: list[Entry]
    seeds: list[int]
    gaps: list[int]
    out: str | None
    options: list[str]

    def trainings(self) -> Iterator[Training]:
        """All of them, those of the first seed first."""
        parent = Path(self.out or f"runs/compare-{self.dataset.name}")
        gaps: list[int | None] = [*self.gaps] or [None]
        for seed, gap, entry in itertools.product(self.seeds, gaps, self.entries):
            folder = parent / f"{entry.slug}{'' if gap is None else f'-gap{gap}'}-{seed}"
            words = [*self.options, *([] if gap is None else ["--gap", PLACE]), *entry.options]
            options = tuple(words if gap is None else [word.replace(PLACE, str(gap)) for word in words])
            yield Training(self.dataset, entry, gap, seed, folder, options)

    def check(self) -> None:
        """Refuse wrong options before anything is trained.

        Raises:
            BadInput: the first that is wrong.
        """
        self._check_gaps()
        taken: dict[Path, Training] = {}
        for training in self.trainings():
            training.context()
            other = taken.setdefault(training.folder, training)
            if other is not training:
                raise BadInput(
                    f"--models: '{other.entry.name}' and '{training.entry.name}' would both be trained in "
                    f"{training.folder}. Compare them in two calls, each with its --out."
                )
            if training.is_there():
                training.refuse_another()

    def _check_gaps(self) -> None:
        declared = [name for option in rooms.options(self.dataset.module.load) for name in option.opts]
        words = [*self.options, *(word for entry in self.entries for word in entry.options)]
        if self.gaps and "--gap" not in declared:
            raise BadInput(f"--gaps: the dataset {self.dataset.name} has no option --gap.")
        if self.gaps and any(word.partition("=")[0] == "--gap" for word in words):
            raise BadInput("--gap: --gaps says at which gaps all models are trained. Leave --gap out.")
        if not self.gaps and any(PLACE in word for word in words):
            raise BadInput(f"{PLACE}: expected --gaps with the numbers to put there, such as --gaps 50,200,500.")

    def run(self) -> dict[str, Any]:
        """Train what is not there yet, evaluate all, and say which is better.

        Raises:
            KeyboardInterrupt: its text says how to go on.
        """
        from seqapp.evaluation import evaluate

        start_tensorflow()
        trainings, measured = list(self.trainings()), []
        try:
            for number, training in enumerate(trainings, start=1):
                click.echo(f"{training} ({number} of {len(trainings)})", err=True)
                run = training.run()
                measured.append((training, run, evaluate(run)))
        except KeyboardInterrupt:
            anew = " without --force" if "--force" in self.options else ""
            raise KeyboardInterrupt(f"The same command{anew} goes on from here.") from None
        rows, names = [_row(*one) for one in measured], _judged(measured[0][1])
        models = summaries(rows, names[0])
        said = [verdict(models, names, self.gaps), _elsewhere(measured)]
        found: dict[str, Any] = {"dataset": self.dataset.name, "judged_by": names}
        found |= {"gaps": self.gaps} if self.gaps else {}
        first = [(each.gap, document["baselines"]) for each, _, document in measured if each.entry == self.entries[0]]
        found |= {"runs": rows, "models": models, "baselines": averaged(first)}
        return found | {"verdict": " ".join(filter(None, said))}


def _row(training: Training, run: Run, document: dict[str, Any]) -> dict[str, Any]:
    """A run as --json shows it, without what there is nothing to say of."""
    own = list(training.options[len(training.options) - len(training.entry.options) :])
    row = {"model": training.entry.name, "options": own or None, "seed": training.seed, "gap": training.gap}
    row |= {"run": document["run"], "parameters": run.record["parameters"], "seconds": run.record["seconds"]}
    row |= {"metrics": document["metrics"], "solved": run.load_dataset().solved(document["metrics"])}
    return {name: value for name, value in row.items() if value is not None}


def _judged(run: Run) -> list[str]:
    """The metrics that the verdict on a run is about."""
    dataset = run.load_dataset()
    cases = [dataset.cases(baseline.predictions) for baseline in dataset.baselines().values()]
    return list(dict.fromkeys(name for one in cases for name in one))


def _elsewhere(measured: list[tuple[Training, Run, dict[str, Any]]]) -> str:
    """Options of an entry may change the data: which entries do not have the first one's test split, if any."""
    tests: dict[str, list[Any]] = {}
    for training, run, document in measured:
        tests.setdefault(training.entry.name, []).append((run.record["data"]["sha256"], document["split"].get("test")))
    first, *others = tests
    names = [model for model in others if tests[model] != tests[first]]
    return f"Not measured on the same test data as {first}: {listed(names, 'and')}." if names else ""
