"""seqapp inspect RUN memory: how many of the last steps a prediction really depends on."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Batch, Encoded, Head, Network, Tensor
from seqapp.inspection._showing import CSV, JSON, TO, check_form, draw, show_csv, show_json
from seqapp.runs.run import Run, open_for_use
from seqapp.system.tensorflow import start_tensorflow, tf

TOLERANCE = 0.01
BATCH = 64  # sequences: more would take much memory


@dataclass(frozen=True)
class Memory:
    """`loss` `(lengths,)`, the mean over the sequences, of predictions from the last `lengths` steps, ascending."""

    lengths: NDArray[np.int64]
    loss: NDArray[np.float64]
    sequences: int
    unit: str

    @property
    def tolerance(self) -> float:
        """1 % of the full context's loss, or of what it saves over one step alone where that is more."""
        full = float(self.loss[-1])
        return TOLERANCE * max(abs(full), float(self.loss[0]) - full)

    @property
    def steps(self) -> int:
        """The fewest steps from which on no loss differs from the full context's by more than the tolerance."""
        differs = np.abs(self.loss - self.loss[-1]) > self.tolerance
        return int(self.lengths[len(differs) - differs[::-1].argmax() if differs.any() else 0])

    @property
    def full(self) -> int:
        """Steps of the whole context."""
        return int(self.lengths[-1])

    def rows(self) -> list[dict[str, Any]]:
        """Each number of steps with its loss."""
        pairs = zip(self.lengths.tolist(), self.loss.tolist(), strict=True)
        return [{"steps": length, "loss": loss} for length, loss in pairs]


@click.command("memory")
@click.option("--steps", default=512, show_default=True, type=click.IntRange(2, 10000), help="Full context, at most.")
@click.option("--sequences", default=256, show_default=True, type=click.IntRange(min=1), help="To measure over.")
@TO
@JSON
@CSV
@click.pass_obj
def command(run: str, steps: int, sequences: int, to: str | None, as_json: bool, as_csv: bool) -> None:
    """How many of the last steps a prediction depends on.

    The loss of the same predictions of the validation split from 1, 2, 3, 4, 6, 8, 12, … of the last steps, the state
    zero before them. RUN looks back as many steps as are needed for the loss to stay within 1 % of the full context's
    loss, or within 1 % of what the full context saves over one step alone where that is more.
    """
    check_form(as_json, as_csv)
    opened = open_for_use(run)
    start_tensorflow()
    memory = measure(opened, sequences, steps)
    if as_json:
        show_json({"run": run, "dataset": opened.dataset, "model": opened.model, "split": "validation",
                   "sequences": memory.sequences, "full": memory.full, "unit": memory.unit,
                   "tolerance": memory.tolerance, "looks_back": memory.steps, "losses": memory.rows()})  # fmt: skip
    elif as_csv:
        show_csv(memory.rows())
    else:
        click.echo(as_text(memory))
    draw(opened, "memory", to, functools.partial(picture, memory))


def measure(run: Run, sequences: int, steps: int) -> Memory:
    """The losses of a run's trained network."""
    from seqapp.inspection._sequences import sequences as sequences_of

    dataset = run.load_dataset()
    head, batch = dataset.task.head, sequences_of(dataset, sequences, steps)
    lengths = ladder(batch.inputs.shape[1])
    loss = losses(run.load_network(dataset.task), head, batch, lengths)
    return Memory(lengths, loss.mean(1), len(batch.inputs), head.loss_unit)


def ladder(full: int) -> NDArray[np.int64]:
    """1, 2, 3, 4, 6, 8, 12, 16, … below `full`, then `full`."""
    powers = 2 ** np.arange(full.bit_length())
    steps = np.unique(np.concatenate([powers, 3 * powers // 2]))
    return np.append(steps[steps < full], full)


def losses(network: Network, head: Head[Any], batch: Batch, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """The loss at each sequence's last step, predicted from its last steps alone.

    Args:
        network: trained.
        head: of its task.
        batch: sequences, as `sequences` gives them.
        lengths: numbers of steps.

    Returns:
        float64 `(lengths, sequences)`.
    """
    read = tf.function(lambda part: _last_loss(network, head, part), autograph=False, reduce_retracing=True)
    starts = range(0, len(batch.inputs), BATCH)
    parts = [tf.nest.map_structure(lambda each, at=at: tf.constant(each[at : at + BATCH]), batch) for at in starts]
    return np.array(
        [
            np.concatenate([read(part._replace(inputs=part.inputs[:, -length:])).numpy() for part in parts])
            for length in lengths.tolist()
        ],
        np.float64,
    )


def _last_loss(network: Network, head: Head[Any], batch: Batch) -> Tensor:
    """The loss of a batch's last step `(batch,)`, the state at its start before the first one."""
    if network.can_step:
        hidden, _ = network.step(batch.inputs, network.start(batch.encoded, tf.shape(batch.inputs)[0]))
    else:
        hidden = network(batch.encoded)
    whole = head.targets().shape.rank == batch.targets.shape.rank
    targets = batch.targets if whole else batch.targets[:, tf.newaxis]
    loss = head.loss(targets, hidden[:, -1:], network.head, Encoded(batch.inputs[:, -1:]), training=False)
    return loss if whole else loss[:, 0]


def as_text(memory: Memory) -> str:
    """Write the steps it looks back as a sentence, and the losses."""
    rows = "\n".join(f"{row['steps']:>6}  {row['loss']:.4f}" for row in memory.rows())
    shorter = memory.lengths[memory.lengths < memory.steps]
    but = f", {shorter[-1]} {'is' if shorter[-1] == 1 else 'are'} not enough" if len(shorter) else ""
    end = " or farther: that is the whole context" if memory.steps == memory.full else ""
    return (
        f" steps  loss ({memory.unit}), mean of {memory.sequences} sequences\n{rows}\n\n"
        f"It looks back {count(memory.steps)}{end}{but} (to within {memory.tolerance:.2g} "
        f"of the loss from all {memory.full})."
    )


def count(steps: int) -> str:
    """1 -> "1 step"."""
    return "1 step" if steps == 1 else f"{steps} steps"


def picture(memory: Memory, figure: Any) -> None:
    """The loss over the steps seen, the fewest that are enough marked, and how near is near."""
    from seqapp.evaluation.figures import plain_axes

    axes = plain_axes(figure)
    full, near = memory.loss[-1], memory.tolerance
    axes.axhspan(full - near, full + near, color="0.9", lw=0, label="as good as the whole context")
    axes.plot(memory.lengths, memory.loss, "-o", color="black", lw=1.2, ms=4)
    axes.axvline(memory.steps, ls="--", color="dimgrey", lw=1, label=f"looks back {count(memory.steps)}")
    axes.set_xscale("log", base=2)
    ticks = [length for length in memory.lengths.tolist() if length & (length - 1) == 0 or length == memory.full]
    ticks = [length for length in ticks if length == memory.full or length * 1.3 < memory.full]
    axes.set_xticks(ticks, [str(length) for length in ticks])
    axes.set_xticks([], minor=True)
    axes.set(xlabel="last steps seen", ylabel=f"loss ({memory.unit})")
    axes.legend(frameon=False)
