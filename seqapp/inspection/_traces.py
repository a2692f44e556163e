"""What happens inside recurrent layers while they read one sequence: every gate and state at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Encoded, Tensor
from seqapp.networks.stack import is_recurrent, one_way_layers
from seqapp.system.tensorflow import tf

STEPS_PER_LABEL = 3  # at least, to say what a unit holds
LAGS = 5


@dataclass(frozen=True)
class Trace:
    """One recurrent layer over one sequence.

    `gates` and `states` hold arrays `(steps, units)` by name; the first of the states is the layer's output.
    """

    layer: str
    kind: str
    gates: dict[str, NDArray[Any]]
    states: dict[str, NDArray[Any]]

    @property
    def memory(self) -> NDArray[Any]:
        """The state that lasts, `(steps, units)`: the cell where there is one."""
        return list(self.states.values())[-1]

    @property
    def everything(self) -> dict[str, NDArray[Any]]:
        """Gates, then states."""
        return self.gates | self.states

    def order(self) -> NDArray[np.int64]:
        """The units in an order in which those whose memory runs alike lie side by side: a tree by correlation."""
        from scipy.cluster.hierarchy import leaves_list, linkage

        moved = self.memory - self.memory.mean(0)
        scale = np.linalg.norm(moved, axis=0)
        if moved.shape[1] < 3 or not (scale > 0).all():
            return np.argsort(self.memory.mean(0))
        leaves: NDArray[np.int64] = leaves_list(linkage((moved / scale).T, "average", optimal_ordering=True))
        return leaves


def traces(network: Any, encoded: Encoded) -> list[Trace]:
    """Every recurrent layer of a network's `chain` over the first row of its inputs."""
    first: Encoded = tf.nest.map_structure(lambda part: part[:1], encoded)
    hidden, states, every = first.inputs, iter(network.start(first, 1).carried), []
    for link in network.chain:
        before = hidden
        if is_recurrent(link.layer):
            state = next(states)
            every += _each_way(link.layer, before, state)
            hidden = link(before, initial_state=state)[0]
            hidden = hidden + before if link.residual else hidden
        else:
            hidden = link(before)
    return every


def _each_way(layer: Any, sequence: Tensor, state: Any) -> list[Trace]:
    """The layer's trace, or those of the two inside a bidirectional one, which share its state."""
    inside, flat, every = one_way_layers(layer), tf.nest.flatten(state), []
    for each in inside:
        own = tf.nest.flatten(each.get_initial_state(1))
        every.append(_trace(each, sequence, flat[: len(own)]))
        flat = flat[len(own) :]
    return every


def _trace(layer: Any, sequence: Tensor, states: list[Tensor]) -> Trace:
    backwards = bool(getattr(layer, "go_backwards", False))
    known = hasattr(layer, "step_mismatch") and not layer.step_mismatch()
    steps = _own(layer, sequence, states) if known else _anyones(layer, sequence, states)
    rows = [dict(step) for step in (steps[::-1] if backwards else steps)]
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    states_by_name = {name: columns.pop(name) for name in list(columns) if name.endswith("state")}
    return Trace(layer.name, type(layer).__name__, columns, states_by_name)


def _own(layer: Any, sequence: Tensor, states: list[Tensor]) -> list[dict[str, NDArray[Any]]]:
    """Of a layer whose arithmetic is a `Step`: its gates by their names, and its states."""
    from seqapp.layers.engine.products import Masks, product

    read, source = layer.loop_source(sequence, False)
    x, step, weights = source(read).product(), layer.inference_step(), layer.loop_weights(False)
    trace = []
    for now in x[::-1] if layer.go_backwards else x:
        p, _ = product(now, states[0], weights, Masks())
        gates = step.gates(now, p)
        named = step.gates_by_name(gates, states, weights.vectors)
        states = step.combine(gates, states, weights.vectors)
        values = named | dict(zip(("hidden state", "cell state"), states, strict=False))
        trace.append({name: np.asarray(value)[0] for name, value in values.items()})
    return trace


def _anyones(layer: Any, sequence: Tensor, flat: list[Tensor]) -> list[dict[str, NDArray[Any]]]:
    """Of any other recurrent Keras layer: its states."""
    states, trace = tf.nest.pack_sequence_as(layer.get_initial_state(1), flat), []
    order = range(sequence.shape[1])
    for step in reversed(order) if getattr(layer, "go_backwards", False) else order:
        _, *after = layer(sequence[:, step : step + 1], initial_state=states)
        states = tf.nest.pack_sequence_as(states, tf.nest.flatten(after))
        flat = tf.nest.flatten(states)
        names = ["state"] if len(flat) == 1 else [f"{number}. state" for number in range(1, len(flat) + 1)]
        trace.append({name: np.asarray(state)[0] for name, state in zip(names, flat, strict=True)})
    return trace


def openness(trace: Trace) -> list[dict[str, Any]]:
    """For each gate its mean, and the shares of its values below 0.1 and above 0.9."""
    return [
        {"layer": trace.layer, "gate": name, "mean": float(values.mean()), "closed": float((values < 0.1).mean()),
         "open": float((values > 0.9).mean())}
        for name, values in trace.gates.items() if name.endswith("gate")
    ]  # fmt: skip


def holdings(trace: Trace, labels: list[str], after: str | None = None) -> list[dict[str, Any]]:
    """Which unit of the memory tells best what stood a few steps before, for each of a few lags.

    Args:
        trace: of a layer.
        labels: what was read at each step.
        after: only what is held right after this label counts.

    Returns:
        Rows `{"layer", "lag", "unit", "share", "values"}`: the share of the unit's variance that the label explains,
        1 for all of it, as ε² (Kelley 1935), which is 0 on average where the label tells nothing; and the unit's mean
        with each label. Lags at which labels are too many for the steps are left out.
    """
    rows = []
    for lag in range(LAGS):
        places = np.array([step for step in range(lag, len(labels)) if after in (None, labels[step])], int)
        earlier = np.array(labels, object)[places - lag] if len(places) else np.array([])
        kinds, groups = np.unique(earlier.astype(str), return_inverse=True)
        if len(kinds) < 2 or len(places) < STEPS_PER_LABEL * len(kinds):
            continue
        values = trace.memory[places].astype(np.float64)  # (places, units)
        means = np.stack([values[groups == kind].mean(0) for kind in range(len(kinds))])
        total = ((values - values.mean(0)) ** 2).sum(0)
        within = ((values - means[groups]) ** 2).sum(0) * (len(places) - 1) / (len(places) - len(kinds))
        share = np.where(total > 0, 1 - within / np.where(total > 0, total, 1), 0)
        best = int(share.argmax())
        values_by_label = dict(zip(kinds.tolist(), means[:, best].tolist(), strict=True))
        row = {"layer": trace.layer, "lag": lag, "unit": best, "share": float(share[best])}
        rows.append(row | {"values": values_by_label})
    return rows
