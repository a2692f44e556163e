"""What many tests share: a command line in process and out of it, small trained runs, real data where it is there."""

from __future__ import annotations

import atexit
import fcntl
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from seqapp import rooms
from seqapp.api import train
from seqapp.cli import main
from seqapp.commands._train import parse
from seqapp.system.files import publish
from seqapp.system.tensorflow import start_tensorflow
from seqapp.training.checkpoint import Position
from seqapp.training.loop import Trainer

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
OWN_FILES = ROOT / "tests" / "own"  # files as a user writes them
# For each dataset, options that train in a second or two. A dataset without a row here is trained with its defaults.
SMALL_OPTIONS = {
    "fibonacci": ["--sequences", "300", "--dropout", "0", "--test-digits", "40", "--epochs", "2", "--units", "16"],
    "weather_dinner": ["--days", "1500", "--epochs", "2", "--units", "8", "--window", "10"],
    "text": ["--corpus", "stories", "--epochs", "1", "--units", "8", "--bptt", "16"],
    "stock": ["--epochs", "2", "--units", "8", "--window", "12", "--horizon", "2"],
    "recall": ["--gap", "10", "--sequences", "400", "--epochs", "1", "--units", "8"],
    "temporal_order": ["--gap", "10", "--sequences", "400", "--epochs", "1", "--units", "8"],
    "adding": ["--gap", "10", "--sequences", "400", "--epochs", "1", "--units", "8"],
}
# What networks read of a dataset and how they answer. What depends on this alone is tested on the first of a kind by
# `make test`, on all by `make test-all`; a dataset that is not named here is tested by both.
KINDS = {
    "fibonacci": ("vectors", "category"),
    "weather_dinner": ("vectors", "category"),
    "recall": ("tokens", "category"),
    "temporal_order": ("tokens", "category"),
    "text": ("tokens", "category", "streams"),
    "stock": ("vectors", "quantiles"),
    "adding": ("vectors", "quantiles"),
}
MODEL = {
    "fibonacci": "simple_rnn",
    "weather_dinner": "gru",
    "text": "lstm",
    "stock": "lstm",
    "recall": "lstm",
    "temporal_order": "gru",
    "adding": "lstm",
}
TRAIN = train.train
COMPILED: list[Any] = []  # the engine's own way from a loop to a function
PREFLIGHT: dict[str, Any] = dict.fromkeys(["check_dataset", "check_weights", "check_causal", "check_answers"])


def slow(value: object) -> Any:
    """A parameter with which a test is left to `make test-all`."""
    return pytest.param(value, marks=pytest.mark.slow)


def by_kind(names: Iterable[str]) -> list[Any]:
    """Datasets as parameters of a test that depends on the kinds of features and head alone."""
    first = {kind: name for name, kind in reversed(KINDS.items())}
    return [name if first.get(KINDS.get(name, ()), name) == name else slow(name) for name in names]


@pytest.fixture(scope="session", autouse=True)
def _tensorflow() -> None:
    # A shell that runs the tests in the background has them ignore Ctrl-C, and every process that they start too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    start_tensorflow()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs in a folder of its own: what lies in the checkout's runs/ is neither seen nor touched."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ".state"))


def seqapp(*arguments: object, code: int = 0, stdin: str | bytes | None = None) -> Result:
    """Run a command in this process; fails the test if the exit code is another one."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def refused(*arguments: object, stdin: str | None = None) -> str:
    """The one line on stderr with which a command refuses bad input: exit code 2, nothing on stdout."""
    result = seqapp(*arguments, code=2, stdin=stdin)
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def process(*arguments: object, cwd: Path | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `seqapp` as a process of its own, as a user does."""
    command = [sys.executable, "-m", "seqapp", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)
    assert done.returncode == code, done.stderr
    return done


def ask(run: Path, question: Any, signature: str = "serving_default") -> dict[str, Any]:
    """What the run's SavedModel answers in a process that has TensorFlow alone."""
    asker = _asker()
    assert asker.stdin is not None
    assert asker.stdout is not None
    request = question if isinstance(question, str) else json.dumps(question)
    asker.stdin.write(json.dumps([str(run), request, signature]) + "\n")
    asker.stdin.flush()
    line = asker.stdout.readline()
    if not line:
        _asker.cache_clear()
        raise AssertionError("the process that asks has ended: see its traceback on stderr")
    answer: dict[str, Any] = json.loads(line)
    return answer


@functools.cache
def _asker() -> subprocess.Popen[str]:
    """tests/ask_saved_model.py, which answers line by line until the tests end: TensorFlow takes seconds to load."""
    command = [sys.executable, "-I", str(Path(__file__).parent / "ask_saved_model.py")]
    asker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(asker.communicate)
    return asker


