"""The benchmarks run, at their smallest: what they measure is theirs to say, that they still can is said here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import conftest
import pytest

from benchmarks import contenders, defaults, recurrence, text, to_loss
from benchmarks.contenders import Size

SMALLEST = Size(2, 4, 8, 1)


@pytest.fixture(autouse=True)
def _smallest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Networks of eight units; without PyTorch, which is installed for benchmarks alone."""
    for name, value in {
        "SIZES": [SMALLEST], "WORK": 64, "PRODUCTS": [(8, 8, 8)], "LONGER": [SMALLEST], "LARGER": [SMALLEST],
        "TOKENS": 1, "KINDS": {"LSTM": "LSTM"}, "RESULTS": tmp_path,
        "CONTENDERS": {"seqapp": contenders.seqapp, "keras": contenders.keras_fit, "pytorch": contenders.seqapp},
        "WRITERS": {"seqapp": contenders.seqapp_writer, "pytorch": contenders.seqapp_writer},
    }.items():  # fmt: skip
        monkeypatch.setattr(recurrence, name, value)
    monkeypatch.setattr(contenders, "WRITER", SMALLEST)

    def in_process(*arguments: object) -> tuple[str, float, float]:
        return conftest.seqapp(*arguments).stdout, 1.0, 2.0

    monkeypatch.setattr(text, "seqapp", in_process)


def test_the_engine_is_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = recurrence.training(1)
    assert rows[0].keys() == {"layer", "size", "seqapp", "keras", "pytorch"}
    recurrence.draw(rows, tmp_path / "picture.svg")
    assert recurrence.share(1)["share"] > 0
    assert [row["batch"] for row in recurrence.generation(1, 3)] == [1, 64]
    assert recurrence.growth(1).keys() == {"steps", "batch"}
    capsys.readouterr()
    recurrence.peak("seqapp", tuple(SMALLEST))
    assert len(capsys.readouterr().out.split()) == 2


def test_texts_are_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ["--units", "8", "--layers", "1", "--epochs", "1", "--split", "0.8,0.1,0.1"]
    (tmp_path / "a.txt").write_text("Doug saw Jane. Jane saw Spot.\n" * 100)
    monkeypatch.setattr(text, "SHAKESPEARE", small)
    monkeypatch.setattr(text, "MODELS", {"lstm": ("8", "1"), "gru": ("9", "1")})
    text.shakespeare(tmp_path / "a.txt", tmp_path, ["0"])
    text.models(tmp_path / "a.txt", tmp_path, ["1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines] == ["lstm", "lstm", "gru"]
    assert all(line.rstrip(" |").endswith("%") for line in lines)


def test_a_whole_training_is_timed_to_its_loss(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Doug saw Jane. Jane saw Spot.\n" * 200)
    seconds, said = to_loss.wall("seqapp", tmp_path / "a.txt", 99.0, 8)
    assert 0 < seconds < float("inf")
    assert said.startswith("epoch 1/24")
    to_loss.keras_script(tmp_path / "a.txt", 99.0, 8)


def test_default_trainings_have_a_row() -> None:
    result: dict[str, Any] = {"dataset": "stock", "model": "gru", "parameters": 3, "training": 1.0, "wall": 2.0,
                              "evaluation": 3.0, "metrics": {"mase": 2.0}, "baselines": {}}  # fmt: skip
    assert defaults.row(result) == "| stock | gru | 3 | 1 | 2 | 3 | MASE 2 |"
