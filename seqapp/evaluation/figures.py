"""Figures in one style: readable in black and white, the same picture gives the same file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqapp.errors import BadInput
from seqapp.system.files import publish

Draw = Callable[[Any], None]  # draws on matplotlib's Axes; for `save_figure` on its Figure
KINDS = ("png", "svg")
LINES = (("black", "-"), ("black", "--"), ("dimgrey", ":"), ("dimgrey", "-."), ("darkgrey", "-"), ("darkgrey", "--"))


def save_figure(base: Path, draw: Draw, size: tuple[float, float] = (8, 4.5)) -> list[Path]:
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
