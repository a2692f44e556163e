"""seqapp inspect RUN surprise: where the actual value was not what the network expected."""

from __future__ import annotations

import functools
import sys
from typing import Any

import click
import numpy as np

from seqapp.contract import BITS, Surprise
from seqapp.errors import BadInput
from seqapp.inspection._shades import coloured, page, visible
from seqapp.inspection._showing import CSV, JSON, TO, check_form, draw, show_csv, show_json
from seqapp.runs.run import Run, open_for_use
from seqapp.system.tensorflow import start_tensorflow

DEFAULT_STEPS = 400  # scored steps of the run's own test split
MAX_STEPS = 600  # steps that a picture shows one by one; of more, a running mean over RUNNING steps
RUNNING = 50
SHOWN, BEFORE = 10, 30  # of the most surprising steps, and characters before them
MAX_SIGMAS = 20.0  # sigmas that a picture shows at most


@click.command("surprise")
@click.argument("file", required=False)
@click.option("--tokens", metavar="N", type=click.IntRange(min=1), help="The first N scored steps only."
              f"  [default: {DEFAULT_STEPS} of categories in the run's own test split, else all]")  # fmt: skip
@TO
@JSON
@CSV
@click.pass_obj
def command(run: str, file: str | None, tokens: int | None, to: str | None, as_json: bool, as_csv: bool) -> None:
    """Where the actual value was not what the network expected.

    Over FILE (- for standard input), or over the test split of the run. Of categories, such as the tokens of a text:
    bits, -log2 of the probability of the actual one. Of numbers, one step ahead: (actual - median) / sigma, with sigma
    from the 80 % interval.
    """
    check_form(as_json, as_csv)
    opened = open_for_use(run)
    start_tensorflow()
    surprise = measure(opened, file, tokens)
    source = "standard input" if file == "-" else file or "test split"
    where = f"{opened.dataset} with {opened.model}, {source}"
    if as_json:
        show_json({"run": run, "dataset": opened.dataset, "model": opened.model, "source": source,
                   "unit": surprise.unit, "steps": len(surprise.labels), **summary(surprise),
                   "surprises": rows(surprise)})  # fmt: skip
    elif as_csv:
        show_csv(rows(surprise))
    elif surprise.texts and sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False, soft_wrap=True).print(coloured(surprise))
        click.echo(_title(surprise, where))
    else:
        click.echo(f"{_title(surprise, where)}\n\n{table(surprise)}")
    if surprise.texts and len(surprise.texts) <= MAX_STEPS:
        shaded = page(surprise)
        draw(opened, "surprise", to, shaded.draw, shaded.size)
    else:
        draw(opened, "surprise", to, functools.partial(picture, surprise))


def measure(run: Run, other: str | None, limit: int | None) -> Surprise:
    """The surprise over a run's test split, or over other data, of the first `limit` scored steps."""
    from seqapp.networks.over_split import predict

    dataset = run.load_dataset()
    dataset = dataset.with_test_data(other) if other else dataset
    default = None if other else DEFAULT_STEPS
    stop = (limit or default) if dataset.examples("test").carries_state else None  # a long text is not read to its end
    surprise = dataset.surprise(dataset.to_raw_units(predict(dataset, run.load_network(dataset.task), "test", stop)))
    if surprise is None:
        raise BadInput(f"surprise: the head of {run.dataset} has no measure of it.")
    return surprise.first(limit or (default if surprise.unit == BITS else None))


def summary(surprise: Surprise) -> dict[str, float]:
    """Mean and median of bits; of sigmas the shares within 1.28 and 2, of a normal distribution 80 and 95 %."""
    if surprise.unit == BITS:
        return {"mean": float(surprise.values.mean()), "median": float(np.median(surprise.values))}
    off = np.abs(surprise.values)
    return {"within_1.28": float((off <= 1.2816).mean()), "within_2": float((off <= 2).mean())}


def rows(surprise: Surprise) -> list[dict[str, Any]]:
    """Place, label, and the values by their unit, or by what was predicted side by side."""
    names = [surprise.unit] if len(surprise.tracks) == 1 else list(surprise.tracks)
    return [
        {"place": place, "label": label, **dict(zip(names, values, strict=True))}
        for place, (label, values) in enumerate(zip(surprise.labels, surprise.values.tolist(), strict=True), start=1)
    ]


def _title(surprise: Surprise, where: str) -> str:
    values = summary(surprise)
    if surprise.unit == BITS:
        return f"{where}: {len(surprise.labels)} steps, mean {values['mean']:.2f} bits, median {values['median']:.2f}"
    near, far = (f"{value:.1%}" for value in values.values())
    return f"{where}: {len(surprise.labels)} steps, {near} within 1.28 sigmas (80 % expected), {far} within 2 (95 %)"


def table(surprise: Surprise) -> str:
    """The most surprising steps, worst first."""
    import pandas as pd

    worst = np.argsort(-np.abs(surprise.values).max(1), kind="stable")[:SHOWN].tolist()
    every = rows(surprise)
    lines = pd.DataFrame([every[place] for place in worst])
    labels = [visible(label) for label in lines.pop("label")]
    if surprise.texts:
        texts = (visible("".join(surprise.texts[max(0, place - BEFORE) : place])) for place in worst)
        lines["after"] = [text[-BEFORE:] for text in texts]
    if labels != [str(place) for place in lines["place"]]:
        lines.insert(len(lines.columns) if surprise.texts else 1, "actual" if surprise.texts else "row", labels)
    return str(lines.to_string(index=False, float_format=lambda value: f"{value:.2f}"))


def picture(surprise: Surprise, figure: Any) -> None:
    """Bits or sigmas by step, one by one or as a running mean; of sigmas also where 80 % and 95 % end."""
    from seqapp.evaluation.figures import LINES, plain_axes

    axes, count, one = plain_axes(figure), len(surprise.labels), len(surprise.tracks) == 1
    steps, mean = np.arange(1, count + 1), surprise.unit == BITS and count > MAX_STEPS
    for track, (color, style) in zip(range(len(surprise.tracks)), LINES, strict=False):
        values = np.clip(surprise.values[:, track], -MAX_SIGMAS, None if surprise.unit == BITS else MAX_SIGMAS)
        if mean:
            running = np.convolve(values, np.full(RUNNING, 1 / RUNNING), "valid")
            axes.plot(steps[RUNNING - 1 :], running, color="black", lw=1)
        elif one and count <= MAX_STEPS:
            stems = np.stack([np.zeros(count), values, np.full(count, np.nan)], 1)
            axes.plot(np.repeat(steps, 3), stems.ravel(), color="black", lw=1)
        else:
            axes.plot(steps, values, style, color=color, lw=0.8, label=surprise.tracks[track])
    if surprise.unit != BITS:
        for at, style in ((1.2816, "--"), (2, ":")):
            axes.axhline(at, ls=style, color="dimgrey", lw=0.8)
            axes.axhline(-at, ls=style, color="dimgrey", lw=0.8)
        places = np.unique(np.linspace(0, count - 1, 5).astype(int))
        axes.set_xticks(steps[places], [surprise.labels[place].replace("T", "\n") for place in places])
    label = "bits" if surprise.unit == BITS else "(actual - median) / sigma"
    ylabel = f"{label}, mean of {RUNNING}" if mean else label
    axes.set(xlabel="step" if surprise.labels[0] == "1" else "", ylabel=ylabel)
    if not one:
        axes.legend(frameon=False)
