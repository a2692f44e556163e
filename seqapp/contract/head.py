"""Define what a network predicts: a head brings its own layer, loss and record.

A record holds the scored cases of a split as NumPy arrays. Baselines give the same records, so that model and baselines
are measured by the same code.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from seqapp.contract.batch import Encoded, Tensor
from seqapp.contract.metric import Surprise
from seqapp.contract.options import NetworkOptions
from seqapp.contract.sampler import Sampler

R = TypeVar("R")


class Head(Protocol[R]):
    """What is predicted; implementations are frozen dataclasses of JSON values (seqapp/heads)."""

    @property
    def loss_unit(self) -> str:
        """What `loss` is measured in, such as "nats"."""

    @property
    def units(self) -> int:
        """Width of the last layer."""

    def targets(self) -> Any:
        """The tf.TensorSpec of targets: `(batch, steps, …)`, or `(batch, …)` for a whole sequence."""

    def layer(self, options: NetworkOptions, reader: Any) -> Any:
        """The Keras layer from hidden states to outputs.

        Args:
            options: the network's options.
            reader: the layer that reads the inputs, for outputs tied to it; None if there is none.

        Raises:
            BadInput: the options ask for what this head cannot do.
        """

    def loss(self, targets: Tensor, hidden: Tensor, layer: Any, encoded: Encoded, training: bool) -> Tensor:
        """The loss of each case, in the shape of the weights.

        Args:
            targets: as `targets()` says.
            hidden: hidden states `(batch, steps, units)`.
            layer: the Keras layer that `layer` made.
            encoded: what the network read.
            training: whether it is trained, or measured.
        """

    def summary(self, targets: Tensor, hidden: Tensor, layer: Any, encoded: Encoded) -> dict[str, Tensor]:
        """What evaluation keeps of each case: small tensors that lead with the axes of the weights."""

    def record(self, **summaries: NDArray[Any]) -> R:
        """The record of all scored cases, from what `summary` kept of them."""

    def sample(self, hidden: Tensor, layer: Any, sampler: Sampler) -> Tensor:
        """Draw the next step's input from the last hidden state.

        Args:
            hidden: `(batch, units)`.
            layer: the Keras layer that `layer` made.
            sampler: what is drawn with.

        Returns:
            `(batch, …)`, one step of the network's input.
        """

    def surprise(self, record: R) -> Surprise | None:
        """How surprising each scored case was; None if the head has no measure of it."""

    def fault(self, targets: NDArray[Any]) -> tuple[str, str] | None:
        """Return what was expected and the actual value, if targets are outside their range; else None."""
