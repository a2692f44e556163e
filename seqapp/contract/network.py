"""Define what a task, the training loop and inspection may ask of any network."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from seqapp.contract.batch import Encoded, Tensor
from seqapp.system.tensorflow import tf


class State(NamedTuple):
    """What a network keeps between steps.

    Attributes:
        memory: what it made of the context before the first step, any nest of tensors; the same at every step.
        carried: what changes from step to step, any nest of tensors that lead with the batch axis. Only this is
            gathered, reset and checkpointed.
    """

    memory: Any
    carried: Any


class Network(Protocol):
    """Maps what was encoded to hidden states; causal unless the task looks ahead. Padding changes nothing."""

    model: Any  # a keras.Model with all weights
    head: Any  # what the task's head made: hidden states -> outputs

    @property
    def layers(self) -> list[Any]:
        """All Keras layers, each once."""

    @property
    def can_step(self) -> bool:
        """Whether `start` and `step` apply; not where a layer reads from the end."""

    def __call__(self, encoded: Encoded) -> Tensor:
        """Hidden states of every step, `(batch, steps, units)`."""

    def start(self, encoded: Encoded, batch: Tensor) -> State:
        """The state before the first step, of `batch` rows; of `encoded` it reads the context alone."""

    def step(self, inputs: Tensor, state: State, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """Read any number of steps.

        Args:
            inputs: `(batch, steps, …)`.
            state: of the steps before.
            lengths: int32 `(batch,)`, how many of the steps count for each row; None: all.

        Returns:
            Hidden states `(batch, steps, units)`, and the state after each row's last step that counts.
        """

    def train(self, encoded: Encoded, state: State | None) -> tuple[Tensor, State, Tensor]:
        """The same in training, also what is added to the loss. Without a state it starts by itself."""

    def avoid_cudnn(self) -> None:
        """Keep cuDNN's ops, which no CPU can run, out of every graph traced from here on."""


def outputs(network: Network, encoded: Encoded) -> Tensor:
    """The head's outputs at every step, `(batch, steps, …)`."""
    return network.head(network(encoded))


def reset_rows(network: Network, state: State, encoded: Encoded, reset: Tensor) -> State:
    """The state, with the rows that are `reset`, bool `(batch,)`, as they are before the first step."""
    first = network.start(encoded, tf.shape(reset)[0])

    def select(now: Tensor, start: Tensor) -> Tensor:
        return tf.where(tf.reshape(reset, [-1] + [1] * (len(start.shape) - 1)), start, now)

    return State(first.memory, tf.nest.map_structure(select, state.carried, first.carried))
