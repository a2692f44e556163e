"""Define what moves between data, network and head: encoded inputs, and batches of them with targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Tensor = Any  # a TensorFlow tensor: TensorFlow is imported where it is used
Context = Mapping[str, Tensor]


class Encoded(NamedTuple):
    """What a network reads.

    Attributes:
        inputs: the stepped input, `(batch, steps, …)`.
        context: what is read once before the first step, by name: `(batch, …)` each.
        lengths: int32 `(batch,)`, how many steps count: of "inputs", "targets" and each padded context, by name.
            All steps of a name that is absent count.
    """

    inputs: Tensor
    context: Context = {}  # noqa: RUF012 # a plain dict, since tf.nest knows no read-only mapping; nobody writes to it
    lengths: Context = {}  # noqa: RUF012


class Batch(NamedTuple):
    """Examples with their targets.

    Attributes:
        inputs: as in `Encoded`.
        targets: as the head's `targets()` says.
        weights: float32 `(batch, steps)`, or `(batch,)` where a whole sequence has one target; 0 is not scored.
        context: as in `Encoded`.
        lengths: as in `Encoded`.
        reset: bool `(batch,)`, the rows whose state starts again; the others continue the row of the batch before.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    context: Context = {}  # noqa: RUF012
    lengths: Context = {}  # noqa: RUF012
    reset: Tensor = ()

    @property
    def encoded(self) -> Encoded:
        """What the network reads of it."""
        return Encoded(self.inputs, self.context, self.lengths)


@dataclass(frozen=True)
class Shard:
    """One worker's share of each global batch: rows `index`, of `count` equal shares."""

    index: int
    count: int


WHOLE = Shard(0, 1)
