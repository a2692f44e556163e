"""What the contract was not written for: a dataset and a model of the user's own, a file each, outside the checkout."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import OWN_FILES, ROOT, SMALL_OPTIONS, ask, refused, seqapp, slow

from seqapp import rooms


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside the checkout with the user's files, made the working directory."""
    for file in OWN_FILES.glob("*.py"):
        (tmp_path / file.name).write_text(file.read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_fifth_dataset_goes_the_whole_way(outside: Path) -> None:
    seqapp("train", "./web_log.py", "--model", "gru", "--epochs", 6)
    run = outside / "runs" / "web_log-gru"
    document = json.loads(seqapp("evaluate", run, "--json").stdout)
    assert document["baselines"].keys() == {"majority", "markov"}
    assert document["metrics"]["accuracy"] > document["baselines"]["markov"]["accuracy"] + 0.1
    assert "better than always the most frequent page and the Markov chain" in document["verdict"]
    predicted = json.loads(seqapp("predict", run, "home search", "--json").stdout)["predictions"][0]
    seqapp("export", run)
    answer = ask(run, {"pages": [["home", "search", ""], ["home", "list", "item"]]})
    assert answer["next"][0] == predicted["next"]
    np.testing.assert_allclose(answer["probability"][0], predicted["probability"], atol=1e-6)
    result = seqapp("generate", run, "--prompt", "home", "--steps", 5, "--seed", 2).stdout.split()
    assert len(result) == 5


@pytest.mark.usefixtures("no_training")  # the first epoch; the second one is trained
@pytest.mark.parametrize("dataset", ["./web_log.py", *map(slow, rooms.names("datasets"))])
def test_a_fourth_model_works_with_all_datasets(dataset: str, outside: Path) -> None:
    seqapp(
        "train",
        dataset,
        *SMALL_OPTIONS.get(dataset, []),
        "--model",
        "./stacked_gru.py",
        "--epochs",
        1,
        "--depth",
        3,
        "--out",
        "run",
    )
    document = json.loads(seqapp("evaluate", "run", "--json").stdout)
    assert document["model"] == "stacked_gru"
    seqapp("train", dataset, "--out", "run", "--resume", "--epochs", 2)
    seqapp("export", "run")
    message = json.loads(seqapp("predict", "run", "--json").stdout)["predictions"][0]
    answer = {name: values[0] for name, values in ask(outside / "run", "--latest").items()}
    assert answer == {name: message[name] for name in answer}


def test_the_readmes_dataset_is_complete_and_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "datasets" / "README.md").read_text(), re.DOTALL)
    assert code
    (tmp_path / "birds.py").write_text(code.group(1))
    monkeypatch.chdir(tmp_path)
    seqapp("train", "./birds.py")
    document = json.loads(seqapp("evaluate", "runs/birds-lstm", "--json").stdout)
    assert "better than always the most frequent bird and the Markov chain" in document["verdict"]
    seqapp("export", "runs/birds-lstm")
    question = {"visits": [["robin", "wren", "tit"]]}
    message = json.loads(seqapp("predict", "runs/birds-lstm", "robin wren tit", "--json").stdout)["predictions"][0]
    assert ask(tmp_path / "runs" / "birds-lstm", question)["next"] == [message["next"]]
    assert len(seqapp("generate", "runs/birds-lstm", "--steps", 10, "--prompt", "robin wren").stdout.split()) == 10


@pytest.mark.usefixtures("no_training")
def test_the_readmes_model_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "models" / "README.md").read_text(), re.DOTALL)
    assert code
    (tmp_path / "stacked_gru.py").write_text(code.group(1))
    monkeypatch.chdir(tmp_path)
    seqapp("train", "fibonacci", *SMALL_OPTIONS["fibonacci"], "--model", "./stacked_gru.py")
    assert (tmp_path / "runs" / "fibonacci-stacked_gru" / "model.keras").is_file()


class TestMistakes:
    def test_a_file_that_is_not_there(self, outside: Path) -> None:
        message = refused("train", "./web_lgo.py")
        assert message == (
            "Error: no file 'web_lgo.py'. Give the path of a dataset file, or one of: adding, fibonacci, recall, stock, temporal_order, text, weather_dinner."
        )

    def test_a_file_that_fails_to_import_shows_its_own_error(self, outside: Path) -> None:
        (outside / "broken.py").write_text('"""Broken."""\nimport math\n\nROWS = undefined + 1\n')
        message = refused("train", "./broken.py")
        assert message == (
            "Error: broken.py, line 4: the file exists but fails to import: NameError: name 'undefined' is not defined"
        )

    def test_a_file_that_is_not_python(self, outside: Path) -> None:
        (outside / "broken.py").write_text("def load(:\n")
        assert refused("train", "./broken.py").startswith(
            "Error: broken.py, line 1: the file exists but fails to import: SyntaxError"
        )

    def test_a_dataset_without_a_task(self, outside: Path) -> None:
        (outside / "half.py").write_text("def load(seed):\n    return None\n")
        message = refused("train", "./half.py")
        assert (
            message
            == f"Error: {outside / 'half.py'} defines no 'Task'; datasets/README.md says what a file there must define."
        )

    @pytest.mark.usefixtures("preflight")
    def test_a_model_that_looks_ahead(self, outside: Path) -> None:
        (outside / "ahead.py").write_text(
            "def layer(units, name):\n    import keras\n"
            "    return keras.layers.GRU(units, go_backwards=True, return_sequences=True, return_state=True, name=name)\n"
        )
        message = refused("train", "stock", "--model", "./ahead.py", *SMALL_OPTIONS["stock"])
        assert message.startswith(
            "Error: the model looks ahead: its outputs at a step change when only later inputs do"
        )
        assert not (outside / "runs").exists()

    def test_a_model_without_state(self, outside: Path) -> None:
        (outside / "stateless.py").write_text(
            "def layer(units, name):\n    import keras\n    return keras.layers.Dense(units, name=name)\n"
        )
        message = refused("train", "stock", "--model", "./stateless.py", *SMALL_OPTIONS["stock"])
        assert message == (
            "Error: the model's layer, a Dense, gives no sequence with its state. Return a Keras recurrent layer with "
            "return_sequences=True and return_state=True, such as keras.layers.RNN around a cell."
        )

    def test_an_option_declared_twice(self, outside: Path) -> None:
        text = (outside / "stacked_gru.py").read_text().replace("depth: int", "units: int")
        (outside / "twice.py").write_text(text)
        message = refused("train", "stock", "--model", "./twice.py")
        assert message == "Error: the option --units is declared twice: rename it in your dataset or model file."
