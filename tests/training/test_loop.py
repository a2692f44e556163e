"""Training: the same bits again, after a kill too; what a diverging run leaves; nothing overwritten, nothing lost."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SMALL_OPTIONS, compiled_engine, process, refused, seqapp, slow, small_dataset

from benchmarks.served import wait_for
from seqapp.runs.run import open_run
from tests.torture.jobs import Job

RECALL = ["recall", "--model", "lstm", "--gap", "10", "--sequences", "2000", "--units", "16", "--epochs", "2",
          "--batch-size", "16", "--dropout", "0.2", "--checkpoint-every", "10", "--stop-below", "0"]  # fmt: skip
TWO_EPOCHS = ["recall", *SMALL_OPTIONS["recall"], "--epochs", "2", "--seed", "1"]  # with it each epoch is better


def weights(run: Path) -> list[Any]:
    opened = open_run(run)
    return [np.asarray(variable) for variable in opened.load_network(opened.task()).model.variables]


def checkpoint(run: Path) -> dict[str, Any]:
    with np.load(run / "checkpoints" / "last.npz") as contents:
        return {name: contents[name] for name in contents.files if name != "position"}


def assert_same_bits(one: Path, two: Path) -> None:
    for first, second in zip(weights(one), weights(two), strict=True):
        np.testing.assert_array_equal(first, second)
    first_state, second_state = checkpoint(one), checkpoint(two)
    assert first_state.keys() == second_state.keys()
    for name, value in first_state.items():
        np.testing.assert_array_equal(value, second_state[name], err_msg=name)


def in_mid_epoch(run: Path) -> bool:
    """Whether a checkpoint stands between two epochs' ends."""
    file = run / "checkpoints" / "last.npz"
    if not file.is_file():
        return False
    with np.load(file) as checkpoint:
        position = json.loads(checkpoint["position"].tobytes())
    return bool(position["step"] > 0 and not position["finished"])


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("straight") / "run"
    with compiled_engine():
        seqapp("train", *RECALL, "--out", folder)
    return folder


def test_two_runs_with_one_seed_are_bit_identical(straight: Path, tmp_path: Path) -> None:
    process("train", *RECALL, "--out", tmp_path / "again")
    assert_same_bits(straight, tmp_path / "again")


