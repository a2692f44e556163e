"""A network run over a whole split, compiled, with the state carried where the split is read as streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Windows
from seqapp.contract.head import Head, Tensor
from seqapp.data.epochs import Epoch
from seqapp.data.streams import Streams
from seqapp.networks.stack import Network

Measure = Callable[[Tensor, Tensor, Tensor], Any]  # of targets, outputs and weights of a batch


class Scorer:
    """Measures a network's outputs, batch by batch; compiled once for all the splits that it is asked about."""

    def __init__(self, network: Network, measure: Measure) -> None:
        import tensorflow as tf

        self.network, self.measure = network, measure
        self.step = tf.function(self._step, autograph=False, reduce_retracing=True)

    def _step(self, inputs: Tensor, targets: Tensor, weights: Tensor, fresh: Tensor, states: list[Any]) -> Any:
        from seqapp.layers import compiled

        with compiled():
            outputs, after = self.network.step(inputs, self.network.restarted(states, fresh))
            return self.measure(targets, outputs, weights), after

    def over(self, split: Windows | Streams, batch_size: int) -> Iterator[tuple[Any, NDArray[Any]]]:
        """What is measured of each batch, and its weights `(batch, steps)`."""
        states: Any = None
        for inputs, targets, weights, fresh in Epoch(split, batch_size).batches():
            states = self.network.start(inputs.shape[0]) if states is None else states
            measured, states = self.step(inputs, targets, weights, fresh, states)
            yield measured, weights.numpy()


def weighted_loss(head: Head, targets: Tensor, outputs: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of weighted step losses, and sum of weights."""
    import tensorflow as tf

    return tf.reduce_sum(head.loss(targets, outputs) * weights), tf.reduce_sum(weights)


def scored(made: list[dict[str, Tensor]], weights: list[NDArray[Any]], streams: bool) -> dict[str, NDArray[Any]]:
    """The entries of weight above 0 of what was made of each batch `(batch, steps, ...)`, in the order of the split.

    Streams come one after the other, each in its own order.
    """
    names = made[0]
    if streams:
        counted = np.concatenate(weights, 1) > 0
        return {name: np.concatenate([batch[name].numpy() for batch in made], 1)[counted] for name in names}
    pairs = list(zip(made, weights, strict=True))
    return {name: np.concatenate([batch[name].numpy()[weight > 0] for batch, weight in pairs]) for name in names}
