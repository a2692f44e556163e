"""Options that are declared once: what the command line, run.json's check and the docs derive from a dataclass."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT, refused, seqapp

from seqapp import rooms
from seqapp.contract.options import NetworkOptions, Range, option, options_of, rows
from seqapp.errors import BadInput
from seqapp.runs.options import TrainingOptions
from seqapp.runs.record import check_options


@dataclass(frozen=True)
class Options:
    gap: int = option(20, "Number of distractors.", minimum=10)
    share: float | None = option(None, "A share.", minimum=0, below=1, default_text="by the data")
    level: str = option("char", "A token.", choices=("char", "word"))
    file: tuple[str, ...] = option((), "A text.", metavar="FILE")
    noisy: bool = option(False, "Add noise.")


@pytest.mark.parametrize(
    ("limits", "text", "inside", "outside"),
    [
        ({"minimum": 1}, "x>=1", [1, 9], [0]),
        ({"above": 0}, "x>0", [0.1], [0, -1]),
        ({"minimum": 0, "below": 1}, "0<=x<1", [0, 0.9], [1, -0.1]),
        ({"maximum": 5}, "x<=5", [5, -5], [6]),
        ({"minimum": 2, "maximum": 300}, "2<=x<=300", [2, 300], [1, 301]),
        ({}, "", [-1e9, 1e9], []),
    ],
)
def test_a_range_says_what_it_contains(
    limits: dict[str, float], text: str, inside: list[float], outside: list[float]
) -> None:
    numbers = Range(**limits)
    assert str(numbers) == text
    assert all(value in numbers for value in inside)
    assert not any(value in numbers for value in outside)


def test_rows_of_a_table_are_the_declarations() -> None:
    assert rows(options_of(Options), {"gap": 30}) == [
        ("--gap", "30", "x>=10", "Number of distractors."),
        ("--share", "by the data", "0<=x<1", "A share."),
        ("--level", "char", "char|word", "A token."),
        ("--file", "", "FILE", "A text."),
        ("--noisy", "off", "", "Add noise."),
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gap": 9}, "gap: 9 is not in the range x>=10."),
        ({"gap": 20.5}, "gap: expected a whole number, got 20.5."),
        ({"gap": None}, "gap: expected a whole number, got null."),
        ({"share": 1}, "share: 1.0 is not in the range 0<=x<1."),
        ({"level": "line"}, "level: 'line' is not one of 'char', 'word'."),
        ({"file": "a"}, 'file: expected a list of which each is text, got "a".'),
        ({"file": [1]}, "file: expected a list of which each is text, got [1]."),
        ({"noisy": 1}, "noisy: expected true or false, got 1."),
    ],
)
def test_values_of_run_json_are_checked(values: dict[str, object], message: str) -> None:
    check_options(Path("run.json"), "o", options_of(Options), {"gap": 10, "share": None, "file": ["a"]})
    with pytest.raises(BadInput) as error:
        check_options(Path("run.json"), "o", options_of(Options), values)
    assert str(error.value) == f"run.json: o.{message} Train again with --force."


def test_every_general_option_has_a_help_text_and_a_group() -> None:
    for declared in (*options_of(NetworkOptions), *options_of(TrainingOptions)):
        assert declared.help.endswith("."), declared.name
        assert declared.group, declared.name


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def layer(units, name): ...\ndef network(task, options, seed): ...\n", "both 'layer' and 'network'"),
        ("", "neither 'layer' nor 'network'"),
    ],
)
def test_a_model_file_defines_one_of_layer_and_network(code: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(code)
    assert refused("train", "recall", "--model", tmp_path / "mine.py") == (
        f"Error: {tmp_path / 'mine.py'} defines {message}; a model file defines one of them, as models/README.md says."
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("class Options:\n    gap: int = 2\n", "must be called with a dataclass type or instance"),
        (
            "from dataclasses import dataclass\n@dataclass\nclass Options:\n    gap: 'Missing' = 2\n",
            "name 'Missing' is not defined",
        ),
        ("from dataclasses import dataclass\n@dataclass\nclass Options:\n    gap: int\n", "gap has no default"),
    ],
)
def test_wrong_declarations_are_named(code: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"{code}\n\ndef layer(units, name): ...\n")
    assert refused("train", "recall", "--model", tmp_path / "mine.py") == (
        f"Error: {tmp_path / 'mine.py'}: Options: expected a dataclass with a type and a default for each field: "
        f"{message}."
    )


def test_a_network_file_gets_task_options_seed_and_its_own_options(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\n\nfrom seqapp.contract.options import option\n\n\n"
        "@dataclass(frozen=True)\nclass Options:\n    hops: int = option(3, 'Hops.')\n\n\n"
        "def network(task, options, seed, hops):\n    return task, options, seed, hops\n\n\n"
        "def reads(feature):\n    return feature == 'tree'\n"
    )
    room = rooms.find("models", str(tmp_path / "mine.py"))
    assert room.defines("network")
    assert not room.defines("layer")
    assert room.network("task", NetworkOptions(), 5) == ("task", NetworkOptions(), 5, 3)
    assert room.network("task", NetworkOptions(), 5, hops=2)[-1] == 2
    assert (room.reads("tree"), room.reads("tokens")) == (True, False)


def test_default_models_are_the_ones_that_say_so() -> None:
    assert "[default: lstm]" in " ".join(seqapp("train", "recall", "--help").stdout.split())
    assert rooms.compared_models() == ["simple_rnn", "lstm", "gru"]


@pytest.mark.parametrize(
    "module", ["seqapp.contract", "seqapp.cli", "seqapp.commands.train", "seqapp.commands.compare"]
)
def test_tensorflow_is_loaded_when_it_is_first_used(module: str) -> None:
    script = f"import sys, {module}; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "False False\n"


def test_lazy_tensorflow_is_tensorflow() -> None:
    import keras as real_keras
    import tensorflow as real_tensorflow

    from seqapp.system.tensorflow import keras, tf

    assert tf.constant is real_tensorflow.constant
    assert keras.layers.Dense is real_keras.layers.Dense
    assert tf.__version__ == real_tensorflow.__version__
    assert not hasattr(tf, "__wrapped__")
