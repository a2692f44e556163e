"""What goes wrong in the middle of a training run is reported in one line, and the last good weights are kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import refused, seqapp

from seqapp import rooms
from seqapp.contract.options import NetworkOptions
from seqapp.data.streams import Chosen, Streams
from seqapp.data.windows import Windows
from seqapp.errors import WorkFailed
from seqapp.networks.factory import build, layer_of
from seqapp.runs.options import TrainingOptions
from seqapp.runs.run import load_weights
from seqapp.tasks.text import corpus, files
from seqapp.training import faults
from seqapp.training.checkpoint import restore
from seqapp.training.loop import Trainer, train

COUNT, BATCH = 64, 16
PLAN = TrainingOptions(epochs=2, batch_size=BATCH, learning_rate=0.01, patience=9, checkpoint_every=2)
ORDER = np.random.default_rng([0, 0]).permutation(COUNT)  # in which the first epoch takes the windows
SILENT: Any = SimpleNamespace(note=lambda *_: None, step=lambda *_: None, epoch=lambda *_: None)
Gather = Callable[[Any], Any]


def network() -> Any:
    """A small one."""
    room = rooms.find("models", "simple_rnn")
    task = rooms.find("datasets", "fibonacci").module.Task()
    return build(task, layer_of(room, {}), NetworkOptions(units=4, engine="keras"))


def dataset(train_gather: Callable[[Gather], Gather] | None = None, validation: float = 0.0) -> Any:
    """Random windows; those of the training pass through a gather of another's making."""
    random = np.random.default_rng(0)
    inputs = random.standard_normal((COUNT, 5, 20)).astype(np.float32)
    arrays = inputs, random.integers(10, size=(COUNT, 5), dtype=np.int32), np.ones((COUNT, 5))
    good = Windows.from_arrays(*arrays)
    other = inputs.copy()
    other[1, 2, 3] = validation
    split = {
        "train": Windows(COUNT, train_gather(good.gather)) if train_gather else good,
        "validation": Windows.from_arrays(other, *arrays[1:]),
    }
    return SimpleNamespace(examples=split.__getitem__, task=rooms.find("datasets", "fibonacci").module.Task())


def failed(folder: Path, data: Any, plan: TrainingOptions = PLAN) -> str:
    """The message with which a training run stops."""
    with pytest.raises(WorkFailed) as stop:
        train(folder, data, network(), plan, SILENT)
    message = str(stop.value)
    assert "\n" not in message
    return message


def poisoned(number: float) -> Callable[[Gather], Gather]:
    """One window of the third step, its ninth row, holds a value that is no number."""

    def result(gather: Gather) -> Gather:
        import tensorflow as tf

        def bad(indices: Any) -> Any:
            batch = gather(indices)
            hit = tf.equal(indices, int(ORDER[2 * BATCH + 8]))[:, None, None]
            return batch._replace(inputs=tf.where(hit, number, batch.inputs))

        return bad

    return result


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_data_that_are_no_numbers_at_a_step(number: float, tmp_path: Path) -> None:
    data = dataset(poisoned(number))
    assert failed(tmp_path, data) == (
        f"epoch 1, step 3: the inputs hold {number} (batch 1, row 9, step 1). "
        f"The last good weights are kept in {tmp_path / 'model.keras'}. Correct the data."
    )
    load_weights(network(), tmp_path / "model.keras")  # refuses what is not finite
    trainer = Trainer(tmp_path, data, network(), PLAN)
    assert restore(trainer.checkpoint, trainer.variables).step == 2
    assert all(np.isfinite(variable.numpy()).all() for variable in trainer.variables)


def test_validation_data_that_are_no_numbers(tmp_path: Path) -> None:
    assert failed(tmp_path, dataset(validation=np.nan)) == (
        "validation after epoch 0: the inputs hold nan (batch 1, row 2, step 3). There are no weights yet. "
        "Correct the data."
    )
    assert not (tmp_path / "model.keras").exists()


def test_a_loss_that_explodes(tmp_path: Path) -> None:
    message = failed(
        tmp_path,
        dataset(),
        TrainingOptions(epochs=9, batch_size=BATCH, learning_rate=1e9, patience=9, checkpoint_every=100),
    )
    assert message.startswith("training diverged at epoch 1, step ")
    assert message.endswith(
        f"The last good weights are kept in {tmp_path / 'model.keras'}. "
        "Try --resume --learning-rate 0.001, or a smaller --clip-norm."
    )
    load_weights(network(), tmp_path / "model.keras")


