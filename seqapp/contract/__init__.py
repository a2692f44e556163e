"""The contract between a dataset and everything after it. What is not said here, the rest of seqapp does not know.

A dataset file defines `load(**options) -> Dataset` and a `Task`. The Task says what goes into the network, what comes
out and how that becomes an answer; it holds all that was fitted on the training split and is saved with the run. The
Dataset holds the data: windows of the three splits, baselines, metrics. Training and evaluation need both; predict,
generate and export need the Task alone.

All networks map a sequence to a sequence, `(batch, steps, ...)` -> `(batch, steps, head.units)`, and an output at a
step depends on that step and earlier ones only. Weights `(batch, steps)` say which steps count, so one shape serves
"predict at every step", "predict at the last step" and sequences of different lengths (padded on the right, weight 0).
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.features import Signature as Signature
from seqapp.contract.features import Tokens as Tokens
from seqapp.contract.features import Vectors as Vectors
from seqapp.contract.features import Windows as Windows
from seqapp.contract.head import Head, Predictions, Tensor
from seqapp.contract.request import Piece, Request
from seqapp.data.streams import Streams
from seqapp.errors import BadInput

if TYPE_CHECKING:
    from seqapp.heads.surprise import Surprise
    from seqapp.networks.stack import Network

Raw = dict[str, Any]  # what the user has, by input name; every array leads with the batch axis
HIGHER_IS_BETTER = frozenset({"accuracy", "exact_match", "direction_accuracy"})
SPLITS = ("train", "validation", "test")


class Task(abc.ABC):
    """What is asked and how it is answered. Subclasses are frozen dataclasses whose fields are JSON values."""

    calibration: ClassVar[tuple[str, ...]] = ()  # the fields that `Dataset.calibrated` sets after a training
    literal: ClassVar[bool] = False  # whether `predict RUN "…"` may take the input itself in place of a file
    separator: ClassVar[str] = " "  # stands between generated items
    at_end: ClassVar[bool] = False  # whether only the last step answers, of sequences as long as each other

    @property
    @abc.abstractmethod
    def inputs(self) -> Tokens | Vectors:
        """What the network reads."""

    @property
    @abc.abstractmethod
    def head(self) -> Head:
        """What the network predicts."""

    @abc.abstractmethod
    def signature(self) -> dict[str, Any]:
        """The raw inputs of the question: tf.TensorSpec by name, each with a leading batch axis."""

    @abc.abstractmethod
    def encode(self, raw: Raw) -> Tensor:
        """Raw inputs as what the network reads, with TensorFlow ops: the SavedModel carries them."""

    @abc.abstractmethod
    def answer(self, outputs: Tensor, raw: Raw) -> dict[str, Tensor]:
        """Network outputs `(batch, steps, units)` as named tensors in the user's words and units, batch first."""

    @abc.abstractmethod
    def read(self, text: str, source: str) -> Raw:
        """What a user typed, piped or keeps in a file (`source` names it in errors) as raw inputs, batch axis 1.

        Raises:
            BadInput: `text` is not what the task needs.
        """

    def decode(self, content: bytes, source: str) -> str:
        """A file's bytes as the text that `read` takes.

        Raises:
            BadInput: they are no text.
        """
        from seqapp.system.input import decode_text

        return decode_text(content, source, "text")

    @abc.abstractmethod
    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """Draw one item from the answer (temperature 0: the likeliest), append it: new raw inputs, item.

        `raw` and `answer` are NumPy arrays with a batch of one, text as str. An item of None ends the generation.
        """

    def remark(self, raw: Raw) -> str | None:
        """What a person should know about how a question was read, if anything."""
        return None

    def labels(self, raw: Raw) -> list[str]:
        """What stands at each step that `encode` makes of a question's first row, for pictures; none: numbers."""
        return []

    def assets(self) -> dict[str, bytes]:
        """Files that an exported model carries beside its signatures, by name."""
        return {}

    def examples(self, latest: Raw) -> dict[str, Raw]:
        """What signatures may be asked, by name, for a server and its page; `latest` asks what comes next."""
        return {"serving_default": latest}

    def describe(self, answer: Raw) -> str:
        """One answer (no batch axis) for a person, with what its question holds beside the signature's inputs."""
        return "\n".join(f"{name}: {' '.join(map(str, np.atleast_1d(value)))}" for name, value in answer.items())

    def signatures(self, network: Network) -> dict[str, Signature]:
        """All signatures of the SavedModel; `serving_default` answers the question."""
        return {
            "serving_default": Signature(self.signature(), lambda **raw: self.answer(network(self.encode(raw)), raw))
        }

    def generate(self, network: Network, raw: Raw, request: Request) -> Iterator[Piece]:
        """Go on from its own predictions, `request.steps` times for each sample; BadInput: it asks for too much."""
        from seqapp.generation.asking import generate

        return generate(self, network, raw, request)

    def state(self) -> dict[str, Any]:
        """All fields, as run.json keeps them."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]  # subclasses are dataclasses

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The task that `state` came from."""
        return cls(**{name: _frozen(value) for name, value in state.items()})


