"""Several models on one dataset, each trained with several seeds, measured on the same test split.

seqapp/api/entries.py is what is trained; seqapp/evaluation/comparison_table.py formats the results.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from seqapp.api.entries import PLACE, Entry, Parse, Training
from seqapp.api.evaluate import Evaluation, evaluate
from seqapp.errors import BadInput
from seqapp.evaluation.ranking import mean_baselines, summaries, verdict
from seqapp.evaluation.verdict import enumerated
from seqapp.rooms import Room
from seqapp.runs.run import Run
from seqapp.system.tensorflow import start_tensorflow

Measured = tuple[Training, Run, Evaluation]


@dataclass(frozen=True)
class Comparison:
    """What to train: each entry at each gap, if there are any, with each seed; `options` are for all."""

    dataset: Room
    entries: list[Entry]
    seeds: list[int]
    gaps: list[int]
    out: str | None
    options: list[str]
    parse: Parse

    def training_runs(self) -> Iterator[Training]:
        """All of them, those of the first seed first."""
        parent = Path(self.out or f"runs/compare-{self.dataset.name}")
        gaps: list[int | None] = [*self.gaps] or [None]
        for seed, gap, entry in itertools.product(self.seeds, gaps, self.entries):
            folder = parent / f"{entry.slug}{'' if gap is None else f'-gap{gap}'}-{seed}"
            words = [*self.options, *([] if gap is None else ["--gap", PLACE]), *entry.options]
            options = tuple(words if gap is None else [word.replace(PLACE, str(gap)) for word in words])
            yield Training(self.dataset, entry, gap, seed, folder, options, self.parse)

    def check(self) -> None:
        """Refuse wrong options before anything is trained.

        Raises:
            BadInput: the first that is wrong.
        """
        self._check_gaps()
        folders: dict[Path, Training] = {}
        for training in self.training_runs():
            training.recipe()
            other = folders.setdefault(training.folder, training)
            if other is not training:
                raise BadInput(
                    f"--models: '{other.entry.name}' and '{training.entry.name}' would both be trained in "
                    f"{training.folder}. Compare them in two calls, each with its --out."
                )
            if training.exists():
                training.refuse_different()

    def _check_gaps(self) -> None:
        declared = [option.flag for option in self.dataset.options]
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
        start_tensorflow()
        planned = list(self.training_runs())
        measured: list[Measured] = []
        try:
            for number, training in enumerate(planned, start=1):
                click.echo(f"{training} ({number} of {len(planned)})", err=True)
                run = training.run()
                measured.append((training, run, evaluate(run)))
        except KeyboardInterrupt:
            suffix = " without --force" if "--force" in self.options else ""
            raise KeyboardInterrupt(f"Run the same command{suffix}{'' if suffix else ' again'} to continue.") from None
        return self._document(measured)

    def _document(self, measured: list[Measured]) -> dict[str, Any]:
        """Return the results as --json shows them."""
        rows, judged = [_row(*one) for one in measured], measured[0][2].judged
        first = next(iter(judged))
        models = summaries(rows, first, judged[first])
        baselines = [
            (each.gap, evaluation.document["baselines"])
            for each, _, evaluation in measured
            if each.entry == self.entries[0]
        ]
        sentences = [verdict(models, judged, self.gaps), _elsewhere(measured), _diverged(rows)]
        return {
            "dataset": self.dataset.name,
            "judged_by": list(judged),
            "higher_is_better": judged,
            **({"gaps": self.gaps} if self.gaps else {}),
            "runs": rows,
            "models": models,
            "baselines": mean_baselines(baselines),
            "verdict": " ".join(filter(None, sentences)),
        }


def _row(training: Training, run: Run, evaluation: Evaluation) -> dict[str, Any]:
    """A run as --json shows it, without empty fields."""
    own = list(training.options[len(training.options) - len(training.entry.options) :])
    row = {"model": training.entry.name, "options": own or None, "seed": training.seed, "gap": training.gap}
    document = evaluation.document
    row |= {"run": document["run"], "parameters": run.record["parameters"], "seconds": run.record["seconds"]}
    row |= {"diverged": run.record.get("diverged")}
    row |= {"metrics": document["metrics"], "solved": evaluation.solved}
    return {name: value for name, value in row.items() if value is not None}


def _diverged(rows: list[dict[str, Any]]) -> str:
    """Return which training runs diverged, or an empty text."""
    seeds: dict[str, list[str]] = {}
    for row in (row for row in rows if row.get("diverged")):
        at = f"seed {row['seed']}" + (f" at gap {row['gap']}" if "gap" in row else "")
        seeds.setdefault(row["model"], []).append(at)
    listing = "; ".join(f"{model} with {enumerated(places, 'and')}" for model, places in seeds.items())
    return f"Diverged, and measured by the last good weights: {listing}." if listing else ""


def _elsewhere(measured: list[Measured]) -> str:
    """Options of an entry may change the data: which entries do not have the first one's test split, if any."""
    tests: dict[str, list[Any]] = {}
    for training, run, evaluation in measured:
        test = evaluation.document["split"].get("test")
        tests.setdefault(training.entry.name, []).append((run.record["data"]["sha256"], test))
    first, *others = tests
    names = [model for model in others if tests[model] != tests[first]]
    return f"Not measured on the same test data as {first}: {enumerated(names, 'and')}." if names else ""
