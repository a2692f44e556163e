"""Progress on stderr: a moving bar on a terminal, a plain line per epoch elsewhere, no control code in a file."""

from __future__ import annotations

import math
import sys
from types import TracebackType
from typing import Protocol, Self

import click


class Report(Protocol):
    """Receives the progress of a training run."""

    def note(self, text: str) -> None:
        """Something was decided."""

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """A step is done."""

    def epoch(self, row: dict[str, float], epochs: int) -> None:
        """An epoch is done and validated."""


class Progress:
    """A training's `Report`, used as a context manager."""

    def __init__(self) -> None:
        self.bar = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as Bar

            self.bar = Bar(console=Console(stderr=True), transient=True)
            self.task = self.bar.add_task("training", total=None)

    def __enter__(self) -> Self:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar:
            self.bar.stop()

    def note(self, text: str) -> None:
        """Print it."""
        self.bar.console.print(text, highlight=False) if self.bar else click.echo(text, err=True)

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """Move the bar."""
        if self.bar:
            self.bar.update(self.task, description=f"epoch {epoch}  loss {loss:.4f}", completed=step, total=steps)

    def epoch(self, row: dict[str, float], epochs: int) -> None:
        """Print the epoch's line."""
        train = "" if math.isnan(row["train_loss"]) else f"  train loss {row['train_loss']:.4f}"
        line = f"epoch {row['epoch']:.0f}/{epochs}{train}  validation loss {row['validation_loss']:.4f}"
        line += f"  {row['seconds']:.1f} s"
        self.bar.console.print(line, highlight=False) if self.bar else click.echo(line, err=True)