@dataclass(frozen=True)
class Baseline:
    """A sceptic's forecast of the same test steps. `description` completes "no better than …"."""

    predictions: Predictions
    description: str
    ceiling: bool = False  # the best that any model could do: not to be beaten but approached


class Dataset(abc.ABC):
    """The data of one task, split by time, and how predictions on its test split are measured."""

    task: Task
    data: Mapping[str, Any]  # sha256 of the source, rows, where it came from; `notes`, sentences for who trains on it
    split: Mapping[str, Any]  # which rows, dates or sequences each split holds
    latest: Raw  # raw inputs that ask what comes after the last row, batch axis 1
    overlap: int = 1  # so many test cases in a row see partly the same

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Values for the training options that the dataset file's DEFAULTS leave to the data, as None."""
        return {}

    @property
    def settled(self) -> Mapping[str, Any]:
        """Values that the dataset's own options came to where they were left to the data, as None."""
        return {}

    @abc.abstractmethod
    def windows(self, split: str) -> Windows | Streams:
        """Examples of "train", "validation" or "test". In validation and test each scored step is weighted once."""

    @abc.abstractmethod
    def baselines(self) -> dict[str, Baseline]:
        """Baselines by name, each over the test split's scored steps in the windows' order."""

    @abc.abstractmethod
    def metrics(self, predictions: Any) -> dict[str, float]:
        """Named metrics of predictions (the model's or a baseline's) over the test split's scored steps."""

    @abc.abstractmethod
    def cases(self, predictions: Any) -> dict[str, NDArray[Any]]:
        """For each metric that the verdict is about, its value for each test case in time order, `(cases,)`.

        The mean over the cases is the metric. Names in `HIGHER_IS_BETTER` are shares of successes; all others errors.
        """

    def predictions(self, network: Network, split: str) -> Any:
        """What the network says of a split, where that is more than its outputs there; else None."""
        return None

    def in_units(self, predictions: Any) -> Any:
        """The network's predictions on the test split in the form in which baselines come."""
        return predictions

    def calibrated(self, predicted: Callable[[str], Any]) -> Task:
        """The task, its `calibration` fitted to what the trained network says: `predicted(split)`, never of "test"."""
        return self.task

    def remarks(self, predictions: Any) -> list[str]:
        """Sentences on the model's test predictions that belong to the verdict."""
        return []

    def pictures(
        self, model: str, predictions: Any, baselines: Mapping[str, Baseline]
    ) -> dict[str, Callable[[Any], None]]:
        """Functions that draw on matplotlib's Axes, by the picture's name: `evaluate --plot` writes them."""
        return {}

    def surprise(self, predictions: Any) -> Surprise:
        """How surprising each scored step of the test split was, or the first ones, by what `in_units` gave."""
        from seqapp.heads.surprise import surprise

        return surprise(self.task.head, predictions)

    def on(self, source: str) -> Dataset:
        """The same task on other data of the same form, whole, as the test split.

        Raises:
            BadInput: the data is not usable, or this kind of dataset is measured on its own test split only.
        """
        raise BadInput("this dataset is measured on its own test split only: leave the file out.")

    def solved(self, metrics: Mapping[str, float]) -> bool | None:
        """Whether these test metrics mean that the task is learned, where that can be said at all."""
        return None

    def probes(self, functions: Mapping[str, Callable[..., Raw]]) -> dict[str, float]:
        """Further metrics that need the model itself, such as mistakes counted in generated text."""
        return {}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
