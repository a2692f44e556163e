"""A network run over a whole split, compiled; the state is carried where the examples carry it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from numpy.typing import NDArray

from seqapp.contract import Batch, Dataset, Epoch, Head, Network, State, Tensor, reset_rows
from seqapp.system.tensorflow import tf

Measure = Callable[[Batch, Tensor], Any]  # of a batch and the hidden states over it


class Scorer:
    """Measures a network's hidden states, batch by batch; compiled once for all the splits that it is asked about."""

    def __init__(self, network: Network, measure: Measure) -> None:
        self.network, self.measure = network, measure
        self.carrying = tf.function(self._carrying, autograph=False, reduce_retracing=True)
        self.whole = tf.function(self._whole, autograph=False, reduce_retracing=True)

    def _carrying(self, batch: Batch, state: State) -> tuple[Any, State]:
        from seqapp.layers import compiled

        with compiled():
            state = reset_rows(self.network, state, batch.encoded, batch.reset)
            hidden, state = self.network.step(batch.inputs, state, batch.lengths.get("inputs"))
            return self.measure(batch, hidden), state

    def _whole(self, batch: Batch) -> Any:
        from seqapp.layers import compiled

        with compiled():
            return self.measure(batch, self.network(batch.encoded))

    def over(self, epoch: Epoch, carries_state: bool) -> Iterator[tuple[Any, NDArray[Any]]]:
        """What is measured of each batch, and its weights."""
        state: State | None = None
        for batch in epoch.batches():
            if carries_state:
                state = state or self.network.start(batch.encoded, batch.inputs.shape[0])
                measured, state = self.carrying(batch, state)
            else:
                measured = self.whole(batch)
            yield measured, batch.weights.numpy()


def weighted_loss(
    head: Head[Any], batch: Batch, hidden: Tensor, layer: Any, training: bool = False
) -> tuple[Tensor, Tensor]:
    """Sum the losses of a batch.

    Args:
        head: what is predicted.
        batch: targets and weights.
        hidden: hidden states `(batch, steps, units)` over it.
        layer: the network's head.
        training: whether it is trained, or measured.

    Returns:
        The weighted sum of the losses, and the sum of the weights, scalars.
    """
    losses = head.loss(batch.targets, hidden, layer, batch.encoded, training)
    return tf.reduce_sum(losses * batch.weights), tf.reduce_sum(batch.weights)


def predict(dataset: Dataset[Any], network: Network, split: str, limit: int | None = None) -> Any:
    """The record of the network's predictions at the scored cases of a split, in its order.

    Args:
        dataset: the data.
        network: trained.
        split: "train", "validation" or "test".
        limit: stop after the batch with this many scored cases; None: all.
    """
    own = dataset.predict(network, split)
    if own is not None:
        return own
    head, examples = dataset.task.head, dataset.examples(split)
    epoch = examples.scoring(1 if limit is not None and examples.carries_state else None)  # in order from the start
    scorer = Scorer(network, lambda batch, hidden: head.summary(batch.targets, hidden, network.head, batch.encoded))
    summaries, weights, count = [], [], 0
    for summary, weight in scorer.over(epoch, examples.carries_state):
        summaries.append(summary)
        weights.append(weight)
        count += int((weight > 0).sum())
        if limit is not None and count >= limit:
            break
    scored = epoch.in_order(weights) > 0
    return head.record(
        **{name: epoch.in_order([each[name].numpy() for each in summaries])[scored] for name in summaries[0]}
    )
