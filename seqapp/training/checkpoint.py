"""Checkpoints: everything a training run needs to continue as if it had never stopped, in one file of plain arrays."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seqapp.errors import BadInput
from seqapp.runs import archives, record
from seqapp.system.files import publish


@dataclass
class Position:
    """How far a training run is. Losses are sums over the steps of the running epoch, weighted."""

    epoch: int = 0
    step: int = 0  # steps done in this epoch
    loss: float = 0.0
    weight: float = 0.0
    first_loss: float | None = None
    best: float | None = None  # lowest validation loss so far
    waited: int = 0  # epochs since then
    seconds: float = 0.0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)

    def outcome(self, patience: int, stop_below: float) -> str:
        """Say which epoch's weights are the run's, and why training ended early."""
        if self.best is not None and self.best < stop_below:
            return f"validation loss below {stop_below:g}: stopped"
        if not self.waited:
            return ""
        best = self.history[self.epoch - self.waited]
        why = f"no better validation loss in {self.waited} epochs: stopped. " if self.waited >= patience else ""
        return f"{why}Kept the weights of epoch {best['epoch']}, validation loss {best['validation_loss']:.4f}"


def save(file: Path, variables: list[Any], position: Position) -> None:
    """Write variables (weights, dropout seeds, optimizer) and position, then rename to `file`."""
    arrays = {f"variable_{index}": variable.numpy() for index, variable in enumerate(variables)}
    text = np.frombuffer(json.dumps(dataclasses.asdict(position)).encode(), np.uint8)
    publish(file, lambda temporary: np.savez(temporary, position=text, **arrays))


def restore(file: Path, variables: list[Any]) -> Position:
    """Assign the saved values to `variables` and return the position.

    Raises:
        BadInput: the file is missing, damaged, or belongs to another network.
    """
    if not file.is_file():
        raise BadInput(f"{file}: no checkpoint to resume from. Train again with --force.")
    wanted = [(tuple(variable.shape), _kind(variable)) for variable in variables]
    try:
        text, arrays = archives.read_arrays(file, wanted)
        known = record.parse(text, float)  # a history begins with a loss of NaN: nothing was trained
        record.check_fields(file, "position", Position, known)
        position = Position(**known)
    except BadInput:
        raise
    except archives.DAMAGED as error:
        raise BadInput(f"{file}: damaged checkpoint ({error}). Train again with --force.") from None
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return position


def _kind(variable: Any) -> str:
    """The type of a variable's numbers, of Keras or of TensorFlow."""
    return str(getattr(variable.dtype, "name", variable.dtype))
