"""What many tests share: a command line in process and out of it, small trained runs, real data where it is there."""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from seqapp import rooms
from seqapp.cli import main
from seqapp.commands._train import parse
from seqapp.system.tensorflow import start_tensorflow

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
OWN = ROOT / "tests" / "own"  # files as a user writes them
# For each dataset, options that train in a second or two. A dataset without a row here is trained with its defaults.
SMALL = {
    "fibonacci": ["--sequences", "300", "--dropout", "0", "--test-digits", "40", "--epochs", "2", "--units", "16"],
    "weather_dinner": ["--days", "1500", "--epochs", "2", "--units", "8", "--window", "10"],
    "text": ["--corpus", "stories", "--epochs", "1", "--units", "8", "--bptt", "16"],
    "stock": ["--epochs", "2", "--units", "8", "--window", "12", "--horizon", "2"],
    "recall": ["--gap", "10", "--sequences", "400", "--epochs", "1", "--units", "8"],
    "temporal_order": ["--gap", "10", "--sequences", "400", "--epochs", "1", "--units", "8"],
    "adding": ["--gap", "10", "--sequences", "400", "--epochs", "1", "--units", "8"],
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
    asked = question if isinstance(question, str) else json.dumps(question)
    asker.stdin.write(json.dumps([str(run), asked, signature]) + "\n")
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
    """A dataset with the options of `SMALL`."""
    room, model = rooms.find("datasets", name), rooms.find("models", "lstm")
    return room.load(seed, **parse(room, model, [str(word) for word in SMALL.get(name, [])]).dataset_options)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A small run of a dataset, trained once a session."""
    made: dict[str, Path] = {}

    def run(dataset: str) -> Path:
        if dataset not in made:
            folder = tmp_path_factory.mktemp("runs") / f"{dataset}-{MODEL.get(dataset, 'lstm')}"
            seqapp("train", dataset, "--model", MODEL.get(dataset, "lstm"), "--out", folder, *SMALL.get(dataset, []))
            made[dataset] = folder
        return made[dataset]

    return run


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's loops as plain TensorFlow: what they compute is tested by itself, and compiling takes seconds each."""
    import tensorflow as tf

    from seqapp.layers.engine import compilation

    def plain(loop: Any, step: Any, compile_loop: bool) -> Any:
        return tf.function(functools.partial(loop, step), autograph=False)

    monkeypatch.setattr(compilation, "_function", functools.cache(plain))


@pytest.fixture
def shared() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data: {SHARED} is absent")
    return SHARED