@pytest.mark.usefixtures("no_training")
def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    for seed in (0, 1):
        seqapp("train", *RECALL, "--seed", seed, "--out", tmp_path / str(seed))
    assert any((one != two).any() for one, two in zip(weights(tmp_path / "0"), weights(tmp_path / "1"), strict=True))


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("number", [slow(signal.SIGKILL), slow(signal.SIGINT), signal.SIGTERM])
def test_a_run_stopped_in_mid_epoch_and_resumed_ends_with_the_same_bits(
    number: signal.Signals, straight: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with Job(tmp_path, "train", *RECALL, "--out", run) as training:
        assert training.stop(number, lambda: in_mid_epoch(run)) == (-number if number == signal.SIGKILL else 130)
        message = training.text()
    last = f"Interrupted. Continue with: seqapp train recall --out {run} --resume\n"
    assert number == signal.SIGKILL or message.splitlines(keepends=True)[-1] == last
    assert not open_run(run).record["finished"]
    seqapp("train", *RECALL, "--out", run, "--resume")
    assert open_run(run).record["finished"]
    assert_same_bits(straight, run)
    assert (run / "history.csv").read_text().count("\n") == (straight / "history.csv").read_text().count("\n")


@pytest.mark.usefixtures("compiled")
def test_a_text_goes_on_with_the_state_it_carried(tmp_path: Path) -> None:
    options = ["text", *SMALL_OPTIONS["text"], "--epochs", 2, "--epoch-steps", 80, "--batch-size", 8, "--checkpoint-every", 25, "--dropout", 0.2,
               "--weight-drop", 0.2, "--ema-momentum", 0.9, "--schedule", "plateau"]  # fmt: skip
    seqapp("train", *options, "--out", tmp_path / "straight")
    with Job(tmp_path, "train", *options, "--out", tmp_path / "run") as training:
        assert training.stop(signal.SIGKILL, lambda: in_mid_epoch(tmp_path / "run")) == -signal.SIGKILL
    seqapp("train", *options, "--out", tmp_path / "run", "--resume")
    assert_same_bits(tmp_path / "straight", tmp_path / "run")


def test_a_run_in_training_is_left_alone_and_an_unfinished_one_says_so(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "run"
    with Job(tmp_path, "train", *RECALL, "--epochs", 1000, "--out", run) as training:
        wait_for(lambda: in_mid_epoch(run) or training.process.exitcode is not None, 120)
        refuses_company(run)
    assert "not finished: continue with --resume" in seqapp("list").stdout
    note = f"Note: the training of {run} has not finished; these are its best weights so far.\n"
    assert seqapp("predict", run, "A a b c d e f g h a b").stderr == note


def refuses_company(run: Path) -> None:
    """While it is trained, a run is neither trained again nor resumed, and `list` says so."""
    busy = (
        f"Error: {run}: another process is training in this folder. Wait for it to finish, or pass a different --out."
    )
    assert refused("train", *RECALL, "--out", run) == busy
    assert refused("train", *RECALL, "--out", run, "--force") == busy
    assert refused("train", *RECALL, "--out", run, "--resume") == busy
    assert "training now" in seqapp("list").stdout


def test_a_training_that_stops_early_says_what_it_kept(tmp_path: Path) -> None:
    message = seqapp(
        "train", *TWO_EPOCHS, "--epochs", 30, "--learning-rate", 0.5, "--patience", 2, "--out", tmp_path / "run"
    ).stderr
    losses = [row["validation_loss"] for row in _history(tmp_path / "run")]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 < 31
    assert message.endswith(
        f"no better validation loss in 2 epochs: stopped. Kept the weights of epoch {best}, validation loss {losses[best]:.4f}\n"
    )


def _history(run: Path) -> list[dict[str, float]]:
    with (run / "history.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_resuming_a_finished_run_changes_nothing_and_more_epochs_go_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    seqapp("train", *TWO_EPOCHS, "--out", run)
    before = weights(run)
    seqapp("evaluate", run)
    message = seqapp("train", "recall", "--out", run, "--resume").stderr
    assert message.startswith("training already finished after 2 epochs; pass a larger --epochs to continue\n")
    for one, two in zip(before, weights(run), strict=True):
        np.testing.assert_array_equal(one, two)
    assert (run / "metrics.json").is_file()
    seqapp("train", "recall", "--out", run, "--resume", "--epochs", 3)
    assert not (run / "metrics.json").is_file(), "what was measured is another network by now"
    assert [line.split(",")[0] for line in (run / "history.csv").read_text().splitlines()] == [
        "epoch",
        "0",
        "1",
        "2",
        "3",
    ]
    assert open_run(run).record["options"]["training"]["epochs"] == 3


def test_resume_refuses_what_would_make_it_another_run(straight: Path) -> None:
    message = refused("train", "recall", "--out", straight, "--resume", "--units", 32)
    assert message == (
        f"Error: {straight} was trained with --units 16; --resume cannot change it to 32. "
        "Use --force to train from scratch, or --out for another folder."
    )


def test_resume_refuses_another_model(straight: Path) -> None:
    message = refused("train", "recall", "--out", straight, "--resume", "--model", "gru")
    assert message == (
        f"Error: {straight} was trained on recall with --model lstm, not on recall with --model gru. "
        "Use --force to train from scratch, or --out for another folder."
    )


def test_a_run_is_never_overwritten_without_force(straight: Path) -> None:
    before = {file: file.read_bytes() for file in straight.rglob("*") if file.is_file()}
    message = refused("train", *RECALL, "--out", straight)
    assert message == (
        f"Error: {straight} already exists. Use --resume to continue, --force to start over, or --out for another folder."
    )
    assert refused("train", *RECALL, "--out", straight, "--force", "--resume") == (
        "Error: --resume continues a run and --force starts over: give one of them."
    )
    assert refused("train", *RECALL, "--out", straight, "--force", "--split", "0.9,0.9,0.9").startswith(
        "Error: --split"
    )
    assert before == {file: file.read_bytes() for file in straight.rglob("*") if file.is_file()}


def test_force_deletes_nothing_that_is_not_a_run(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    message = refused("train", *TWO_EPOCHS, "--out", tmp_path, "--force")
    assert message == (f"Error: {tmp_path}: not a run folder (no run.json), and not empty. Choose another --out.")
    assert (tmp_path / "thesis.txt").read_text() == "three years"


def test_a_diverging_run_stops_with_a_message_and_keeps_the_last_good_weights(tmp_path: Path) -> None:
    run = tmp_path / "run"
    seqapp("train", *TWO_EPOCHS, "--out", run)
    good = weights(run)
    result = seqapp("train", "recall", "--out", run, "--resume", "--epochs", 9, "--learning-rate", "1e6", code=1)
    assert result.stderr.splitlines()[-1].startswith("Error: training diverged at epoch 3, step ")
    assert "learning rate 1e+06" in result.stderr
    assert (
        f"The last good weights are kept in {run / 'model.keras'}. Try --resume --learning-rate 0.001" in result.stderr
    )
    for one, two in zip(good, weights(run), strict=True):
        np.testing.assert_array_equal(one, two)
    seqapp("train", "recall", "--out", run, "--resume", "--learning-rate", "0.001")
    assert all(np.isfinite(value).all() for value in weights(run))


def test_a_learning_rate_that_diverges_at_once_leaves_finite_weights(tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = seqapp("train", *TWO_EPOCHS, "--learning-rate", "1e6", "--out", run, code=1)
    assert "Error: training diverged at epoch 1, step 2" in result.stderr
    assert all(np.isfinite(value).all() for value in weights(run))


def test_a_training_ends_where_it_is_good_enough(tmp_path: Path) -> None:
    arguments = ["train", "recall", *SMALL_OPTIONS["recall"], "--out", tmp_path / "run"]
    message = seqapp(*arguments, "--epochs", 5, "--stop-below", 99).stderr
    assert message.splitlines()[-1] == "validation loss below 99: stopped"
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 1 + 1  # the untrained network is enough
    seqapp("train", "recall", "--out", tmp_path / "run", "--resume", "--stop-below", 0)
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 1 + 6


def test_run_json_says_what_was_done(straight: Path) -> None:
    record = json.loads((straight / "run.json").read_text())
    assert record["command"][0] == "seqapp"
    assert record["options"]["dataset"]["sequences"] == 2000
    options = {"units": 16, "layers": 1, "dropout": 0.2, "engine": "fast"}
    assert options.items() <= record["options"]["network"].items()
    left = {name for name, value in record["options"]["network"].items() if value is None}
    assert left == {"forget_bias", "chrono", "recurrent_init"}
    assert record["seed"] == record["options"]["training"]["seed"] == 0
    assert set(record["versions"]) >= {"seqapp", "python", "tensorflow", "keras"}
    assert len(record["data"]["sha256"]) == 64
    assert record["parameters"] == 17 * 16 + 4 * 16 * (16 + 16 + 1) + 17 * 8
    assert record["finished"]
    assert record["seconds"] > 0


def test_progress_is_plain_lines_on_stderr(tmp_path: Path) -> None:
    result = seqapp("train", *TWO_EPOCHS, "--out", tmp_path / "run")
    assert [line.split()[:2] for line in result.stderr.splitlines()] == [["epoch", "1/2"], ["epoch", "2/2"]]
    assert "\x1b" not in result.output
    assert "\r" not in result.output
    folder, seconds = tmp_path / "run", result.stdout.split()[3]
    parameters = open_run(folder).record["parameters"]
    assert result.stdout == f"{folder}  {parameters} parameters, {seconds} s. Next: seqapp evaluate {folder}\n"


def test_keras_callbacks_are_called(tmp_path: Path) -> None:
    import keras

    from seqapp import rooms
    from seqapp.contract.options import NetworkOptions
    from seqapp.networks.factory import build, layer_of
    from seqapp.runs.options import TrainingOptions
    from seqapp.training.loop import train
    from seqapp.training.progress import Progress

    seen: list[str] = []

    class Witness(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_train_begin(self, logs: Any = None) -> None:
            seen.append("begin")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(f"epoch {epoch}, {sorted(logs)[-1]}")

    dataset = small_dataset("fibonacci")
    network = build(dataset.task, layer_of(rooms.find("models", "gru"), {}), NetworkOptions(units=4))
    train(
        tmp_path,
        dataset,
        network,
        TrainingOptions(epochs=2, batch_size=64, learning_rate=0.01, patience=5, checkpoint_every=100),
        Progress(),
        callbacks=[Witness()],
    )
    assert seen == ["begin", "epoch 0, validation_loss", "epoch 1, validation_loss"]
