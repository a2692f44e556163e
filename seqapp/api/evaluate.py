"""Evaluation: the test split, read once, for the model and for its baselines, by the same metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import click
import numpy as np

from seqapp.api.pictures import report
from seqapp.contract import Baseline, Dataset, Raw
from seqapp.contract.head import Predictions
from seqapp.data.streams import Streams
from seqapp.errors import BadInput
from seqapp.evaluation.verdict import verdict
from seqapp.networks.over_split import Scorer, scored
from seqapp.networks.stack import Network
from seqapp.runs.run import Run
from seqapp.saved_model.functions import functions
from seqapp.system.files import check_writable
from seqapp.system.input import read_input
from seqapp.system.locks import idle
from seqapp.system.text import publish_json

LONGEST, AT_ONCE = 100_000, 64  # characters of a line that is scored by itself, and such lines in a batch
ALONE = 200_000  # tokens of a test split that are read as one stream from beginning to end; beyond, side by side


def evaluate(run: Run, other: str | None = None, plot: bool = False) -> dict[str, Any]:
    """Measure a run on its test split, write metrics.json, and return the same document.

    With the path of `other` data, measure it on that, whole, and write nothing; with `plot` draw pictures too.
    """
    before = _state(run)
    if not other:
        check_writable(run.folder / "metrics.json")
    dataset = run.load_dataset()
    dataset = dataset.on(other) if other else dataset
    network = run.load_network(dataset.task)
    predicted = dataset.in_units(predictions(dataset, network, "test"))
    baselines = dataset.baselines()
    document = measured(run, dataset, predicted, baselines)
    document["metrics"] |= dataset.probes(functions(dataset.task, network))
    if not other:
        _keep(run, document, before)
    if plot:
        for file in report(run, dataset, predicted, baselines):
            click.echo(f"drawn: {file}", err=True)
    return document


def _keep(run: Run, document: dict[str, Any], before: list[tuple[int, int]]) -> None:
    """Write metrics.json, unless the run is no longer as it was `before`, or a training may change it any moment."""
    with idle(run.folder) as free:
        if free and _state(run) == before:
            publish_json(run.folder / "metrics.json", document)
            return
    click.echo("Note: its training has gone on meanwhile: this is not kept as metrics.json.", err=True)


def _state(run: Run) -> list[tuple[int, int]]:
    """What changes whenever a training writes."""
    about = [path.stat() for path in (run.folder / "run.json", run.weights) if path.is_file()]
    return [(one.st_ino, one.st_mtime_ns) for one in about]


def measured(run: Run, dataset: Dataset, predicted: Predictions, baselines: dict[str, Baseline]) -> dict[str, Any]:
    """What is said of predictions on the test split beside those of the baselines."""
    return {
        "dataset": run.dataset,
        "model": run.model,
        "run": str(run.folder),
        "split": dict(dataset.split),
        "metrics": dataset.metrics(predicted),
        "baselines": {name: dataset.metrics(baseline.predictions) for name, baseline in baselines.items()},
        "verdict": " ".join([verdict(dataset, predicted, baselines), *dataset.remarks(predicted)]),
    }


def by_line(run: Run, source: str) -> Iterator[dict[str, Any]]:
    """Score each line of a text by itself: `text`, `log_probability` in nats, `tokens` and `perplexity`.

    Raises:
        BadInput: the run is no language model, or a line is too long to be held.
    """
    task = run.task()
    network = run.load_network(task)
    if "score" not in task.signatures(network):
        raise BadInput("--per-line: only language models score lines.")
    content, name = read_input(source, "a text")
    lines = task.decode(content, name).splitlines()
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST:
            raise BadInput(
                f"{name}, line {number}: {len(line):,} characters; --per-line takes {LONGEST:,} at most. "
                "Leave --per-line out to score the file as one text."
            )
    if remark := task.remark({"text": np.array(lines, object)}):
        click.echo(f"Note: {remark}", err=True)
    score = functions(task, network, "score")["score"]
    for start in range(0, len(lines), AT_ONCE):
        yield from _scored(score, lines[start : start + AT_ONCE])


def _scored(score: Callable[..., Raw], lines: list[str]) -> Iterator[dict[str, Any]]:
    made = score(text=lines)
    for line, nats, tokens in zip(lines, made["log_probability"].tolist(), made["tokens"].tolist(), strict=True):
        perplexity = math.exp(-nats / tokens) if tokens else None
        yield {"text": line, "log_probability": nats, "tokens": tokens, "perplexity": perplexity}


def predictions(dataset: Dataset, network: Network, split: str, batch_size: int | None = None) -> Predictions:
    """The network's predictions at all scored steps of a split, in order; one stream alone while it is short."""
    own: Predictions | None = dataset.predictions(network, split)
    if own is not None:
        return own
    windows, head = dataset.windows(split), dataset.task.head
    alone = isinstance(windows, Streams) and windows.tokens <= ALONE
    scorer = Scorer(network, lambda targets, outputs, _: head.summary(targets, outputs))
    made = list(scorer.over(windows, batch_size or (1 if alone else 64)))
    summaries, weights = [summary for summary, _ in made], [weight for _, weight in made]
    return head.predictions(**scored(summaries, weights, isinstance(windows, Streams)))
