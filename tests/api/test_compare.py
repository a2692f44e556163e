"""Comparing models: what is trained, what is said, how it is shown, what is refused."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import OWN_FILES, SMALL_OPTIONS, refused, seqapp
from rich.console import Console

from seqapp.api import compare
from seqapp.evaluation import comparison_table, ranking
from seqapp.evaluation.ranking import longest_gap, standing

# Sessions of a web-log, with a gap that decides by itself what counts as solved, and units that are left to the data.
FAR_DATASET = '''"""Far: what comes next, from as far as --gap says."""

from dataclasses import dataclass

import web_log
from web_log import Task

from seqapp.contract.options import option

DEFAULTS = {"units": None, "epochs": 1}


@dataclass(frozen=True)
class Options:
    gap: int = option(2, "How far.")
    sessions: int = option(200, "Sessions to simulate.")


def load(options, seed):
    made = web_log.load(web_log.Options(options.sessions + options.gap), seed)
    return Far(made.task, made.visits, made.cut, options.gap)


class Far(web_log.WebLog):
    defaults = {"units": 4}

    def __init__(self, task, visits, cut, gap):
        super().__init__(task, visits, cut)
        self.gap = gap

    def solved(self, metrics):
        return None if self.gap == 9 else metrics["accuracy"] > 2 * (self.gap == 3)
'''


@pytest.fixture
def far(tmp_path: Path) -> Path:
    """A dataset of the user's own with an option --gap, in the current folder."""
    shutil.copy(OWN_FILES / "web_log.py", tmp_path)
    (tmp_path / "far.py").write_text(FAR_DATASET)
    return tmp_path


def trained_with(folder: Path) -> dict[str, Any]:
    """All options of a run, as run.json has them."""
    groups = json.loads((folder / "run.json").read_text())["options"].values()
    return {name: value for group in groups for name, value in group.items()}


@pytest.mark.usefixtures("no_training")
def test_models_and_seeds_make_one_table_and_runs_are_used_again(tmp_path: Path) -> None:
    question = [
        "compare",
        "stock",
        "--models",
        "lstm,gru",
        "--seeds",
        "0,1",
        "--out",
        tmp_path / "runs",
        *SMALL_OPTIONS["stock"],
    ]
    first = seqapp(*question, "--json")
    document = json.loads(first.stdout)
    assert list(document) == [
        "dataset",
        "judged_by",
        "higher_is_better",
        "runs",
        "models",
        "baselines",
        "verdict",
    ]
    assert [(run["model"], run["seed"]) for run in document["runs"]] == [
        ("lstm", 0),
        ("gru", 0),
        ("lstm", 1),
        ("gru", 1),
    ]
    assert document["runs"][0].keys() == {"model", "seed", "run", "parameters", "seconds", "metrics"}
    assert document["judged_by"] == ["mae", "pinball"]
    assert document["baselines"].keys() == {"repeat_last", "drift", "linear"}
    best, other = document["models"]
    assert best["metrics"]["mae"]["mean"] <= other["metrics"]["mae"]["mean"]
    assert best["metrics"]["mae"]["values"] == [
        run["metrics"]["mae"] for run in document["runs"] if run["model"] == best["model"]
    ]
    weights = tmp_path / "runs" / "gru-1" / "model.keras"
    result = weights.stat().st_mtime_ns
    table = seqapp(*question)
    assert weights.stat().st_mtime_ns == result
    assert "training already finished" in table.stderr
    assert "gru, seed 1 (4 of 4)" in table.stderr
    assert table.stdout.startswith("stock, test split, mean ± deviation over 2 seeds\n\n")
    assert [line.split()[0] for line in table.stdout.splitlines()[3:8]] == [
        best["model"], other["model"], "repeat_last", "drift", "linear",
    ]  # fmt: skip
    assert document["verdict"].replace(". ", ".\n") in table.stdout
    assert refused(*question[:-1], 3) == (
        f"Error: {tmp_path / 'runs' / 'lstm-0'} was trained with --horizon 2, not with --horizon 3. "
        "Use --force to train everything again, or --out for another folder."
    )


