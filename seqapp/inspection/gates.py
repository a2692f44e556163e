"""seqapp inspect RUN gates: every gate and every state of the recurrent layers while they read one sequence."""

from __future__ import annotations

import functools
from typing import Any

import click
import numpy as np

from seqapp.errors import BadInput
from seqapp.inspection._showing import CSV, JSON, TO, check_form, draw, show_csv
from seqapp.inspection._traces import Trace, holdings, openness
from seqapp.runs.run import open_for_use
from seqapp.system.tensorflow import start_tensorflow, tf
from seqapp.system.text import json_line

FEW = 60  # steps whose labels can be read beside each other
HEIGHT = 1.15  # inches of a gate
TANH_LIMIT = 1.001  # the largest output of tanh in float32, rounded up


@click.command("gates")
@click.argument("source", required=False, metavar="[FILE|-|INPUT]")
@click.option("--layer", type=click.IntRange(min=1), help="Which recurrent layer to draw.  [default: the last one]")
@click.option(
    "--steps", default=200, show_default=True, type=click.IntRange(min=1), help="Last steps to show, at most."
)
@click.option("--after", metavar="TOKEN", help="Say what units hold right after this token, not at all steps.")
@TO
@JSON
@CSV
@click.pass_obj
def command(run: str, /, source: str | None, as_json: bool, as_csv: bool, **options: Any) -> None:
    """Every gate and state of the recurrent layers while they read one sequence.

    Without a FILE or INPUT, the end of the run's own data. Units are sorted so that those that run alike lie side by
    side. The table says which unit tells best what stood a few steps before.
    """
    check_form(as_json, as_csv)
    opened = open_for_use(run)
    start_tensorflow()

    from seqapp.inspection._traces import traces
    from seqapp.runs.questions import question

    task = opened.task()
    raw = question(opened, task, source)
    asked_for = task.signature().items()
    encoded = task.encode({name: tf.constant(np.asarray(raw[name]), spec.dtype) for name, spec in asked_for})
    labels = task.labels(raw) or [str(step) for step in range(1, encoded.inputs.shape[1] + 1)]
    every = traces(opened.load_network(task), encoded)
    selected, after = _layer(every, options["layer"]), _after(options["after"], labels)
    start = max(0, len(labels) - options["steps"])
    if as_json:
        layers = [_document(trace, labels, after) for trace in every]
        named = {"run": run, "dataset": opened.dataset, "model": opened.model, "steps": labels, "layers": layers}
        click.echo(json_line(named))  # on one line: there are many numbers
    elif as_csv:
        show_csv(_rows(every, labels))
    else:
        click.echo(as_text(every, labels, after))
    names = [label.replace("$", r"\$") for label in labels[start:]]
    height = 0.7 + HEIGHT * len(selected.everything)
    draw(opened, "gates", options["to"], functools.partial(picture, selected, names, start), (8, height))


def _layer(traces: list[Trace], number: int | None) -> Trace:
    if number and number > len(traces):
        raise BadInput(f"--layer: expected a number from 1 to {len(traces)}, got {number}.")
    return traces[(number or len(traces)) - 1]


def _after(token: str | None, labels: list[str]) -> str | None:
    if token is not None and token not in labels:
        raise BadInput(
            f"--after: expected one of its tokens, got '{token}'; there are {', '.join(sorted(set(labels)))[:200]}."
        )
    return token


def _document(trace: Trace, labels: list[str], after: str | None) -> dict[str, Any]:
    values = {name: array.tolist() for name, array in trace.everything.items()}
    return {"layer": trace.layer, "class": trace.kind, "order": trace.order().tolist(), "values": values,
            "gates": openness(trace), "holds": holdings(trace, labels, after)}  # fmt: skip


def _rows(traces: list[Trace], labels: list[str]) -> list[dict[str, Any]]:
    return [
        {"step": step, "token": label, "layer": trace.layer, "name": name, "unit": unit, "value": float(value)}
        for trace in traces for name, values in trace.everything.items()
        for step, label in enumerate(labels) for unit, value in enumerate(values[step])
    ]  # fmt: skip


def as_text(traces: list[Trace], labels: list[str], after: str | None) -> str:
    """How far the gates are open, and what units hold."""
    import pandas as pd

    parts = []
    if gates := [row for trace in traces for row in openness(trace)]:
        table = pd.DataFrame(gates).rename(columns={"closed": "below 0.1", "open": "above 0.9"})
        parts.append(table.to_string(index=False, formatters={"mean": "{:.2f}".format} | dict.fromkeys(
            ("below 0.1", "above 0.9"), "{:.0%}".format)))  # fmt: skip
    units = [row for trace in traces for row in holdings(trace, labels, after)]
    if units:
        where = "" if after is None else f" right after {after!r}"
        parts.append(f"Which unit tells best what stood before{where}:")
        parts.append("\n".join(_describe_unit(row) for row in units))
    elif after is not None:
        parts.append(
            f"{after!r} does not stand there often enough to say what units hold after it: give a longer text."
        )
    return "\n\n".join(parts) or f"{len(labels)} steps; these layers have no gates."


def _describe_unit(row: dict[str, Any]) -> str:
    before = {0: "now", 1: "1 step before"}.get(row["lag"], f"{row['lag']} steps before")
    means = sorted(row["values"].items(), key=lambda pair: pair[1])
    visible = means if len(means) <= 6 else [*means[:3], ("…", None), *means[-3:]]
    means_text = ", ".join(label if mean is None else f"{label} {mean:+.2f}" for label, mean in visible)
    return f"{row['layer']}  {before:<14} unit {row['unit']:<4} {row['share']:4.0%} of its variance  ({means_text})"


def picture(trace: Trace, labels: list[str], start: int, figure: Any) -> None:
    """A map for each gate and state: units in their order over steps, gates from 0 to 1, states around 0."""
    order, maps = trace.order(), trace.everything
    every = figure.subplots(len(maps), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, values) in zip(every, maps.items(), strict=True):
        part = values[start:, order].T
        if name.endswith("gate"):
            _map(figure, axes, name, part, {"cmap": "Greys", "vmin": 0, "vmax": 1})
        elif np.abs(part).max() <= TANH_LIMIT:
            _map(figure, axes, name, part, {"cmap": "RdBu_r", "vmin": -1, "vmax": 1})
        else:  # what only counts up would leave all else pale
            spread = part.std(1, keepdims=True)
            part = (part - part.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1)
            _map(
                figure, axes, f"{name},\neach unit\nby its own\nspread", part, {"cmap": "RdBu_r", "vmin": -2, "vmax": 2}
            )
    if len(labels) <= FEW:
        every[-1].set_xticks(
            range(len(labels)), labels, rotation=90 if len(labels) * max(map(len, labels)) > FEW else 0
        )
    else:
        every[-1].set_xlabel("step")


def _map(figure: Any, axes: Any, name: str, part: Any, shades: dict[str, Any]) -> None:
    image = axes.imshow(part, aspect="auto", interpolation="none", **shades)
    axes.set_ylabel(name, rotation=0, ha="right", va="center")
    axes.set_yticks([])
    figure.colorbar(image, ax=axes, pad=0.01, ticks=sorted({0, shades["vmin"], shades["vmax"]}))
