"""A user's file with a bug is refused before anything is trained, in one line that names the member at fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import OWN_FILES, refused, seqapp

WEB_LOG = (OWN_FILES / "web_log.py").read_text()
pytestmark = pytest.mark.usefixtures("preflight")
LAYER = "import keras\n\n\ndef layer(units, name):\n    return {}\n"


@pytest.mark.parametrize(
    ("right", "wrong", "output"),
    [
        ("return WebLog(Task(", "WebLog(Task(", "load: expected a seqapp.contract.Dataset, got NoneType."),
        ('"rows": len(visits), ', "", "`data`: expected sha256, rows and source, got sha256, source."),
        ('{"pages": [visits[-1]]}', '{"page": [visits[-1]]}', "`latest`: expected the inputs of the signature, pages, got page."),
        ("self.task, self.visits, self.cut, self.split =", "self.task, self.visits, self.cut, self.parts =",
         "the dataset's `split`: expected an attribute, got none."),
        ("rows[:, 1:] > 0)", "rows > 0)", "examples('train'), weights: expected shape (256, 15), got (256, 16)."),
        ("rows[:, 1:] > 0)", "rows[:, 1:] > 99)", "examples('train'), weights: expected some above 0, none below, got others."),
        ("rows[:, :-1], rows[:, 1:],", "rows[:, :-1], rows,", "examples('train'), targets: expected shape (256, 15), got (256, 16)."),
        ("rows[:, :-1], rows", "rows[:, :-1] / 1.0, rows", "examples('train'), inputs: expected int32, got float64."),
        ("Category(len(self.tokens))", "Category(4)", "examples('train'), targets: expected numbers from 0 to 3, got 0 to 7."),
        ("Tokens(len(self.tokens))", "Tokens(5)", "examples('train'), inputs: expected numbers from 0 to 4, got 0 to 7."),
        ('order), "probability": probability}', 'order)[0, 0], "probability": probability}',
         "answer, 'next': expected a leading batch axis, got a single value."),
        ('return {"next": tf.gather(tf.constant(self.tokens[2:]), order), "probability": probability}', "return probability",
         "answer: expected a dictionary of tensors by name, got SymbolicTensor."),
        ('axis=1)}, item', 'axis=1)}', "extend: expected the next raw inputs and the item, got dict."),
        ('return {"pages": np.append', 'return {"page": np.append', "extend: expected raw inputs pages, got page."),
    ],
)  # fmt: skip
def test_a_bug_in_a_dataset_is_named(right: str, wrong: str, output: str, tmp_path: Path) -> None:
    assert right in WEB_LOG
    (tmp_path / "buggy.py").write_text(WEB_LOG.replace(right, wrong, 1))
    message = refused("train", "./buggy.py")
    assert message.removesuffix(" datasets/README.md says what a dataset gives.") == f"Error: {output}"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("right", "wrong", "output"),
    [
        ("def extend(", "def extends(", "in load: TypeError: Can't instantiate abstract class Task with abstract method extend"),
        ("(options, seed)", "(options)", "buggy.py: load does not take its arguments (options, seed): got an unexpected keyword argument 'seed'."),
        ("self.rows(split)", "self.row(split)", "in examples: AttributeError: 'WebLog' object has no attribute 'row'"),
        ("tf.nn.softmax(logits)", "tf.nn.sofmax(logits)", "in answer: AttributeError: "),
    ],
)  # fmt: skip
def test_an_error_in_a_users_file_is_told_with_its_line(right: str, wrong: str, output: str, tmp_path: Path) -> None:
    (tmp_path / "buggy.py").write_text(WEB_LOG.replace(right, wrong, 1))
    message = refused("train", "./buggy.py")
    assert output in message
    if output.startswith("in "):
        assert message.startswith(f"Error: {tmp_path / 'buggy.py'}, line ")
        assert message.endswith("(Set SEQAPP_TRACEBACK=1 for the full traceback.)")


def test_a_misspelt_default_is_refused(tmp_path: Path) -> None:
    (tmp_path / "buggy.py").write_text(WEB_LOG.replace('"units": 24', '"unit": 24'))
    assert refused("train", "./buggy.py").startswith(
        "Error: DEFAULTS: no training option named 'unit'. Did you mean 'units'?"
    )


@pytest.mark.filterwarnings("ignore:`build:UserWarning")  # Keras's own hint, which names neither file nor advice
def test_a_cell_whose_weights_could_not_be_read_back_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lazy.py").write_text(
        '"""Lazy."""\nimport keras\n\n\nclass Cell(keras.layers.Layer):\n    def __init__(self, units, **rest):\n'
        "        super().__init__(**rest)\n        self.units = self.state_size = units\n"
        "        self.inner, self.outer = keras.layers.Dense(units), keras.layers.Dense(units)\n\n"
        "    def call(self, inputs, states):\n        new = keras.ops.tanh(self.inner(inputs) + self.outer(states[0]))\n"
        "        return new, [new]\n\n\ndef layer(units, name):\n"
        "    return keras.layers.RNN(Cell(units), return_sequences=True, return_state=True, name=name)\n"
    )
    message = refused("train", "fibonacci", "--sequences", 100, "--test-digits", 30, "--model", "./lazy.py")
    assert message.startswith(
        "Error: the model's weights cannot be read back. Give a cell that holds other layers a `build"
    )


@pytest.mark.usefixtures("no_training")
def test_a_file_beside_a_users_file_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "cells_beside.py").write_text(
        "def cell(units):\n    import keras\n\n    return keras.layers.GRUCell(units)\n"
    )
    (tmp_path / "mine.py").write_text(
        "def layer(units, name):\n    import keras\n    from cells_beside import cell\n\n"
        "    return keras.layers.RNN(cell(units), return_sequences=True, return_state=True, name=name)\n"
    )
    seqapp("train", "fibonacci", "--sequences", 100, "--test-digits", 30, "--epochs", 1, "--model", "./mine.py")


@pytest.mark.usefixtures("no_training")
def test_a_run_moves_with_a_copy_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "web_log.py").write_text(WEB_LOG)
    seqapp("train", "./web_log.py", "--epochs", 1, "--out", tmp_path / "run")
    (tmp_path / "web_log.py").rename(tmp_path / "run" / "web_log.py")
    assert seqapp("predict", tmp_path / "run", "home search").stdout.startswith("next: ")


@pytest.mark.usefixtures("no_training")
def test_a_changed_file_is_said_to_have_changed(tmp_path: Path) -> None:
    (tmp_path / "web_log.py").write_text(WEB_LOG)
    seqapp("train", "./web_log.py", "--epochs", 1, "--out", tmp_path / "run")
    (tmp_path / "web_log.py").write_text(
        WEB_LOG.replace("sessions: int", "visits: int").replace("options.sessions", "options.visits")
    )
    message = refused("evaluate", tmp_path / "run")
    assert message == (
        f"Error: {tmp_path / 'web_log.py'} has changed since training: other options (sessions, visits). "
        "Train again with --force."
    )


def test_a_name_of_ones_own_file_is_told_apart_from_its_path(tmp_path: Path) -> None:
    (tmp_path / "web_log.py").write_text(WEB_LOG)
    assert refused("train", "web_log").endswith("Your own file is named by its path: ./web_log.py")


@pytest.mark.usefixtures("no_training")
def test_a_generation_ends_where_the_task_says_so(tmp_path: Path) -> None:
    (tmp_path / "web_log.py").write_text(
        WEB_LOG.replace("axis=1)}, item", 'axis=1)}, None if raw["pages"].shape[1] > 3 else item')
    )
    seqapp("train", "./web_log.py", "--epochs", 1, "--out", tmp_path / "run")
    assert len(seqapp("generate", tmp_path / "run", "--prompt", "home search", "--steps", 9).stdout.split()) == 2
