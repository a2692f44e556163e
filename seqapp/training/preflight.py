"""Hold a dataset to the contract before anything is trained, once, on its own data: a fault is named where it is made.

Checks types, shapes and ranges of the windows, the whole way from raw question to answer and to the next question, and
that the weights survive saving. What cannot be checked is left out: whether an input gives its own target away.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seqapp.contract import SPLITS, Dataset, Raw, Task, Tokens, Windows
from seqapp.contract.head import Category
from seqapp.data.epochs import Epoch, batches
from seqapp.data.streams import Streams
from seqapp.errors import BadInput
from seqapp.networks.stack import Network
from seqapp.saved_model.functions import functions

SAMPLE = 256  # examples of each split that are looked at


def check_dataset(dataset: Any) -> None:
    """Refuse what `load` returned where it lacks something or its windows are not as the contract says.

    Raises:
        BadInput: with the member, what was expected and what came.
    """
    _expect(isinstance(dataset, Dataset), "load", "a seqapp.contract.Dataset", type(dataset).__name__)
    for name in ("task", "data", "split", "latest"):
        _expect(hasattr(dataset, name), f"the dataset's `{name}`", "an attribute", "none")
    task = dataset.task
    _expect(dataclasses.is_dataclass(task), "Task", "a frozen dataclass (@dataclass(frozen=True))", "a plain class")
    _expect(
        {"sha256", "rows", "source"} <= dataset.data.keys(),
        "`data`",
        "sha256, rows and source",
        ", ".join(dataset.data),
    )
    _expect(set(SPLITS) <= dataset.split.keys(), "`split`", ", ".join(SPLITS), ", ".join(dataset.split))
    asked = task.signature().keys()
    _expect(
        dataset.latest.keys() >= asked,
        "`latest`",
        f"the inputs of the signature, {_named(asked)}",
        _named(dataset.latest),
    )
    try:
        same = type(task).restore(json.loads(json.dumps(task.state()))) == task
    except TypeError as error:
        raise BadInput(
            f"the Task's fields: expected numbers, text and lists of them, as run.json keeps them: {error}."
        ) from None
    _expect(same, "the Task's fields", "values that survive JSON (tuples, not arrays or lists)", "others")
    for split in SPLITS:
        _check_windows(task, split, dataset.windows(split))


def _check_windows(task: Task, split: str, windows: Windows | Streams) -> None:
    where = f"windows('{split}')"
    _expect(windows.count > 0, where, "at least one example", "none")
    if isinstance(windows, Streams):
        made = Epoch(windows, SAMPLE, np.random.default_rng(0)).batches()
    else:
        made = batches(windows, np.unique(np.linspace(0, windows.count - 1, SAMPLE).astype(int)), SAMPLE)
    inputs, targets, weights = (part.numpy() for part in next(iter(made))[:3])
    size, tokens = task.inputs.size, isinstance(task.inputs, Tokens)
    axes = "(batch, steps)" if tokens else f"(batch, steps, {size})"
    fits = inputs.ndim == 2 if tokens else inputs.ndim == 3 and inputs.shape[2] == size
    _expect(fits, f"{where}, inputs", f"shape {axes}", str(inputs.shape))
    kind = "int32" if tokens else "float32"
    _expect(inputs.dtype == kind, f"{where}, inputs", kind, str(inputs.dtype))
    if tokens:
        _within(f"{where}, inputs", inputs, size)
    _expect(bool(np.isfinite(inputs).all()), f"{where}, inputs", "finite numbers", "NaN or infinity")
    _expect(weights.shape == inputs.shape[:2], f"{where}, weights", f"shape {inputs.shape[:2]}", str(weights.shape))
    _expect(bool((weights >= 0).all() and weights.sum() > 0), f"{where}, weights", "some above 0, none below", "others")
    wanted = inputs.shape[:2] if isinstance(task.head, Category) else (*inputs.shape[:2], task.head.horizon)
    _expect(targets.shape == wanted, f"{where}, targets", f"shape {wanted}", str(targets.shape))
    if isinstance(task.head, Category):
        _within(f"{where}, targets", targets, task.head.classes)


def check_answers(dataset: Dataset, network: Network) -> None:
    """Ask the question after the last row, answer it, describe it, go on from it; twice in a batch gives it twice.

    Raises:
        BadInput: a member gives something else than the contract says.
    """
    task = dataset.task
    ask = functions(task, network)["serving_default"]
    raw = {name: np.asarray(value) for name, value in dataset.latest.items()}
    asked = {name: raw[name] for name in task.signature()}
    answer = _answer(ask, asked)
    twice = {name: np.repeat(value, 2, 0) for name, value in asked.items()}
    for name, value in _answer(ask, twice).items():
        _expect(value.shape[:1] == (2,), f"answer, '{name}'", "2 rows for two questions", f"shape {value.shape}")
    beside = {name: value for name, value in raw.items() if name not in asked}
    task.describe({name: value[0] for name, value in (answer | beside).items()})
    if type(task).generate is not Task.generate:
        return
    extended = task.extend(raw, answer, 1.0, np.random.default_rng(0))
    pair = isinstance(extended, tuple) and len(extended) == 2
    _expect(pair, "extend", "the next raw inputs and the item", type(extended).__name__)
    _expect(extended[0].keys() == raw.keys(), "extend", f"raw inputs {_named(raw)}", _named(extended[0]))
    _answer(ask, {name: extended[0][name] for name in asked})


def check_weights(task: Task, build: Callable[[], Network]) -> None:
    """Save the weights of a new network and read them into another one: what cannot be loaded is not worth training.

    Raises:
        BadInput: the model's layer keeps weights that Keras does not find again.
    """
    import tensorflow as tf

    from seqapp.runs.run import load_weights

    saved, fresh = build(), build()
    saved(tf.zeros([1, 2], tf.int32) if isinstance(task.inputs, Tokens) else tf.zeros([1, 2, task.inputs.size]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        saved.model.save(file)
        try:
            load_weights(fresh, file)
        except BadInput as error:
            raise BadInput(
                "the model's weights cannot be read back. Give a cell that holds other layers a "
                f"`build(self, input_shape)` that builds them. Keras says: {str(error).partition('network: ')[2]}"
            ) from None


def _answer(ask: Callable[..., Raw], raw: Raw) -> Raw:
    answer = ask(**raw)
    _expect(len(answer) > 0, "answer", "named tensors", "none")
    for name, value in answer.items():
        _expect(getattr(value, "ndim", 0) > 0, f"answer, '{name}'", "a leading batch axis", "a single value")
    return answer


def _within(where: str, ids: Any, size: int) -> None:
    low, high = int(ids.min()), int(ids.max())
    _expect(low >= 0 and high < size, where, f"numbers from 0 to {size - 1}", f"{low} to {high}")


def _named(names: Any) -> str:
    return ", ".join(names) or "none"


def _expect(holds: bool, where: str, expected: str, came: str) -> None:
    if not holds:
        raise BadInput(f"{where}: expected {expected}, got {came}. datasets/README.md says what a dataset gives.")
