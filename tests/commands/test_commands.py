"""The command line as a user meets it: documented, quick to start, clean on stderr, the same answers by every way in."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, ask, process, seqapp

from seqapp import rooms
from seqapp.cli import main


def commands() -> list[str]:
    import click

    return main.list_commands(click.Context(main))


@pytest.mark.parametrize("dataset", rooms.names("datasets"))
def test_a_datasets_options_show_in_its_help(dataset: str) -> None:
    message = seqapp("train", dataset, "--help").stdout
    for option in rooms.find("datasets", dataset).options:
        assert option.flag in message
        assert option.help, f"{option.flag} says nothing"


@pytest.mark.parametrize(
    "arguments", ["--help", "train --help", "train stock --help", "train text --epcohs 3", "trian", "list"]
)
def test_help_and_usage_errors_do_not_wait_for_tensorflow(arguments: str) -> None:
    script = (
        f"import sys; sys.argv = ['seqapp', *{arguments.split()!r}]\n"
        "from seqapp.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_a_group_without_a_command_is_a_usage_error() -> None:
    assert seqapp(code=2).output.startswith("Usage: ")
    assert seqapp("train", code=2).output.startswith("Usage: ")


def test_stderr_is_clean_and_stdout_is_one_json_document(trained: Callable[[str], Path]) -> None:
    done = process("predict", trained("stock"), "--json")
    assert done.stderr == ""
    assert json.loads(done.stdout)["predictions"][0].keys() == {
        "forecast", "lower", "upper", "lower_95", "upper_95", "date",
    }  # fmt: skip


@pytest.mark.slow
def test_evaluate_says_nothing_on_stderr_either(trained: Callable[[str], Path]) -> None:
    run = trained("stock")
    done = process("evaluate", run, "--json")
    assert done.stderr == ""
    assert json.loads(done.stdout) == json.loads((run / "metrics.json").read_text())


def test_evaluate_gives_the_documented_shape(trained: Callable[[str], Path]) -> None:
    document = json.loads(seqapp("evaluate", trained("stock"), "--json").stdout)
    assert list(document) == ["dataset", "model", "run", "split", "metrics", "baselines", "verdict"]
    assert document["metrics"].keys() >= {"mae", "rmse", "mase", "log_return_mae", "direction_accuracy", "coverage_80"}
    assert document["baselines"].keys() == {"repeat_last", "drift", "linear"}
    assert document["split"]["test"] == {"rows": [889, 1047], "first": "2008-03-03", "last": "2008-10-14"}
    table = seqapp("evaluate", trained("stock")).stdout
    assert table.startswith("stock with lstm, test split: rows 889–1047, 2008-03-03 to 2008-10-14\n")
    assert document["verdict"].replace(". ", ".\n") in table


def test_predict_reads_a_file_standard_input_and_the_input_itself(
    trained: Callable[[str], Path], tmp_path: Path
) -> None:
    run = trained("fibonacci")
    (tmp_path / "terms.txt").write_text("5 8\n13\n")
    answers = [
        seqapp("predict", run, *arguments, "--json", stdin="5,8,13").stdout
        for arguments in (["5 8 13"], ["-"], [tmp_path / "terms.txt"], ["8 13"])
    ]
    assert len(set(answers)) == 1
    assert json.loads(answers[0])["predictions"] == [{"next": ask_next(run, ["8", "13"])}]


def ask_next(run: Path, terms: list[str]) -> str:
    seqapp("export", run)
    answer: str = ask(run, {"terms": [terms]})["next"][0]
    return answer


def test_predict_speaks_to_a_person(trained: Callable[[str], Path]) -> None:
    message = seqapp("predict", trained("stock")).stdout
    assert re.fullmatch(
        r"(close 2008-10-1[56]: [\d.]+  \(80 % between [\d.]+ and [\d.]+, 95 % between [\d.]+ and [\d.]+\)\n){2}",
        message,
    )
    assert re.fullmatch(
        r"dinner: \w+  \((\w+ [\d.]+%(, )?){3}\)\n", seqapp("predict", trained("weather_dinner")).stdout
    )
    assert len(seqapp("predict", trained("text"), "Doug").stdout.splitlines()) == 5


def test_the_sample_log_is_answered_and_gone_on_from(trained: Callable[[str], Path]) -> None:
    run, sample = trained("weather_dinner"), ROOT / "datasets" / "samples" / "dinners.csv"
    assert seqapp("predict", run, sample).stdout.startswith("dinner: ")
    assert len(seqapp("generate", run, "--prompt", sample, "--steps", 9).stdout.split()) == 9


def test_generate_is_fixed_by_its_seed(trained: Callable[[str], Path]) -> None:
    run = trained("stock")
    message = [seqapp("generate", run, "--steps", 5, "--seed", seed, "--json").stdout for seed in (1, 1, 2)]
    assert message[0] == message[1] != message[2]
    assert len(json.loads(message[0])["items"]) == 5
    greedy = [seqapp("generate", run, "--temperature", 0, "--steps", 3, "--seed", seed).stdout for seed in (1, 2)]
    assert greedy[0] == greedy[1]


def test_inspect_explains_why_an_lstm_has_four_times_as_many_weights(trained: Callable[[str], Path]) -> None:
    message = seqapp("inspect", trained("stock"), "weights").stdout
    assert "hence 4 × as many weights" in message
    result = json.loads(seqapp("inspect", trained("stock"), "weights", "--json").stdout)
    assert [(row["weight"], row["shape"], row["matrices"]) for row in result if row["class"] == "LSTM"] == [
        ("lstm_cell/kernel", [1, 32], 4),
        ("lstm_cell/recurrent_kernel", [8, 32], 4),
        ("lstm_cell/bias", [32], 4),
    ]
    simple = json.loads(seqapp("inspect", trained("fibonacci"), "weights", "--json").stdout)
    assert {row["matrices"] for row in simple} == {1}
    assert sum(row["count"] for row in simple) == 20 * 16 + 16 * 16 + 16 + 16 * 10 + 10


def test_list_shows_runs_and_what_is_the_matter_with_them(trained: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "runs" / "broken").mkdir(parents=True)
    (tmp_path / "runs" / "broken" / "run.json").write_text("{")
    (tmp_path / "runs" / "good").symlink_to(trained("stock"))
    message = seqapp("list").stdout
    assert re.search(r"good +stock with lstm, 410 parameters", message)
    assert re.search(r"broken +runs/broken/run.json: not readable as the record of a run", message)
