"""The training loop under a tf.distribute strategy: epochs, validation, the best weights kept, resumable anywhere.

Our own and not `model.fit`: fit cannot stop in mid-epoch and go on to bit-identical weights, and fails under
MultiWorkerMirroredStrategy with Keras 3 (keras#20585).
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqapp.contract import Batch, Dataset, Epoch, Head, Network, State, Tensor, reset_rows
from seqapp.errors import WorkFailed
from seqapp.networks.over_split import Scorer, weighted_loss
from seqapp.runs.options import TrainingOptions
from seqapp.system.files import publish
from seqapp.system.signals import defer_signals
from seqapp.system.tensorflow import keras, tf
from seqapp.training import checkpoint, faults
from seqapp.training.checkpoint import Position
from seqapp.training.optimizer import Optimizer
from seqapp.training.progress import Report

CALL_SECONDS = 0.2  # seconds between two looks at the losses, the clock and the keyboard
DIVERGENCE = 1000.0  # a loss this many times the first one (or 1) will not come back


def train(
    folder: Path,
    dataset: Dataset[Any],
    network: Network,
    options: TrainingOptions,
    report: Report,
    resume: bool = False,
    callbacks: Sequence[Any] = (),
) -> Position:
    """Train `network` in its run folder; `model.keras` there always holds the best weights by validation so far.

    Raises:
        WorkFailed: the loss is not finite, or has exploded; the best weights stay.
        KeyboardInterrupt: on SIGINT or SIGTERM, after a checkpoint.
    """
    trainer = Trainer(folder, dataset, network, options)
    if resume:
        trainer.position = checkpoint.restore(trainer.checkpoint, trainer.variables)
        trainer.position.finished = trainer.position.finished and trainer.position.epoch >= options.epochs
    else:
        trainer.validate()  # epoch 0: what the untrained network scores
    trainer.run(report, callbacks)
    return trainer.position


class Trainer:
    """One training: the network, its optimizer, the compiled steps, and where it stands."""

    def __init__(self, folder: Path, dataset: Dataset[Any], network: Network, options: TrainingOptions) -> None:
        self.folder, self.network, self.options = folder, network, options
        self.checkpoint = folder / "checkpoints" / "last.npz"
        self.training, self.validation = dataset.examples("train"), dataset.examples("validation")
        self.strategy = tf.distribute.get_strategy()
        first = self.epoch(0)
        with self.strategy.scope():
            self.optimizer = Optimizer(options, network.model.trainable_variables, options.epochs * self.steps(first))
            self.carried = self._carried(first) if self.training.carries_state else []
        self.variables = [*network.model.variables, *self.optimizer.variables, *self.carried]
        head = dataset.task.head
        self.train_steps = tf.function(self._train_steps(head), autograph=False)
        self.scorer = Scorer(network, lambda batch, hidden: weighted_loss(head, batch, hidden, network.head))
        self.steps_per_call = 1  # steps in one call
        self.position = Position()

    def epoch(self, number: int) -> Epoch:
        """An epoch of the training split, fixed by seed and number alone: a resumed run enters it in the middle."""
        return self.training.training(self.options.batch_size, np.random.default_rng([self.options.seed, number]))

    def steps(self, epoch: Epoch) -> int:
        """How many batches of an epoch are trained on."""
        return min(epoch.steps, self.options.epoch_steps or epoch.steps)

    def _carried(self, epoch: Epoch) -> list[Any]:
        """Variables that carry the state from one batch to the next; a checkpoint keeps them."""
        batch = next(iter(epoch.batches()))
        zeros = tf.nest.flatten(self.network.start(batch.encoded, epoch.rows).carried)
        local = tf.VariableSynchronization.ON_READ  # each replica has streams of its own
        return [tf.Variable(zero, trainable=False, synchronization=local, name="carried") for zero in zeros]

    def _train_steps(self, head: Head[Any]) -> Any:
        """Several steps in one call, without returning to Python in between: loss, weight and gradient norm of each."""
        network = self.network

        def replica(batch: Batch) -> Tensor:
            with tf.GradientTape() as tape:
                hidden, state, penalty = network.train(batch.encoded, self._before(batch))
                total, weight = weighted_loss(head, batch, hidden, network.head, training=True)
                loss = total / tf.maximum(weight, 1e-6)
                objective = loss + penalty
            gradients = tape.gradient(objective, network.model.trainable_variables)
            for variable, value in zip(self.carried, tf.nest.flatten(state.carried), strict=False):
                variable.assign(value)
            return tf.stack([loss, weight, self.optimizer.apply(gradients)])

        def steps(iterator: Any, count: Tensor) -> Tensor:
            def step(done: Tensor, results: Any) -> tuple[Tensor, Any]:
                return done + 1, results.write(done, self.strategy.run(replica, args=(iterator.get_next(),)))

            results = tf.TensorArray(tf.float32, size=count, element_shape=[3])
            return tf.while_loop(lambda done, _: done < count, step, (0, results))[1].stack()

        return steps

    def _before(self, batch: Batch) -> State | None:
        """The state that a batch starts from; None: the network starts by itself."""
        if not self.carried:
            return None
        first = self.network.start(batch.encoded, tf.shape(batch.reset)[0])
        carried = State(first.memory, tf.nest.pack_sequence_as(first.carried, self.carried))
        return reset_rows(self.network, carried, batch.encoded, batch.reset)

    def run(self, report: Report, callbacks: Sequence[Any]) -> None:
        """Train from the present position to the last epoch, or until validation has not improved for `patience`."""
        observers = keras.callbacks.CallbackList(list(callbacks), model=self.network.model)
        if self.position.finished:
            report.note(
                f"training already finished after {self.position.epoch} epochs; pass a larger --epochs to continue"
            )
        observers.on_train_begin()
        with defer_signals() as interrupted:
            while not self.position.finished and self.position.epoch < self.options.epochs:
                epoch = self.position.epoch
                observers.on_epoch_begin(epoch)
                self.run_epoch(report, interrupted)
                row = self.validate()
                report.epoch(row, self.options.epochs)
                observers.on_epoch_end(epoch, row)
        observers.on_train_end()
        self.position.finished = True
        self.save()
        if interrupted:  # while the last epoch was validated
            raise KeyboardInterrupt
        if outcome := self.position.outcome(self.options.patience, self.options.stop_below):
            report.note(outcome)

    def run_epoch(self, report: Report, interrupted: list[int]) -> None:
        """The steps of one epoch that are still to be done."""
        at = self.position
        epoch, every = self.epoch(at.epoch), self.options.checkpoint_every
        steps = self.steps(epoch)
        began = time.monotonic()
        iterator = iter(epoch.batches(at.step)) if at.step < steps else None
        while at.step < steps:
            self.advance(iterator, min(steps - at.step, every - at.step % every))
            report.step(at.epoch + 1, at.step, steps, at.loss / max(at.weight, 1e-6))
            if interrupted or at.step % every == 0:
                at.seconds, began = at.seconds + time.monotonic() - began, time.monotonic()
                self.save()
            if interrupted:
                raise KeyboardInterrupt
        at.seconds += time.monotonic() - began
        at.epoch, at.step = at.epoch + 1, 0

    def advance(self, iterator: Any, most: int) -> None:
        """One call: as many steps as fit into a moment, `most` at most. How many changes no result."""
        at, began = self.position, time.monotonic()
        with faults.reading(f"epoch {at.epoch + 1}, after step {at.step}", self.folder):
            results = self.train_steps(iterator, tf.constant(min(self.steps_per_call, most))).numpy()
        for loss, weight, norm in results.tolist():
            self.check(loss, norm)
            at.first_loss = loss if at.first_loss is None else at.first_loss
            at.loss, at.weight, at.step = at.loss + loss * weight, at.weight + weight, at.step + 1
        if time.monotonic() - began < CALL_SECONDS / 2:
            self.steps_per_call *= 2
        elif self.steps_per_call > 1 and time.monotonic() - began > 2 * CALL_SECONDS:
            self.steps_per_call //= 2

    def check(self, loss: float, norm: float) -> None:
        """Raise if training has diverged, or its data is not finite."""
        at = self.position
        if math.isfinite(loss) and math.isfinite(norm) and loss <= DIVERGENCE * max(at.first_loss or abs(loss), 1.0):
            return
        where = f"epoch {at.epoch + 1}, step {at.step + 1}"
        if fault := faults.not_finite(self.epoch(at.epoch).batches(at.step).take(1)):
            raise WorkFailed(f"{where}: {fault}. {faults.weights_left(self.folder)} Correct the data.")
        began = "" if at.first_loss is None else f" (it began at {at.first_loss:.4g})"
        raise WorkFailed(
            f"training diverged at {where}: loss {loss:.4g}, gradient norm {norm:.4g}, learning rate "
            f"{self.options.learning_rate:g}{began}. {faults.weights_left(self.folder)} "
            f"Try --resume --learning-rate {min(self.options.learning_rate / 10, 1e-3):g}, or a smaller --clip-norm."
        )

    def validate(self) -> dict[str, float]:
        """Score the validation split, keep the weights if they are the best so far, write history and checkpoint."""
        at = self.position
        began = time.monotonic()
        with self.optimizer.averaged():
            row = {
                "epoch": at.epoch,
                "train_loss": at.loss / at.weight if at.weight else math.nan,
                "validation_loss": self.score(),
                "learning_rate": float(self.optimizer.rate(self.optimizer.adam.iterations)),
            }
            at.waited += 1
            if at.best is None or row["validation_loss"] < at.best:
                at.best, at.waited = row["validation_loss"], 0
                (self.folder / "metrics.json").unlink(missing_ok=True)  # never of other weights than those beside it
                publish(self.folder / "model.keras", self.network.model.save)
        if at.waited:
            self.optimizer.stalled()
        at.seconds += time.monotonic() - began
        row["seconds"] = round(at.seconds, 3)
        at.history.append(row)
        at.loss = at.weight = 0.0
        at.finished = at.waited >= self.options.patience or at.best < self.options.stop_below
        publish(self.folder / "history.csv", self._write_history)
        self.save()
        return row

    def score(self) -> float:
        """The mean loss over the validation split."""
        where = f"validation after epoch {self.position.epoch}"
        with faults.reading(where, self.folder):
            epoch = self.validation.scoring(self.options.batch_size)
            pairs = [pair for pair, _ in self.scorer.over(epoch, self.validation.carries_state)]
        total, weight = (sum(float(pair[place]) for pair in pairs) for place in (0, 1))
        faults.check_score(total, where, self.folder, epoch)
        return total / max(weight, 1e-6)

    def save(self) -> None:
        """Write the checkpoint."""
        checkpoint.save(self.checkpoint, self.variables, self.position)

    def _write_history(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.position.history[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.position.history)
