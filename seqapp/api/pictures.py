"""Pictures of a run, in its report/ folder as PNG and SVG: readable in black and white, nothing opened."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqapp.contract import Baseline, Dataset
from seqapp.evaluation.figures import LINES, Draw, plain_axes, save_figure
from seqapp.runs.run import Run


def report(run: Run, dataset: Dataset[Any], record: Any, baselines: Mapping[str, Baseline[Any]]) -> list[Path]:
    """Draw the learning curve and the dataset's own pictures; return the files."""
    pictures: dict[str, Draw] = {"learning_curve": functools.partial(learning_curve, run.folder / "history.csv")}
    pictures |= dataset.pictures(run.model, record, baselines)
    folder = run.folder / "report"
    return [
        file
        for name, draw in pictures.items()
        for file in save_figure(folder / name, functools.partial(_on_axes, draw))
    ]


def _on_axes(draw: Draw, figure: Any) -> None:
    draw(plain_axes(figure))


def learning_curve(history: Path, axes: Any) -> None:
    """Training and validation loss by epoch; the kept epoch marked."""
    with history.open(newline="", encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    epochs = [row["epoch"] for row in rows]
    for (name, label), (color, style) in zip(
        (("train_loss", "training (dropout on)"), ("validation_loss", "validation")), LINES, strict=False
    ):
        axes.plot(epochs, [row[name] for row in rows], style, color=color, label=label)
    best = min(rows, key=lambda row: row["validation_loss"])
    axes.plot(best["epoch"], best["validation_loss"], "o", color="black", label="kept")
    axes.set(xlabel="epoch", ylabel="loss")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