@pytest.mark.usefixtures("no_training")
def test_an_entry_trains_with_its_own_options_at_each_gap(far: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = "gru,simple_rnn  --epochs {gap} --units 6"
    question = ["compare", "./far.py", "--models", entries, "--gaps", "3,2", "--units", 5, "--out", "runs"]
    document = json.loads(seqapp(*question, "--json").stdout)
    own = "simple_rnn --epochs {gap} --units 6"
    assert document["gaps"] == [2, 3]
    assert [(run["model"], run["gap"], run["solved"], run.get("options")) for run in document["runs"]] == [
        ("gru", 2, True, None),
        (own, 2, True, ["--epochs", "2", "--units", "6"]),
        ("gru", 3, False, None),
        (own, 3, False, ["--epochs", "3", "--units", "6"]),
    ]
    for folder, gap, units, epochs in (
        ("gru-gap2-0", 2, 5, 1),
        ("gru-gap3-0", 3, 5, 1),
        ("simple_rnn-epochs-gap-units-6-gap2-0", 2, 6, 2),
        ("simple_rnn-epochs-gap-units-6-gap3-0", 3, 6, 3),
    ):
        options = trained_with(far / "runs" / folder)
        assert (options["gap"], options["units"], options["epochs"]) == (gap, units, epochs)
    assert {model["model"]: model["longest_gap"] for model in document["models"]} == {"gru": 2, own: 2}
    assert document["baselines"].keys() == {"2", "3"}
    assert document["verdict"].startswith("Longest gap solved with every seed: 2 by ")
    monkeypatch.setattr(compare.Comparison, "run", lambda _: document)  # only shown from here on
    rows = list(csv.DictReader(io.StringIO(seqapp(*question, "--csv").stdout)))
    assert [(row["model"], row["seed"], row["gap"], row["solved"]) for row in rows] == [
        (run["model"], str(run["seed"]), str(run["gap"]), str(run["solved"])) for run in document["runs"]
    ]
    assert [float(row["log_loss"]) for row in rows] == [run["metrics"]["log_loss"] for run in document["runs"]]
    plain = seqapp(*question)
    assert "\x1b" not in plain.output
    assert plain.stdout.startswith("far, test split, accuracy, seed 0\n\n")
    assert re.split(" {2,}", plain.stdout.splitlines()[2]) == [
        "model", "parameters", "seconds", "gap 2", "gap 3", "longest gap",
    ]  # fmt: skip
    marked = seqapp(*question, "--markdown").stdout.splitlines()
    assert marked[2:4] == [
        "| model | parameters | seconds | gap 2 | gap 3 | longest gap |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]


class TestRunsThatAreThere:
    @pytest.mark.usefixtures("no_training")
    def test_a_run_with_other_options_is_refused_though_they_are_defaults_now(self, far: Path) -> None:
        question = ["compare", "./far.py", "--models", "simple_rnn", "--out", "runs"]
        seqapp(*question, "--units", 5, "--epochs", 2, "--gap", 3)
        for options, message in (
            (["--units", 5, "--epochs", 2], "--gap 3, not with --gap 2"),
            (["--units", 5, "--gap", 3], "--epochs 2, not with --epochs 1"),
            (["--units", 6, "--epochs", 2, "--gap", 3], "--units 5, not with --units 6"),
        ):
            assert refused(*question, *options) == (
                f"Error: runs/simple_rnn-0 was trained with {message}. "
                "Use --force to train everything again, or --out for another folder."
            )
        last = seqapp(*question, "--epochs", 2, "--gap", 3, code=2).stderr.splitlines()[-1]
        assert "was trained with --units 5, not with --units 4. " in last  # which the data gives
        assert trained_with(far / "runs" / "simple_rnn-0")["units"] == 5
        seqapp(*question, "--epochs", 2, "--gap", 3, "--force")
        assert trained_with(far / "runs" / "simple_rnn-0")["units"] == 4

    @pytest.mark.usefixtures("no_training")
    def test_an_interrupted_comparison_goes_on(self, far: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from seqapp.api import train as training

        question = ["compare", "./far.py", "--models", "simple_rnn,gru", "--out", "runs"]
        train: Callable[..., Any] = training.train

        def interrupted(folder: Path, *arguments: Any, **options: Any) -> Any:
            if folder.name == "gru-0":
                raise KeyboardInterrupt("Not this.")
            return train(folder, *arguments, **options)

        monkeypatch.setattr(training, "train", interrupted)
        message = seqapp(*question, code=130).stderr.splitlines()[-1]
        assert message == "Interrupted. Run the same command again to continue."
        message = seqapp(*question, "--force", code=130).stderr.splitlines()[-1]
        assert message == "Interrupted. Run the same command without --force to continue."
        weights, initial = far / "runs" / "simple_rnn-0" / "model.keras", far / "runs" / "gru-0"
        result = weights.stat().st_mtime_ns
        assert (initial / "run.json").is_file()
        assert not (initial / "checkpoints").exists()
        monkeypatch.setattr(training, "train", train)
        document = json.loads(seqapp(*question, "--json").stdout)
        assert [run["model"] for run in document["runs"]] == ["simple_rnn", "gru"]
        assert weights.stat().st_mtime_ns == result

    @pytest.mark.usefixtures("no_training")
    def test_entries_with_other_data_are_named(self, far: Path) -> None:
        question = ["compare", "./far.py", "--models", "simple_rnn,simple_rnn --sessions 150 --gap 9", "--seeds", "0,1"]
        document = json.loads(seqapp(*question, "--json").stdout)
        own = "simple_rnn --sessions 150 --gap 9"
        assert document["verdict"].endswith(f" Not measured on the same test data as simple_rnn: {own}.")
        assert [run.get("solved") for run in document["runs"]] == [True, None, True, None]
        assert (far / "runs" / "compare-far" / "simple_rnn-sessions-150-gap-9-1" / "run.json").is_file()
        table = seqapp(*question).stdout
        assert "\x1b" not in table
        assert [line.split("  ")[0].strip() for line in table.splitlines()[3:7]] == [
            *(model["model"] for model in document["models"]), "majority", "markov",
        ]  # fmt: skip


class TestStanding:
    def test_who_is_better_is_said_only_where_seeds_agree(self) -> None:
        assert standing("mae", {"a": [1.0], "b": [2.0]}, False) == (
            "By mae: a is best with this seed; one seed does not say which model is better."
        )
        assert standing("mae", {"a": [1.0, 1.1, 0.9], "b": [1.0, 1.2, 1.0], "c": [5.0, 5.1, 5.0]}, False) == (
            "By mae: a has the best mean, better than c; the difference from b is within seed-to-seed variation."
        )
        assert standing("accuracy", {"a": [0.1, 0.11, 0.1], "b": [0.9, 0.91, 0.9]}, True) == (
            "By accuracy: b has the best mean, better than a."
        )
        assert standing("accuracy", {"a": [1.0, 1.0], "b": [1.0, 1.0]}, True) == (
            "By accuracy: a has the best mean; the difference from b is within seed-to-seed variation."
        )
        assert standing("mae", {"a": [1.0, 2.0]}, False) == "By mae: a 1.5."
        assert standing("mae", {"a": [1.0, 2.0]}, False, " at gap 50") == "By mae at gap 50: a 1.5."

    def test_constant_and_infinite_values_need_no_test(self) -> None:
        infinite = {"a": [1.0, 1.0], "b": [2.0, 2.0], "c": [1.5, float("inf")]}
        assert standing("log_loss", infinite, False) == "By log_loss: a has the best mean, better than b and c."

    def test_with_many_models_a_lucky_difference_is_not_enough(self) -> None:
        best, near, far = [1.0, 1.1, 0.9], [1.2, 1.3, 1.25], [9.0, 9.1, 9.2]
        assert (
            standing("mae", {"best": best, "near": near}, False) == "By mae: best has the best mean, better than near."
        )
        many = {"best": best, "near": near, "x": [1.3, 1.0, 1.6], "far": far, "y": [9.1, 9.1, 9.2]}
        assert standing("mae", many, False) == (
            "By mae: best has the best mean, better than far and y; "
            "the difference from near and x is within seed-to-seed variation."
        )


@pytest.mark.parametrize(
    ("solved", "longest"),
    [
        ({50: [True, True], 200: [True, True], 500: [True, True]}, 500),
        ({50: [True, True], 200: [True, False], 500: [True, True]}, 50),
        ({500: [True], 50: [True], 200: [False]}, 50),
        ({50: [False, True], 200: [True, True]}, None),
    ],
)
def test_the_longest_gap_has_no_hole_before_it(solved: dict[int, list[bool]], longest: int | None) -> None:
    assert longest_gap(solved) == longest


def document(gaps: tuple[int, ...] = ()) -> dict[str, Any]:
    """A comparison of three models over two seeds, lower accuracy first; gru has a hole at the middle gap."""
    output = []
    for model, start in (("simple_rnn", 0.5), ("lstm --name a|[b]", 0.75), ("gru", 0.8)):
        for seed in (0, 1):
            for gap in gaps or (0,):
                accuracy = start + 0.1 * seed + gap / 10_000
                run = {"model": model, "seed": seed, "parameters": 1234, "seconds": 2.0 + seed}
                run |= {"metrics": {"accuracy": accuracy, "log_loss": 1 - accuracy}}
                output.append(run | ({"gap": gap, "solved": (model, gap) != ("gru", 200)} if gaps else {}))
    models = ranking.summaries(output, "accuracy", True)
    judged, beside = {"accuracy": True, "log_loss": False}, {"majority": {"accuracy": 0.25}}
    result = {"dataset": "far", "judged_by": list(judged), "higher_is_better": judged, "runs": output, "models": models}
    result |= {"verdict": ranking.verdict(models, judged, list(gaps))}
    result["baselines"] = ranking.mean_baselines([(gap, beside) for gap in gaps] or [(None, beside), (None, beside)])
    return result | ({"gaps": list(gaps)} if gaps else {})


class TestTable:
    def test_models_stand_best_first_with_their_spread(self) -> None:
        assert comparison_table.as_plain(document()).splitlines()[:7] == [
            "far, test split, mean ± deviation over 2 seeds",
            "",
            "model              parameters  seconds      accuracy      log_loss",
            "gru                     1,234        2  0.85 ± 0.071  0.15 ± 0.071",
            "lstm --name a|[b]       1,234        2   0.8 ± 0.071   0.2 ± 0.071",
            "simple_rnn              1,234        2  0.55 ± 0.071  0.45 ± 0.071",
            "majority                                        0.25",
        ]

    def test_the_longest_gap_comes_before_the_metric(self) -> None:
        lines = comparison_table.as_plain(document((50, 200, 500))).splitlines()
        assert [re.split(" {2,}", line) for line in lines[2:7]] == [
            ["model", "parameters", "seconds", "gap 50", "gap 200", "gap 500", "longest gap"],
            ["lstm --name a|[b]", "1,234", "2", "0.805 ± 0.071", "0.82 ± 0.071", "0.85 ± 0.071", "500"],
            ["simple_rnn", "1,234", "2", "0.555 ± 0.071", "0.57 ± 0.071", "0.6 ± 0.071", "500"],
            ["gru", "1,234", "2", "0.855 ± 0.071", "0.87 ± 0.071", "0.9 ± 0.071", "50"],
            ["majority", "0.25", "0.25", "0.25"],
        ]
        assert lines[8] == "Longest gap solved with every seed: 500 by lstm --name a|[b] and simple_rnn; 50 by gru."
        assert lines[9].startswith("By accuracy at gap 50: gru has the best mean; ")

    def test_a_model_that_solves_nothing_and_a_dataset_that_cannot_say(self) -> None:
        runs = [{**run, "solved": False} for run in document((50,))["runs"]]
        models = ranking.summaries(runs, "accuracy", True)
        assert [model["longest_gap"] for model in models] == [None, None, None]
        assert "none by gru, lstm --name a|[b] and simple_rnn." in ranking.verdict(models, {"accuracy": True}, [50])
        unknown = [{name: value for name, value in run.items() if name != "solved"} for run in runs]
        assert "longest_gap" not in ranking.summaries(unknown, "accuracy", True)[0]

    def test_markdown_is_a_github_table(self) -> None:
        lines = comparison_table.as_markdown(document()).splitlines()
        assert lines[2:6] == [
            "| model | parameters | seconds | accuracy | log_loss |",
            "| --- | ---: | ---: | ---: | ---: |",
            "| gru | 1,234 | 2 | 0.85 ± 0.071 | 0.15 ± 0.071 |",
            "| lstm --name a\\|[b] | 1,234 | 2 | 0.8 ± 0.071 | 0.2 ± 0.071 |",
        ]
        assert lines[-1].startswith("By log_loss: gru has the best mean; ")

    def test_csv_has_a_row_for_each_run(self) -> None:
        text = comparison_table.as_csv(document())
        rows = list(csv.reader(io.StringIO(text)))
        assert rows[0] == ["model", "seed", "gap", "parameters", "seconds", "accuracy", "log_loss", "solved"]
        assert rows[1] == ["simple_rnn", "0", "", "1234", "2.0", "0.5", "0.5", ""]
        assert len(rows) == 7
        assert "\r" not in text

    def test_a_terminal_shows_the_best_values_bold_and_no_name_is_markup(self) -> None:
        contents = io.StringIO()
        wide = Console(file=contents, force_terminal=True, width=120, color_system="standard", legacy_windows=False)
        comparison_table.on_terminal(document(), wide)
        assert re.findall(r"\x1b\[1m *([^\x1b ][^\x1b]*?) *\x1b\[0m", contents.getvalue().split("gru", 1)[1]) == [
            "0.85 ± 0.071",
            "0.15 ± 0.071",
        ]
        text = re.sub(r"\x1b\[[\d;]*m", "", contents.getvalue())
        rows = {line.strip().split("  ")[0]: line for line in text.splitlines() if "±" in line}
        assert rows.keys() >= {"gru", "lstm --name a|[b]", "simple_rnn"}
        assert rows["gru"].rindex("0.071") == rows["simple_rnn"].rindex("0.071")

    def test_a_narrow_terminal_loses_no_number(self) -> None:
        contents = io.StringIO()
        comparison_table.on_terminal(document(), Console(file=contents, force_terminal=True, width=60))
        for value in ("0.85 ± 0.071", "0.45 ± 0.071", "1,234"):
            assert value in contents.getvalue()

    def test_what_is_no_terminal_gets_no_control_code(self, capsys: pytest.CaptureFixture[str]) -> None:
        for form in (None, "json", "csv", "markdown"):
            comparison_table.show(document(), form, terminal=False)
            message = capsys.readouterr().out
            assert "gru" in message
            assert "\x1b" not in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", ","], "--models: expected names with commas between them, got ','."),
        (["--models", "gru,lstm 'a"], "--models: 'lstm 'a': no closing quotation."),
        (["--models", "--units 3"], "--models: '--units 3': expected a model's name before its options."),
        (["--models", "gru --seed=3"], "--models: 'gru --seed=3': --seed cannot be given for one model alone."),
        (["--models", "gru --force"], "--models: 'gru --force': --force cannot be given for one model alone."),
        (["--models", "gru --model gru"], "--models: 'gru --model gru': --model cannot be given for one model alone."),
        (["--models", "gru --resume"], "--models: 'gru --resume': --resume cannot be given for one model alone."),
        (["--models", "gru --out x"], "--models: 'gru --out x': --out cannot be given for one model alone."),
        (
            ["--models", "gru --units -3,gru"],
            "gru --units -3: Invalid value for '--units': -3 is not in the range x>=1.",
        ),
        (["--models", "gru --qqq 2"], "gru --qqq 2: No such option '--qqq'."),
        (
            ["--models", "gru --dropout 0.5,gru --dropout=0.5"],
            "--models: 'gru --dropout 0.5' and 'gru --dropout=0.5' would both be trained in "
            "runs/compare-stock/gru-dropout-0.5-0. Compare them in two calls, each with its --out.",
        ),
        (["--models", "gru --units {gap}"], "{gap}: expected --gaps with the numbers to put there, such as --gaps 50,200,500."),
        (["--gaps", "50"], "--gaps: the dataset stock has no option --gap."),
        (["--gaps", "far"], "--gaps: expected numbers such as 50,200,500, got 'far'."),
        (["--gaps", ""], "--gaps: expected numbers such as 50,200,500, got ''."),
        (["--seeds", "one"], "--seeds: expected numbers such as 0,1,2, got 'one'."),
        (["--seeds", ","], "--seeds: expected numbers such as 0,1,2, got ','."),
        (["--seed", "1"], "--seed: compare takes --models and --seeds, and uses existing runs."),
        (["--seed=1"], "--seed: compare takes --models and --seeds, and uses existing runs."),
        (["--json", "--csv"], "--json and --csv: give one of them."),
        (["--markdown", "--json"], "--json and --markdown: give one of them."),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(options: list[str], message: str) -> None:
    assert refused("compare", "stock", *options) == f"Error: {message}"


@pytest.mark.parametrize("options", [["--gap", "3"], ["--models", "gru,lstm --gap=3"]])
def test_gaps_and_a_gap_do_not_go_together(options: list[str], far: Path) -> None:
    message = refused("compare", "./far.py", "--gaps", "2,3", *options)
    assert message == "Error: --gap: --gaps says at which gaps all models are trained. Leave --gap out."


def test_csv_with_a_file_is_the_datasets_own(monkeypatch: pytest.MonkeyPatch) -> None:
    question: list[list[str]] = []

    def noted(self: compare.Comparison) -> dict[str, Any]:
        question.append(self.options)
        return document()

    monkeypatch.setattr(compare.Comparison, "run", noted)
    csv_of_runs, table = comparison_table.as_csv(document()), comparison_table.as_plain(document()) + "\n"
    assert seqapp("compare", "stock", "--csv", "a.csv", "--units", 3).stdout == table
    assert seqapp("compare", "stock", "--csv", "--units", 3).stdout == csv_of_runs
    assert seqapp("compare", "stock", "--csv", "a.csv", "--csv").stdout == csv_of_runs
    assert question == [["--units", "3", "--csv", "a.csv"], ["--units", "3"], ["--csv", "a.csv"]]
