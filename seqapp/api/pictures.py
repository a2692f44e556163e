"""Pictures of a run, in its report/ folder as PNG and SVG: readable in black and white, nothing opened."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seqapp.contract import Baseline, Dataset
from seqapp.contract.head import Predictions
from seqapp.errors import BadInput
from seqapp.runs.run import Run
from seqapp.system.files import publish

Draw = Callable[[Any], None]  # draws on matplotlib's Axes; for `written` on its Figure
KINDS = ("png", "svg")
LINES = (("black", "-"), ("black", "--"), ("dimgrey", ":"), ("dimgrey", "-."), ("darkgrey", "-"), ("darkgrey", "--"))


def report(run: Run, dataset: Dataset, said: Predictions, baselines: Mapping[str, Baseline]) -> list[Path]:
    """Draw the learning curve and what the dataset has to show; return the files."""
    drawn: dict[str, Draw] = {"learning_curve": functools.partial(learning_curve, run.folder / "history.csv")}
    drawn |= dataset.pictures(run.model, said, baselines)
    folder = run.folder / "report"
    return [file for name, draw in drawn.items() for file in written(folder / name, functools.partial(_on_axes, draw))]


def written(base: Path, draw: Draw, size: tuple[float, float] = (8, 4.5)) -> list[Path]:
    """What `draw` draws on a Figure of `size`, width and height in inches, as `base`.png and `base`.svg.

    Letters stay letters in the SVG, so that it is small and can be searched.

    Raises:
        BadInput: the files cannot be written there.
    """
    import matplotlib
    from matplotlib.figure import Figure

    stem = base.stem if base.suffix.lower().lstrip(".") in KINDS else base.name
    files = [base.with_name(f"{stem}.{kind}") for kind in KINDS]
    with matplotlib.rc_context({"svg.hashsalt": "seqapp", "svg.fonttype": "none"}):  # the same picture is the same file
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        for file in files:
            dated = {"Date": None} if file.suffix == ".svg" else {}
            try:
                publish(file, lambda path, dated=dated: figure.savefig(path, dpi=150, metadata=dated))  # type: ignore[misc]
            except OSError as error:
                raise BadInput(f"{file}: cannot be written: {error.strerror}.") from None
    return files


def plain_axes(figure: Any) -> Any:
    """One Axes that fills a Figure, without a frame above and on the right."""
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return axes


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
