"""Define a model's inputs, its outputs, and their conversion from and to raw data."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from seqapp.contract.batch import Encoded, Tensor
from seqapp.contract.features import Feature
from seqapp.contract.head import Head
from seqapp.contract.network import Network
from seqapp.contract.options import NetworkOptions
from seqapp.contract.request import Piece, Request
from seqapp.errors import BadInput
from seqapp.system.input import decode_text

Raw = dict[str, Any]  # what the user has, by input name; every array leads with the batch axis


@dataclass(frozen=True)
class Signature:
    """A function of the SavedModel: `inputs` are tf.TensorSpec by name, `function(**raw)` gives tensors by name."""

    inputs: Mapping[str, Any]
    function: Callable[..., dict[str, Tensor]]


class Task(abc.ABC):
    """What is asked and how it is answered: enough to predict, generate and export.

    Subclasses are frozen dataclasses whose fields are JSON values, fitted on the training split and saved with the run.
    A task reads one stepped input and, if it needs one, a context that is read once before the first step.
    """

    calibration: ClassVar[tuple[str, ...]] = ()  # the fields that `Dataset.calibrated` sets after training
    literal: ClassVar[bool] = False  # whether `predict RUN "…"` may take the input itself instead of a file
    looks_ahead: ClassVar[bool] = False  # whether a network may read from the end; then causality is not checked

    @property
    @abc.abstractmethod
    def inputs(self) -> Feature:
        """What the network reads at each step."""

    @property
    def context(self) -> Mapping[str, Feature]:
        """What the network reads once before the first step, by name."""
        return {}

    @property
    @abc.abstractmethod
    def head(self) -> Head[Any]:
        """What the network predicts."""

    @abc.abstractmethod
    def signature(self) -> dict[str, Any]:
        """The raw inputs of the question: tf.TensorSpec by name, each with a leading batch axis."""

    @abc.abstractmethod
    def encode(self, raw: Raw) -> Encoded:
        """Convert raw inputs to what the network reads, with TensorFlow ops: the SavedModel carries them."""

    @abc.abstractmethod
    def answer(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Answer the question with TensorFlow ops: named tensors in the user's words and units, batch first."""

    @abc.abstractmethod
    def read(self, text: str, source: str) -> Raw:
        """Convert what a user typed, piped or keeps in a file to raw inputs, batch axis 1.

        Args:
            text: the input.
            source: its name in errors.

        Raises:
            BadInput: `text` is not what the task needs.
        """

    def network(self, layer: Callable[..., Any], options: NetworkOptions, seed: int) -> Network | None:
        """A network of the task's own wiring, of a model file's `layer(units, name)`; None: a stack."""
        return None

    def decode(self, content: bytes, source: str) -> str:
        """Decode a file's bytes to the text that `read` takes.

        Raises:
            BadInput: the bytes are not text.
        """
        return decode_text(content, source, "text")

    def generate(self, network: Network, raw: Raw, request: Request) -> Iterator[Piece]:
        """Continue a question from the network's own predictions, `request.steps` times for each sample.

        Raises:
            BadInput: this task does not generate, or the request asks for what it cannot do.
        """
        raise BadInput("this task answers questions and does not generate: use `seqapp predict`.")

    def remark(self, raw: Raw) -> str | None:
        """What a person should know about how a question was read, if anything."""
        return None

    def labels(self, raw: Raw) -> list[str]:
        """What stands at each step that `encode` makes of a question's first row, for pictures; empty: step numbers."""
        return []

    def assets(self) -> dict[str, bytes]:
        """Files that an exported model carries beside its signatures, by name."""
        return {}

    def example_requests(self, latest: Raw) -> dict[str, Raw]:
        """Requests for the signatures, by name, for a server and its page.

        Args:
            latest: asks what comes next, as `Dataset.latest`.
        """
        return {"serving_default": latest}

    def describe(self, answer: Raw) -> str:
        """Write one answer (no batch axis) for a person; it also holds what the question has beside the signature."""
        return "\n".join(f"{name}: {' '.join(map(str, np.atleast_1d(value)))}" for name, value in answer.items())

    def signatures(self, network: Network) -> dict[str, Signature]:
        """All signatures of the SavedModel; `serving_default` answers the question."""
        return {"serving_default": Signature(self.signature(), lambda **raw: self.answer(network, raw))}

    def check_generation(self, answer: Callable[..., Raw], raw: Raw) -> None:  # noqa: B027 # most have nothing to try
        """Try what `generate` needs, before anything is trained.

        Args:
            answer: the signature `serving_default`, on NumPy arrays.
            raw: `Dataset.latest` as NumPy arrays.

        Raises:
            BadInput: a member does not return what it should.
        """

    def state(self) -> dict[str, Any]:
        """All fields, as run.json keeps them."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]  # subclasses are dataclasses

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The task of a `state`."""
        return cls(**{name: _frozen(value) for name, value in state.items()})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
