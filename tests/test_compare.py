"""Comparing models: what is trained, what is said, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import SMALL, refused, seqapp

from seqapp.comparison import standing


@pytest.mark.slow
def test_models_and_seeds_make_one_table_and_runs_are_used_again(tmp_path: Path) -> None:
    asked = ["compare", "stock", "--models", "lstm,gru", "--seeds", "0,1", "--out", tmp_path / "runs", *SMALL["stock"]]
    first = seqapp(*asked, "--json")
    document = json.loads(first.stdout)
    assert [(run["model"], run["seed"]) for run in document["runs"]] == [
        ("lstm", 0),
        ("gru", 0),
        ("lstm", 1),
        ("gru", 1),
    ]
    assert document["judged_by"] == ["mae", "pinball"]
    assert document["baselines"].keys() == {"repeat_last", "drift", "linear"}
    weights = tmp_path / "runs" / "gru-1" / "model.keras"
    made = weights.stat().st_mtime_ns
    table = seqapp(*asked)
    assert weights.stat().st_mtime_ns == made
    assert "this training is finished" in table.stderr
    assert table.stdout.startswith("stock, test split\n\n")
    assert [line.split()[0] for line in table.stdout.splitlines()[3:12]] == [
        "lstm", "gru", "lstm", "gru", "lstm", "gru", "repeat_last", "drift", "linear",
    ]  # fmt: skip
    assert document["verdict"].replace(". ", ".\n") in table.stdout
    said = refused_last(*asked[:-1], 3)
    assert "was trained with --horizon 2; --resume cannot change it to 3." in said


def refused_last(*arguments: object) -> str:
    """The last line on stderr of a command that refuses, after notes."""
    return seqapp(*arguments, code=2).stderr.strip().splitlines()[-1]


def test_who_is_better_is_said_only_where_seeds_agree() -> None:
    assert standing("mae", {"a": [1.0], "b": [2.0]}) == (
        "By mae: a is best with this seed; one seed does not say which model is better."
    )
    assert standing("mae", {"a": [1.0, 1.1, 0.9], "b": [1.0, 1.2, 1.0], "c": [5.0, 5.1, 5.0]}) == (
        "By mae: a is best in the mean, better than c, but b may be as good: seeds differ as much."
    )
    assert standing("accuracy", {"a": [0.1, 0.11, 0.1], "b": [0.9, 0.91, 0.9]}) == (
        "By accuracy: b is best in the mean, better than a."
    )
    assert standing("accuracy", {"a": [1.0, 1.0], "b": [1.0, 1.0]}) == (
        "By accuracy: a is best in the mean, but b may be as good: seeds differ as much."
    )
    assert standing("mae", {"a": [1.0, 2.0]}) == "By mae: a 1.5."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--models", ","], "--models: expected names with commas between them, got ','."),
        (["--seeds", "one"], "--seeds: expected numbers such as 0,1,2, got 'one'."),
        (["--seed", "1"], "--seed: compare takes --models and --seeds, and uses the runs that are there."),
    ],
)
def test_what_cannot_be_compared(options: list[str], said: str) -> None:
    assert refused("compare", "stock", *options) == f"Error: {said}"
