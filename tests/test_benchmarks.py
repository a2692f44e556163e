"""Every benchmark runs at its smallest size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import conftest
import numpy as np
import pytest

from benchmarks import contenders, defaults, memory, models, recurrence, series, text, to_loss
from benchmarks.contenders import Size
from seqapp import rooms
from seqapp.api.compare import Comparison
from seqapp.api.entries import Entry
from seqapp.commands._train import parse

TINY_SIZE = Size(2, 4, 8, 1)
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _smallest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Networks of eight units, and no PyTorch, which only the benchmarks' extra installs."""
    for name, value in {
        "SIZES": [TINY_SIZE], "TRAINING_WORK": 64, "PRODUCTS": [(8, 8, 8)], "SEQUENCE_SIZES": [TINY_SIZE],
        "BATCH_SIZES": [TINY_SIZE], "GROWTH_TOKENS": 1, "KINDS": {"LSTM": "LSTM"}, "RESULTS": tmp_path,
        "CONTENDERS": {"seqapp": contenders.seqapp, "keras": contenders.keras_fit, "pytorch": contenders.seqapp},
        "GENERATORS": {"seqapp": contenders.seqapp_generator, "pytorch": contenders.seqapp_generator},
    }.items():  # fmt: skip
        monkeypatch.setattr(recurrence, name, value)
    monkeypatch.setattr(contenders, "GENERATOR_SIZE", TINY_SIZE)

    def in_process(*arguments: object) -> tuple[str, float, float]:
        return conftest.seqapp(*arguments).stdout, 1.0, 2.0

    monkeypatch.setattr(text, "seqapp", in_process)
    monkeypatch.setattr(series, "seqapp", in_process)
    monkeypatch.setattr(models, "seqapp", in_process)


def test_the_engine_is_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = recurrence.training(1)
    assert rows[0].keys() == {"layer", "size", "seqapp", "keras", "pytorch"}
    recurrence.draw(rows, tmp_path / "picture.svg")
    assert recurrence.share(1)["share"] > 0
    assert [row["batch"] for row in recurrence.generation(1, 3)] == [1, 64]
    assert recurrence.growth(1).keys() == {"steps", "batch"}
    capsys.readouterr()
    recurrence.peak("seqapp", tuple(TINY_SIZE))
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


def test_series_are_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ["--units", "4", "--epochs", "1", "--split", "0.5,0.2,0.3", "--window", "6", "--segment", "1"]
    noise = np.random.default_rng(0).uniform(1, 2, (700, 8)).round(3).tolist()
    header = "date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT,close\n"
    lines = [f"{np.datetime64('2020-01-01') + day}," + ",".join(map(str, row)) for day, row in enumerate(noise)]
    for name in ("ETTh1", "sp500-daily"):
        (tmp_path / f"{name}.csv").write_text(header + "\n".join(lines))
    (tmp_path / "air-passengers.csv").write_text("Month,#Passengers\n" + "\n".join(
        f"{1949 + month // 12}-{month % 12 + 1:02},{100 + month + month % 12}" for month in range(144)))  # fmt: skip
    monkeypatch.setattr(series, "HOURS", small)
    monkeypatch.setattr(series, "CHANNELS", [*small, "--channels", "independent", "--target", "HUFL,OT"])
    monkeypatch.setattr(series, "ROWS_OPTIONS", ["--epochs", "1", "--window", "6"])
    monkeypatch.setattr(series, "PASSENGERS", [*small, "--horizon", "6"])
    monkeypatch.setattr(series, "ROWS", 400)
    for part in ("etth1", "etth1_all", "passengers", "sp500", "rows"):
        getattr(series, part)(tmp_path, tmp_path, ["0"])
    names = [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines() if "| 0 |" in line]
    assert names == ["OT, 96 hours", "7 columns, 96 hours", "passengers, 6 months", "S&P 500, next day"]


def test_all_models_are_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ["--layers", "1", "--epochs", "1", "--split", "0.8,0.1,0.1"]
    (tmp_path / "a.txt").write_text("Doug saw Jane. Jane saw Spot.\n" * 100)
    for name, value in {"OPTIONS": small, "RATES": ("0.01", "0.02"), "LSTM_UNITS": 72, "SIZES": [TINY_SIZE],
                        "FOLDER": tmp_path / "models", "ROUNDS": 1, "TRAINING_WORK": 64, "models": lambda: ["lstm", "gru"]}.items():  # fmt: skip
        monkeypatch.setattr(models, name, value)
    models.cost(tmp_path, tmp_path, [])
    models.shakespeare(tmp_path / "a.txt", tmp_path, ["0", "1"])
    lines = [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()]
    assert sorted(line[2] for line in lines[:2]) == ["gru", "lstm"]
    assert [line[1:3] for line in lines[2:]] == [["lstm", "72"], ["gru", "88"]]
    assert len(list((tmp_path / "models").glob("*/metrics.json"))) == 4


def test_equal_parameters_are_nearly_equal() -> None:
    wanted = models.parameters("lstm", models.LSTM_UNITS)
    for model in ("simple_rnn", "minimal_gru", "multiplicative_lstm"):
        assert models.parameters(model, models.equal_units(model)) == pytest.approx(wanted, rel=0.03)


def test_the_memory_benchmarks_entries_are_valid() -> None:
    entries = [Entry.parse(entry) for entry in memory.ENTRIES]
    epochs = ["--epochs", memory.EPOCHS]
    comparison = Comparison(rooms.find("datasets", "recall"), entries, [0], [50], None, epochs, parse)
    comparison.check()
    assert len(list(comparison.training_runs())) == len(memory.ENTRIES)


def test_a_training_run_is_timed_to_its_loss(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Doug saw Jane. Jane saw Spot.\n" * 200)
    seconds, report = to_loss.wall("seqapp", tmp_path / "a.txt", 99.0, 8)
    assert 0 < seconds < float("inf")
    assert report.startswith("epoch 1/24")
    to_loss.keras_script(tmp_path / "a.txt", 99.0, 8)


def test_a_default_training_run_has_a_row() -> None:
    result: dict[str, Any] = {"dataset": "stock", "model": "gru", "parameters": 3, "training": 1.0, "wall": 2.0,
                              "evaluation": 3.0, "metrics": {"mase": 2.0}, "baselines": {}}  # fmt: skip
    assert defaults.row(result) == "| stock | gru | 3 | 1 | 2 | 3 | MASE 2 |"
