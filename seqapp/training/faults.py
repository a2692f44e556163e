"""Faults in the middle of a training run, in words: data that is not finite, and errors where data is read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from seqapp.contract import Batch, Epoch
from seqapp.errors import WorkFailed
from seqapp.system.tensorflow import tf


def not_finite(batches: Iterable[Batch]) -> str | None:
    """Return the position of the first NaN or infinity, or None if all values are finite.

    Example: "the inputs hold nan (batch 3, row 17, step 5)", counted from 1
    """
    for number, batch in enumerate(batches, start=1):
        parts = {"inputs": batch.inputs, "targets": batch.targets, "weights": batch.weights, **batch.context}
        for name, part in parts.items():
            values = np.asarray(part)
            if values.dtype.kind != "f" or np.isfinite(values).all():
                continue
            place = np.argwhere(~np.isfinite(values))[0]
            where = ", ".join(f"{axis} {at + 1}" for axis, at in zip(("row", "step"), place.tolist(), strict=False))
            return f"the {name} hold {values[tuple(place)]} (batch {number}, {where})"
    return None


def weights_left(folder: Path) -> str:
    """Say whether the run folder has weights."""
    file = folder / "model.keras"
    return f"The last good weights are kept in {file}." if file.exists() else "There are no weights yet."


def check_score(loss: float, where: str, folder: Path, epoch: Epoch) -> None:
    """Raise if the validation loss is not finite.

    Raises:
        WorkFailed: with the position of the first NaN or infinity in the data, if there is one.
    """
    if not math.isfinite(loss):
        fault = not_finite(epoch.batches())
        raise WorkFailed(
            f"{where}: {fault or f'the loss is {loss}'}. {weights_left(folder)}{' Correct the data.' if fault else ''}"
        )


@contextmanager
def reading(where: str, folder: Path) -> Iterator[None]:
    """Say an error of TensorFlow, in which one of a dataset's own functions is wrapped, in one line.

    Raises:
        WorkFailed: with `where`, the error, and whether `folder` has weights.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise WorkFailed(f"{where}: not enough memory. {weights_left(folder)} Try a smaller --batch-size.") from error
    except tf.errors.OpError as error:
        raise WorkFailed(f"{where}: {_last_error(str(error))}. {weights_left(folder)}") from error


def _last_error(text: str) -> str:
    """The last words of an error that TensorFlow quotes with its traceback, and where in the user's file it was.

    Example: "/mine.py, line 9, in read: ValueError: no row 7"
    """
    errors = re.findall(r"^(?:.*\}\} )?(?:[\w.]+\.)?(\w+): (.+)$", text, re.MULTILINE)
    places = re.findall(r'^\s*File "([^"]+)", line (\d+), in (\w+)$', text, re.MULTILINE)
    own = [place for place in places if "/site-packages/" not in place[0]]
    at = "{}, line {}, in {}: ".format(*own[-1]) if own else ""
    message = next(
        (f"{kind}: {words}" for kind, words in errors if re.search("Error|Exception|Input|Failed", kind)), text
    )
    return at + message.strip().splitlines()[0].rstrip(".")[:500]