def small_dataset(name: str, seed: int = 0) -> Any:
    """A dataset with the options of `SMALL_OPTIONS`."""
    room, model = rooms.find("datasets", name), rooms.find("models", "lstm")
    return room.load(seed, **parse(room, model, [str(word) for word in SMALL_OPTIONS.get(name, [])]).dataset_options)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this session see."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """The folder, which `make` fills if no other worker has: under another name first, so that it is whole or absent."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            shutil.rmtree(draft := folder.with_suffix(".draft"), ignore_errors=True)
            make(draft)
            draft.rename(folder)
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path) -> Callable[[str], Path]:
    """A small run of a dataset, trained once a session; each worker has a copy of its own."""

    def make(dataset: str, folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(train, "train", TRAIN)  # also where the test that asks first trains nothing
            seqapp(
                "train",
                dataset,
                "--model",
                MODEL.get(dataset, "lstm"),
                "--out",
                folder,
                *SMALL_OPTIONS.get(dataset, []),
            )

    @functools.cache
    def run(dataset: str) -> Path:
        name = f"{dataset}-{MODEL.get(dataset, 'lstm')}"
        once = made_once(shared_folder / f"trained-{name}", lambda folder: make(dataset, folder))
        return Path(shutil.copytree(once, tmp_path_factory.mktemp("runs") / name))

    return run


@pytest.fixture(scope="session")
def exported(
    trained: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, shared_folder: Path
) -> Callable[[str], Path]:
    """The small run of a dataset with one export; each worker has a copy of its own."""

    def export(dataset: str, folder: Path) -> None:
        shutil.copytree(trained(dataset), folder)
        shutil.rmtree(folder / "export", ignore_errors=True)
        assert seqapp("export", folder).stdout == f"{folder / 'export' / '1'}\n"

    @functools.cache
    def run(dataset: str) -> Path:
        once = made_once(shared_folder / f"exported-{dataset}", lambda folder: export(dataset, folder))
        return Path(shutil.copytree(once, tmp_path_factory.mktemp("exported") / trained(dataset).name))

    return run


def save_untrained(
    folder: Path, dataset: Any, network: Any, plan: Any, report: Any, resume: bool = False, callbacks: Any = ()
) -> Position:
    """Stand in for the training loop: initial weights, a history and a checkpoint; nothing is compiled or learned.

    A run is resumed by the real loop, which has nothing to do unless there are more epochs.
    """
    if resume:
        return TRAIN(folder, dataset, network, plan, report, resume=True)
    trainer = Trainer(folder, dataset, network, plan)
    trainer.position = Position(epoch=plan.epochs, best=1.0, seconds=1.0, finished=True)
    for epoch in range(plan.epochs + 1):
        losses = {"train_loss": 2.0 / (epoch + 1), "validation_loss": 2.0 / (epoch + 1)}
        trainer.position.history.append({"epoch": epoch, **losses, "learning_rate": 0.01, "seconds": float(epoch)})
    publish(folder / "model.keras", network.model.save)
    publish(folder / "history.csv", trainer._write_history)
    trainer.save()
    return trainer.position


@contextmanager
def training_switched_off() -> Iterator[None]:
    """`seqapp train` makes a whole run folder in a second, with the initial weights; for fixtures of whole modules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "train", save_untrained)
        yield


@pytest.fixture
def no_training() -> Iterator[None]:
    """`seqapp train` makes a whole run folder in a second, with the initial weights."""
    with training_switched_off():
        yield


@pytest.fixture
def untrained_run(no_training: None, tmp_path: Path) -> Callable[..., Path]:
    """`untrained_run(dataset, *options)`: a run folder with initial weights, for what needs a run and no training."""

    def run(dataset: str, *options: object) -> Path:
        folder = tmp_path / "run"
        seqapp("train", dataset, "--out", folder, *options)
        return folder

    return run


def plain_loop(loop: Any, step: Any, compile_loop: bool) -> Any:
    """The engine's loops as plain TensorFlow: the same numbers, without seconds of compiling for each shape."""
    import tensorflow as tf

    return tf.function(functools.partial(loop, step), autograph=False)


@pytest.fixture(scope="session", autouse=True)
def _quick(_tensorflow: None) -> Iterator[None]:
    """Tests run on plain loops and check no contract before a training run; the fixtures below bring both back."""
    from seqapp.layers.engine import compilation

    with pytest.MonkeyPatch.context() as patch:
        COMPILED.append(compilation._function)
        patch.setattr(compilation, "_function", functools.cache(plain_loop))
        for check in PREFLIGHT:
            PREFLIGHT[check] = getattr(train, check)
            patch.setattr(train, check, lambda *_: None)
        yield


@contextmanager
def compiled_engine() -> Iterator[None]:
    """The engine as users have it, for fixtures of whole modules."""
    from seqapp.layers.engine import compilation

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compilation, "_function", COMPILED[0])
        yield


@pytest.fixture
def compiled() -> Iterator[None]:
    """The engine as users have it, compiled by XLA: for tests that prove just that."""
    with compiled_engine():
        yield


@pytest.fixture(params=["plain", pytest.param("compiled", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """A test of the layers, on plain loops; in `make test-all` also as users have them, compiled."""
    with compiled_engine() if request.param == "compiled" else nullcontext():
        yield request.param


@pytest.fixture
def preflight(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `seqapp train` checks before the first step, switched on."""
    for check, function in PREFLIGHT.items():
        monkeypatch.setattr(train, check, function)


@pytest.fixture
def shared() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data: {SHARED} is absent")
    return SHARED
