"""Check a dataset and a network against the contract before training, on the dataset's own data.

Checks types, shapes and ranges of the examples, the way from raw question to answer and to the next question, that the
network does not look ahead, and that its weights survive saving. Whether an input gives away its own target cannot be
checked.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import SPLITS, Batch, Dataset, Encoded, Network, Raw, Task
from seqapp.errors import BadInput
from seqapp.runs.run import load_weights
from seqapp.saved_model.functions import functions
from seqapp.system.tensorflow import tf

SAMPLE = 256  # examples of each split that are looked at
ROWS, STEPS = 4, 8  # of random sequences


def check_dataset(dataset: Any) -> None:
    """Check what `load` returned.

    Raises:
        BadInput: it lacks something, or its examples are not as the contract says.
    """
    _expect(isinstance(dataset, Dataset), "load", "a seqapp.contract.Dataset", type(dataset).__name__)
    for name in ("task", "data", "split", "latest"):
        _expect(hasattr(dataset, name), f"the dataset's `{name}`", "an attribute", "none")
    _check_task(dataset.task)
    keys = {"sha256", "rows", "source"}
    _expect(keys <= dataset.data.keys(), "`data`", "sha256, rows and source", ", ".join(dataset.data))
    _expect(set(SPLITS) <= dataset.split.keys(), "`split`", ", ".join(SPLITS), ", ".join(dataset.split))
    inputs = dataset.task.signature().keys()
    expected = f"the inputs of the signature, {_named(inputs)}"
    _expect(dataset.latest.keys() >= inputs, "`latest`", expected, _named(dataset.latest))
    for split in SPLITS:
        examples = dataset.examples(split)
        _expect(examples.count > 0, f"examples('{split}')", "at least one example", "none")
        _check_batch(dataset.task, f"examples('{split}')", examples.first(SAMPLE))


def _check_task(task: Task) -> None:
    _expect(dataclasses.is_dataclass(task), "Task", "a frozen dataclass (@dataclass(frozen=True))", "a plain class")
    try:
        same = type(task).restore(json.loads(json.dumps(task.state()))) == task
    except TypeError as error:
        raise BadInput(
            f"the Task's fields: expected numbers, text and lists of them, as run.json keeps them: {error}."
        ) from None
    _expect(same, "the Task's fields", "values that survive JSON (tuples, not arrays or lists)", "others")


def _check_batch(task: Task, where: str, batch: Batch) -> None:
    rows, steps = len(batch.inputs), batch.inputs.shape[1]
    _check_values(f"{where}, inputs", batch.inputs, task.inputs.spec(), task.inputs.fault)
    _expect(
        batch.context.keys() == task.context.keys(), f"{where}, context", _named(task.context), _named(batch.context)
    )
    for name, feature in task.context.items():
        _check_values(f"{where}, context '{name}'", batch.context[name], feature.spec(), feature.fault)
    targets = task.head.targets()
    per_step = targets.shape.rank > 1 and targets.shape[1] is None and batch.weights.ndim == 2
    shape = (rows, steps) if per_step else (rows,)
    _expect(batch.weights.shape == shape, f"{where}, weights", f"shape {shape}", str(batch.weights.shape))
    positive = bool((batch.weights >= 0).all() and batch.weights.sum() > 0)
    _expect(positive, f"{where}, weights", "some above 0, none below", "others")
    wanted = (*shape, *targets.shape[len(shape) :])
    fits = batch.targets.ndim == len(wanted) and all(
        size in (None, actual) for size, actual in zip(wanted, batch.targets.shape, strict=True)
    )
    _expect(fits, f"{where}, targets", f"shape {wanted}", str(batch.targets.shape))
    _check_fault(f"{where}, targets", task.head.fault(batch.targets))
    for name, lengths in batch.lengths.items():
        _expect(lengths.shape == (rows,), f"{where}, lengths '{name}'", f"shape ({rows},)", str(lengths.shape))


def _check_values(
    where: str, values: NDArray[Any], spec: Any, fault: Callable[[NDArray[Any]], tuple[str, str] | None]
) -> None:
    axes = ", ".join(["batch", *("steps" if size is None else str(size) for size in spec.shape[1:])])
    _expect(spec.shape.is_compatible_with(values.shape), where, f"shape ({axes})", str(values.shape))
    _expect(values.dtype == spec.dtype.name, where, spec.dtype.name, str(values.dtype))
    _check_fault(where, fault(values))


def _check_fault(where: str, fault: tuple[str, str] | None) -> None:
    if fault:
        _expect(False, where, *fault)


def check_answers(dataset: Dataset[Any], network: Network) -> None:
    """Ask what comes after the last row, describe the answer, generate from it; twice in a batch gives it twice.

    Raises:
        BadInput: a member returns something else than the contract says.
    """
    task = dataset.task
    ask = functions(task, network)["serving_default"]
    raw = {name: np.asarray(value) for name, value in dataset.latest.items()}
    inputs = {name: raw[name] for name in task.signature()}
    answer = check_answer(ask, inputs)
    twice = {name: np.repeat(value, 2, 0) for name, value in inputs.items()}
    for name, value in check_answer(ask, twice).items():
        _expect(value.shape[:1] == (2,), f"answer, '{name}'", "2 rows for two questions", f"shape {value.shape}")
    beside = {name: value for name, value in raw.items() if name not in inputs}
    task.describe({name: value[0] for name, value in (answer | beside).items()})
    task.check_generation(ask, raw)


def check_answer(ask: Callable[..., Raw], raw: Raw) -> Raw:
    """Ask, and check that the answer is named tensors with a batch axis.

    Raises:
        BadInput: it is not.
    """
    answer = ask(**raw)
    _expect(len(answer) > 0, "answer", "named tensors", "none")
    for name, value in answer.items():
        _expect(getattr(value, "ndim", 0) > 0, f"answer, '{name}'", "a leading batch axis", "a single value")
    return answer


def check_causal(network: Network, task: Task) -> None:
    """Check that hidden states do not depend on later inputs: they would see what is to be predicted.

    Raises:
        BadInput: those of the first steps change when only later inputs do.
    """
    random = np.random.default_rng(0)
    encoded = random_inputs(task, ROWS, STEPS, random)
    later = task.inputs.random_values(ROWS, STEPS, random)[:, STEPS // 2 :]
    other = encoded._replace(inputs=tf.concat([encoded.inputs[:, : STEPS // 2], later], 1))
    before, after = (network(each)[:, : STEPS // 2].numpy() for each in (encoded, other))
    if not np.allclose(before, after, atol=1e-5):
        raise BadInput(
            "the model looks ahead: its outputs at a step change when only later inputs do, so it would see what it is "
            "to predict. Build it without Bidirectional and go_backwards."
        )


def check_weights(task: Task, build: Callable[[], Network]) -> None:
    """Save the weights of a new network and read them into another: what cannot be loaded is not worth training.

    Raises:
        BadInput: the model's layer keeps weights that Keras does not find again.
    """
    saved, other = build(), build()
    saved(random_inputs(task, 1, 2, np.random.default_rng(0)))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        saved.model.save(file)
        try:
            load_weights(other, file)
        except BadInput as error:
            raise BadInput(
                "the model's weights cannot be read back. Give a cell that holds other layers a "
                f"`build(self, input_shape)` that builds them. Keras says: {str(error).partition('network: ')[2]}"
            ) from None


def random_inputs(task: Task, batch: int, steps: int, random: np.random.Generator) -> Encoded:
    """Plausible inputs and context of a task."""
    context = {name: tf.constant(feature.random_values(batch, steps, random)) for name, feature in task.context.items()}
    return Encoded(tf.constant(task.inputs.random_values(batch, steps, random)), context)


def _named(names: Any) -> str:
    return ", ".join(names) or "none"


def _expect(holds: bool, where: str, expected: str, actual: str) -> None:
    if not holds:
        raise BadInput(f"{where}: expected {expected}, got {actual}. datasets/README.md says what a dataset gives.")
