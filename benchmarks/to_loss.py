"""Measure wall time to a validation loss on a text: `seqapp train text` against the scripts one would write instead.

    python -m benchmarks.to_loss tinyshakespeare.txt [--loss 1.70] [--rounds 3] [--contenders …]

The scripts are `model.fit` on stock Keras layers and the usual PyTorch loop, with the same network, windows of 64
characters, batches of 64, Adam at 0.01, gradients clipped to 1 and validation after every epoch. seqapp carries its
state from window to window; the scripts start each window at zero, and validate on characters that have 64 or more
before them. Times are of whole processes, imports included, up to the first epoch whose validation loss is low enough;
contenders take turns.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

LENGTH, BATCH, EPOCHS, RATE = 64, 64, 24, 0.01


def windows(file: Path) -> tuple[Any, Any]:
    """Return token ids for training, `(windows, LENGTH + 1)`, and validation, `(windows, 2 * LENGTH + 1)`.

    They are the first 70 % of the text and the following 15 %. The first half of a validation window is context, as
    seqapp has it, and is not scored.
    """
    ids = np.unique(list(file.read_text(encoding="utf-8")), return_inverse=True)[1]
    cuts = [int(len(ids) * share) for share in (0.7, 0.85)]
    return tuple(
        np.stack([part[start : start + length + 1] for start in range(0, len(part) - length, stride)])
        for part, length, stride in (
            (ids[: cuts[0]], LENGTH, LENGTH),
            (ids[cuts[0] - LENGTH : cuts[1]], 2 * LENGTH, LENGTH),
        )
    )


def keras_script(file: Path, loss: float, units: int) -> None:
    """Train with model.fit until the validation loss is low enough."""
    import keras

    class StopBelow(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            print(f"epoch {epoch + 1}: {logs['val_loss']:.3f}", flush=True)
            self.model.stop_training = logs["val_loss"] <= loss

    train, validation = windows(file)
    tokens = int(train.max()) + 1
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(tokens, min(tokens, units)),
            keras.layers.LSTM(units, return_sequences=True),
            keras.layers.Dense(tokens),
        ]
    )
    steps = EPOCHS * -(-len(train) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps, alpha=0.02)
    model.compile(
        keras.optimizers.Adam(rate, global_clipnorm=1.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    weights = np.repeat([[0.0, 2.0]], LENGTH, axis=1).repeat(len(validation), 0)  # Keras divides by all, not by weight
    held_out = (validation[:, :-1], validation[:, 1:], weights)
    model.fit(train[:, :-1], train[:, 1:], BATCH, EPOCHS, verbose=0, validation_data=held_out, callbacks=[StopBelow()])


def torch_script(file: Path, loss: float, units: int) -> None:
    """Train with the usual loop until the validation loss is low enough."""
    import torch

    from benchmarks.contenders import Size, torch_network

    train, validation = (torch.tensor(part) for part in windows(file))
    model = torch_network("LSTM", Size(BATCH, LENGTH, units, 1))
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * -(-len(train) // BATCH), RATE / 50)

    def measure(batch: Any) -> Any:
        scores, following = model(batch[:, :-1])[0][:, -LENGTH:], batch[:, -LENGTH:]
        return torch.nn.functional.cross_entropy(scores.flatten(0, 1), following.flatten())

    for epoch in range(EPOCHS):
        for batch in train[torch.randperm(len(train))].split(BATCH):
            optimizer.zero_grad()
            measure(batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            mean = statistics.fmean(float(measure(batch)) for batch in validation.split(BATCH))
        print(f"epoch {epoch + 1}: {mean:.3f}", flush=True)
        if mean <= loss:
            break


def seqapp_command(file: Path, units: int) -> list[str]:
    """Return the command; `wall` stops it when its progress reports a loss that is low enough."""
    folder = tempfile.mkdtemp()
    options = {"units": units, "layers": 1, "dropout": 0, "bptt": LENGTH, "batch-size": BATCH, "epochs": EPOCHS,
            "learning-rate": RATE, "warmup": 0, "weight-decay": 0, "ema-momentum": 0}  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "seqapp", "train", "text", "--file", str(file), *words, "--out", f"{folder}/run"]


def wall(name: str, file: Path, loss: float, units: int) -> tuple[float, str]:
    """Run a contender until it reports a validation loss that is low enough.

    Args:
        name: of a function here.
        file: the text.
        loss: in nats per character.
        units: of the one recurrent layer.

    Returns:
        Wall seconds, infinite if it never did, and the line of the report.
    """
    code = f"from pathlib import Path; from benchmarks.to_loss import *; {name}(Path({str(file)!r}), {loss}, {units})"
    command = [sys.executable, "-c", code] if name.endswith("script") else seqapp_command(file, units)
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            words = line.replace("validation loss ", ":").split(":")
            if line.startswith("epoch") and float(words[1].split()[0]) <= loss:
                seconds = time.perf_counter() - start
                process.kill()
                return seconds, line.strip()
    return math.inf, f"did not reach {loss} in {EPOCHS} epochs"


def main() -> None:
    """Run the contenders in turns; print the median of each."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--loss", type=float, default=1.70)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contenders", default="seqapp,keras_script,torch_script")
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in arguments.contenders.split(",")}
    for _ in range(arguments.rounds):
        for name, each in seconds.items():
            wall_seconds, report = wall(name, arguments.file, arguments.loss, arguments.units)
            each.append(wall_seconds)
            print(f"{name}: {wall_seconds:.1f} s, {report}", flush=True)
    for name, each in seconds.items():
        ratio = statistics.median(each) / statistics.median(next(iter(seconds.values())))
        print(f"| {name} | {statistics.median(each):.1f} | {ratio:.2f} × |")


if __name__ == "__main__":
    main()
