"""Several models on one dataset, each trained with several seeds, measured on the same test split."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from seqapp import rooms
from seqapp.contract import HIGHER_IS_BETTER
from seqapp.runs import Run, open_run
from seqapp.train_command import train_command
from seqapp.verdict import SIGNIFICANT, listed


@dataclass(frozen=True)
class Comparison:
    """What to train: `options` are those of the train command."""

    dataset: str
    models: list[str]
    seeds: list[int]
    out: str | None
    options: list[str]

    def _command(self, model: str) -> click.Command:
        return train_command(rooms.find("datasets", self.dataset), rooms.find("models", model), lambda _: None)

    def _folder(self, model: str, seed: int) -> Path:
        parent = Path(self.out or f"runs/compare-{Path(self.dataset).stem}")
        return parent / f"{Path(model).stem}-{seed}"

    def check(self) -> None:
        """Refuse wrong options before anything is trained."""
        for model in self.models:
            self._command(model).make_context("seqapp compare", list(self.options))

    def run(self) -> dict[str, Any]:
        """Train what is not there yet, evaluate all, and say which is better."""
        from seqapp.evaluation import evaluate

        names: list[str] = []
        runs, baselines = [], {}
        for seed in self.seeds:
            for model in self.models:
                run = self._trained(model, seed)
                document, record = evaluate(run), run.record
                baselines, names = document["baselines"], names or _judged(run)
                runs.append({"model": model, "seed": seed, "run": document["run"], "parameters": record["parameters"],
                             "seconds": record["seconds"], "metrics": document["metrics"]})  # fmt: skip
        said = " ".join(standing(name, values(runs, name)) for name in names)
        return {"dataset": self.dataset, "judged_by": names, "runs": runs, "baselines": baselines, "verdict": said}

    def _trained(self, model: str, seed: int) -> Run:
        folder = self._folder(model, seed)
        there = (folder / "run.json").is_file() and "--force" not in self.options
        arguments = ["--model", model, "--seed", str(seed), "--out", str(folder), *(["--resume"] if there else [])]
        click.echo(f"{model}, seed {seed}", err=True)
        self._command(model).main([*self.options, *arguments], standalone_mode=False)
        return open_run(folder)


def _judged(run: Run) -> list[str]:
    """The metrics that the verdict on a run is about."""
    dataset = run.load_dataset()
    cases = [dataset.cases(baseline.predictions) for baseline in dataset.baselines().values()]
    return list(dict.fromkeys(name for one in cases for name in one))


def values(runs: list[dict[str, Any]], name: str) -> dict[str, list[float]]:
    """A metric's value with each seed, by model."""
    found: dict[str, list[float]] = {}
    for run in runs:
        found.setdefault(run["model"], []).append(run["metrics"][name])
    return found


def standing(name: str, found: dict[str, list[float]]) -> str:
    """Which model is best by a metric, and which others are not surely worse (Welch's t-test over the seeds, 5 %)."""
    from scipy.stats import ttest_ind

    means = {model: statistics.fmean(each) for model, each in found.items()}
    best, *others = sorted(means, key=lambda model: means[model], reverse=name in HIGHER_IS_BETTER)
    if not others:
        return f"By {name}: {best} {means[best]:.4g}."
    if len(found[best]) < 2:
        return f"By {name}: {best} is best with this seed; one seed does not say which model is better."
    alike = [
        model
        for model in others
        if found[model] == found[best] or not ttest_ind(found[best], found[model], equal_var=False).pvalue < SIGNIFICANT
    ]
    parts = []
    if surely := [model for model in others if model not in alike]:
        parts.append(f"better than {listed(surely, 'and')}")
    if alike:
        parts.append(f"but {listed(alike, 'and')} may be as good: seeds differ as much")
    return f"By {name}: {best} is best in the mean, {', '.join(parts)}."


def for_a_person(document: dict[str, Any]) -> str:
    """A row for each run, each model's mean and deviation, each baseline, and the verdict."""
    import pandas as pd

    names, rows = document["judged_by"], []
    for run in document["runs"]:
        metrics = {name: f"{run['metrics'][name]:.4g}" for name in names}
        rows.append({"model": run["model"], "seed": str(run["seed"]), "parameters": f"{run['parameters']:,}",
                     "seconds": f"{run['seconds']:.0f}"} | metrics)  # fmt: skip
    if len({run["seed"] for run in document["runs"]}) > 1:
        for model in dict.fromkeys(run["model"] for run in document["runs"]):
            each = {name: values(document["runs"], name)[model] for name in names}
            metrics = {name: f"{statistics.fmean(of):.4g} ± {statistics.stdev(of):.2g}" for name, of in each.items()}
            rows.append({"model": model, "seed": "mean"} | metrics)
    for baseline, found in document["baselines"].items():
        rows.append({"model": baseline} | {name: f"{found[name]:.4g}" for name in names if name in found})
    table = pd.DataFrame(rows).fillna("").to_string(index=False)
    return f"{document['dataset']}, test split\n\n{table}\n\n{document['verdict'].replace('. ', '.' + chr(10))}"