def test_a_dataset_that_raises_in_mid_epoch(tmp_path: Path) -> None:
    def result(gather: Gather) -> Gather:
        import tensorflow as tf

        def look(indices: Any) -> Any:
            if int(ORDER[40]) in indices.numpy().tolist():
                raise ValueError("session 7 is broken\nand more")
            return indices

        def bad(indices: Any) -> Any:
            looked = tf.py_function(look, [indices], tf.int64)
            return gather(tf.ensure_shape(looked, indices.shape))

        return bad

    message = failed(tmp_path, dataset(result))
    line = look_line()
    assert message == (
        f"epoch 1, after step 2: {__file__}, line {line}, in look: ValueError: session 7 is broken. "
        f"The last good weights are kept in {tmp_path / 'model.keras'}."
    )


def look_line() -> int:
    """Where the dataset above raises."""
    lines = Path(__file__).read_text().splitlines()
    return 1 + next(number for number, line in enumerate(lines) if line.strip().startswith("raise ValueError("))


class TestTextThatShrinks:
    """A large text is encoded into a file of its own, and read there."""

    @pytest.fixture
    def encoded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> corpus.Corpus:
        monkeypatch.setenv("SEQAPP_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(files, "IN_MEMORY", 1)
        (tmp_path / "a.txt").write_text("Doug saw Jane. " * 100)
        return self.read(tmp_path)

    def read(self, folder: Path) -> corpus.Corpus:
        return files.read_corpus([folder / "a.txt"], "char", lambda _: None)

    def test_while_it_is_read(self, encoded: corpus.Corpus) -> None:
        def read(options: Chosen) -> Any:
            tokens = encoded.rows(options.place, 8).astype(np.int32)
            return tokens, tokens, np.ones(tokens.shape, np.float32)

        streams = Streams(np.array([0]), len(encoded.ids), 8, read, lambda places: places)
        batches = iter(streams.scoring(1).batches())
        next(batches)
        os.truncate(str(encoded.ids.filename), 400)  # type: ignore[attr-defined] # it is mapped
        with pytest.raises(WorkFailed) as stop, faults.reading("step 1", Path("nowhere")):
            list(batches)
        message = (
            "WorkFailed: the encoded text was truncated while it was read; run the command again to encode it again"
        )
        assert str(stop.value).startswith(f"step 1: {corpus.__file__}, line ")
        assert str(stop.value).endswith(f", in _require_length: {message}. There are no weights yet.")
        with pytest.raises(WorkFailed):
            encoded.counts(0, len(encoded.ids))

    def test_before_it_is_read_again(self, encoded: corpus.Corpus, tmp_path: Path) -> None:
        file = Path(str(encoded.ids.filename))  # type: ignore[attr-defined] # it is mapped
        whole = file.read_bytes()
        for size in (len(whole) - 1, 400, 0):
            os.truncate(file, size)
            assert self.read(tmp_path).ids.tobytes() == whole
        described = json.loads((file.parent / "corpus.json").read_text())
        (file.parent / "corpus.json").write_text(
            json.dumps({name: described[name] for name in described if name != "tokens"})
        )
        assert self.read(tmp_path).ids.tobytes() == whole  # as it was written before it was counted

    def test_beyond_its_ends_there_is_nothing(self, encoded: corpus.Corpus) -> None:
        contents = np.fromfile(str(encoded.ids.filename), encoded.ids.dtype)  # type: ignore[attr-defined] # it is mapped
        rows = encoded.rows(np.array([-3, -20, len(contents) - 2, len(contents) + 5]), 6)
        assert rows[0, 3:].tolist() == contents[:3].tolist()
        assert rows[2, :2].tolist() == contents[-2:].tolist()


def test_a_pipe_is_no_data_for_a_training(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for dataset_name in ("stock", "weather_dinner"):
        assert refused("train", dataset_name, "--csv", tmp_path / "pipe.csv") == (
            f"Error: {tmp_path / 'pipe.csv'}: expected a file, got a pipe: training reads its data again later. Write it to a file."
        )
    assert refused("train", "text", "--file", tmp_path / "pipe.csv").endswith("got a file of 0 bytes.")


def test_memory_that_is_not_there(tmp_path: Path) -> None:
    import tensorflow as tf

    def no_memory() -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\ntensor")

    with pytest.raises(WorkFailed) as stop, faults.reading("epoch 1, after step 2", tmp_path):
        no_memory()
    assert str(stop.value) == (
        "epoch 1, after step 2: not enough memory. There are no weights yet. Try a smaller --batch-size."
    )


@pytest.mark.parametrize("kind", [MemoryError, np._core._exceptions._ArrayMemoryError])
def test_a_command_without_memory(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: str) -> Any:
        raise kind((10**12,), np.dtype("f8")) if kind is not MemoryError else kind

    monkeypatch.setattr("seqapp.commands.list.rooms.names", none)
    message = seqapp("list", code=1).stderr
    assert message == "Error: not enough memory. Use smaller values, or stop other programs.\n"
