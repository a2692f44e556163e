"""Bad input, command by command, in the exact words. Exit code 2, one line, nothing lost."""

from __future__ import annotations

import datetime
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import refused, seqapp

QUICK = ["--epochs", 1, "--units", 4, "--window", 10]


def days(count: int, close: Callable[[int], str] = lambda day: f"{100 + day % 7}.5") -> list[str]:
    """CSV rows "2020-01-01,100.5"."""
    first = datetime.date(2020, 1, 1)
    return [f"{first + datetime.timedelta(day)},{close(day)}" for day in range(count)]


def with_row(number: int, row: str) -> list[str]:
    """200 days of which one row (0 is the first) is another; it stands in line `number` + 2."""
    rows = days(200)
    rows[number] = row
    return rows


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("date,close\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], ": expected a header and rows of data, got 0 rows below the header."),
        (days(1), ": expected at least 2 rows of data, got 1."),
        (
            with_row(15, "2020-01-16,n/a"),
            ", line 17, column 'close': expected a number, got 'n/a'. "
            "Use --missing drop|forward|mask to say what to do with gaps.",
        ),
        (
            with_row(15, "2020-01-16,NaN"),
            ", line 17, column 'close': expected a number, got 'NaN'. "
            "Use --missing drop|forward|mask to say what to do with gaps.",
        ),
        (
            with_row(15, "2020-01-16,dear"),
            ", line 17, column 'close': expected a number, got 'dear'. Name numeric columns with --target and --inputs.",
        ),
        (
            with_row(15, "2020-01-16,inf"),
            ", line 17, column 'close': expected a number, got 'inf'. Correct it, or leave the row out.",
        ),
        (
            with_row(190, "2020-07-09,0"),
            ", line 192, column 'close': expected a number above 0, as --scale log-last needs, got 0. "
            "Use --scale last.",
        ),
        (with_row(15, "2020-01-16,1,5"), ", line 17: expected 2 values as in the header, got 3."),
        (
            with_row(15, '2020-01-16,"1,5"'),
            ", line 17, column 'close': expected a number, got '1,5'. Write decimal points.",
        ),
        (
            with_row(15, "2020-01-15,5"),
            ", line 17, column 'date': 2020-01-15 appears twice (first in line 16). Keep one row for each date.",
        ),
        (
            with_row(15, "2020-01-03,5"),
            ", line 17, column 'date': 2020-01-03 comes after 2020-01-15. Sort the rows, oldest first.",
        ),
        (with_row(15, "soon,5"), ", line 17, column 'date': expected a date, got 'soon'."),
        (with_row(15, "2020-01-16,5,6"), ", line 17: expected 2 values as in the header, got 3."),
        (
            days(12),
            ": --window 10 with --horizon 1 needs at least 11 training rows, got 8. "
            "Use a smaller --window, or give more rows.",
        ),
    ],
)
def test_a_csv_with_a_fault(rows: list[str], message: str, tmp_path: Path) -> None:
    file = write(tmp_path / "prices.csv", rows)
    split = ["--split", "8,2,2"] if len(rows) == 12 else []
    assert (
        refused("train", "stock", "--csv", file, *QUICK, *split, "--out", tmp_path / "run") == f"Error: {file}{message}"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": expected a CSV file with a header, got a file of 0 bytes."),
        (bytes(range(256)), ": expected a CSV file in UTF-8, got byte 0x80 at offset 128."),
        (b"date,close\n\0\0", ": expected a CSV file, got a binary file (a zero byte at offset 11)."),
        (b"close,close\n1,2\n", ": column 'close' appears 2 times in the header. Rename one."),
    ],
)
def test_a_file_that_is_no_csv(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_bytes(content)
    for dataset in ("stock", "weather_dinner"):
        assert refused("train", dataset, "--csv", file) == f"Error: {file}{message}"


def test_a_directory_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    message = refused("train", "weather_dinner", "--csv", tmp_path)
    assert message == f"Error: {tmp_path}: expected a CSV file with a header, got a directory."
    assert refused("train", "stock", "--csv", tmp_path) == f"Error: --csv: {tmp_path}: expected CSV files, found none."
    for dataset in ("stock", "weather_dinner"):
        absent = tmp_path / "absent.csv"
        assert (
            refused("train", dataset, "--csv", absent)
            == f"Error: {absent}: no such file; expected a CSV file with a header."
        )


@pytest.mark.parametrize("text", ["\ufeffdate,close\n{}", "date,close\r\n{}", "date,close\n\n{}\n\n"])
@pytest.mark.usefixtures("no_training")
def test_a_byte_order_mark_mixed_line_ends_and_empty_lines_are_no_fault(text: str, tmp_path: Path) -> None:
    rows = days(200)
    mixed = "\r\n".join(rows[:70]) + "\r" + "\r".join(rows[70:140]) + "\n" + "\n".join(rows[140:])
    plain, odd = tmp_path / "plain.csv", tmp_path / "odd.csv"
    write(plain, rows)
    odd.write_bytes(text.format(mixed).encode())
    for file in (plain, odd):
        seqapp("train", "stock", "--csv", file, *QUICK, "--out", tmp_path / file.stem)
    answers = [
        json.loads(seqapp("predict", tmp_path / name, "--json").stdout)["predictions"] for name in ("plain", "odd")
    ]
    assert answers[0] == answers[1]


@pytest.mark.usefixtures("no_training")
def test_gaps_are_dropped_or_filled_on_request(tmp_path: Path) -> None:
    file = write(tmp_path / "prices.csv", with_row(15, "2020-01-16,"))
    for missing, rows in (("drop", 199), ("forward", 200)):
        run = tmp_path / missing
        seqapp("train", "stock", "--csv", file, "--missing", missing, *QUICK, "--out", run)
        assert json.loads((run / "run.json").read_text())["data"]["rows"] == rows
    first = write(tmp_path / "first.csv", with_row(0, "2020-01-01,"))
    message = refused("train", "stock", "--csv", first, "--missing", "forward")
    assert (
        message
        == f"Error: {first}, line 2, column 'close': expected a number, got ''. Use --missing drop|mask to say what to do with gaps."
    )


def test_a_window_longer_than_the_data(tmp_path: Path) -> None:
    message = refused("train", "weather_dinner", "--days", 300, "--window", 250)
    assert message == "Error: --window 250 needs more than 250 training rows, got 210. Use a smaller --window."


def test_a_log_whose_target_is_a_number_or_constant(tmp_path: Path) -> None:
    file = write(tmp_path / "log.csv", days(200, lambda day: str(day * 1.5)))
    assert refused("train", "weather_dinner", "--csv", file, "--target", "close") == (
        "Error: column 'close': expected categories, got 140 different numbers. seqapp train stock predicts numbers."
    )
    file = write(tmp_path / "log.csv", days(200, lambda day: "pizza"))
    assert refused("train", "weather_dinner", "--csv", file, "--target", "close") == (
        "Error: column 'close': expected at least two categories in the training rows, got 1."
    )


def test_a_split_by_dates_without_dates(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("close\n" + "\n".join(str(100 + day) for day in range(200)))
    message = refused("train", "stock", "--csv", "prices.csv", "--split-at", "2020-01-01,2021-01-01")
    assert message == (
        f"Error: --split-at: {tmp_path / 'prices.csv'} has no date column; name one with --date, or use --split."
    )


def test_semicolons_between_values(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("date;close\n2020-01-01;1,5\n")
    assert refused("train", "stock", "--csv", "prices.csv") == (
        f"Error: {tmp_path / 'prices.csv'}: expected commas between the values, got ';'. Save it as CSV with commas."
    )


class TestNames:
    def test_a_dataset(self) -> None:
        assert refused("train", "fibonaci") == (
            "Error: no dataset named 'fibonaci'. Did you mean 'fibonacci'? "
            "Choose from: adding, fibonacci, recall, stock, temporal_order, text, weather_dinner."
        )

    def test_a_model(self) -> None:
        assert refused("train", "stock", "--model", "ltsm") == (
            "Error: no model named 'ltsm'. Did you mean 'lstm'? Choose from: coupled_lstm, gru, "
            "independent_rnn, janet, layer_norm_gru, layer_norm_lstm, lstm, minimal_gru, multiplicative_lstm, "
            "multiplicative_rnn, peephole_lstm, simple_rnn."
        )

    def test_a_command(self) -> None:
        assert refused("trian") == (
            "Error: no command named 'trian'. Did you mean 'train'? "
            "Choose from: list, train, evaluate, predict, generate, export, serve, compare, inspect."
        )

    @pytest.mark.parametrize("option", ["--target", "--inputs"])
    def test_a_column(self, option: str, tmp_path: Path) -> None:
        file = write(tmp_path / "prices.csv", days(200))
        message = refused("train", "stock", "--csv", file, option, "clsoe")
        assert (
            message
            == f"Error: {option}: {file} has no column named 'clsoe'. Did you mean 'close'? Choose from: date, close."
        )

    def test_a_date_column(self, tmp_path: Path) -> None:
        file = write(tmp_path / "prices.csv", days(200))
        message = refused("train", "stock", "--csv", file, "--date", "day")
        assert message == f"Error: --date: {file} has no column named 'day'. Choose from: date, close."

    def test_an_option(self) -> None:
        result = seqapp("train", "stock", "--epcohs", 3, code=2)
        assert result.stderr.splitlines()[-1].startswith("Error: No such option '--epcohs'. ")
        assert "'--epochs'" in result.stderr.splitlines()[-1]


class TestRuns:
    def test_a_run_that_is_not_there(self) -> None:
        for command in ("evaluate", "predict", "generate", "export"):
            assert refused(command, "runs/nope") == (
                "Error: no run folder 'runs/nope'. `seqapp list` shows the runs; `seqapp train DATASET` makes one."
            )
        assert refused("inspect", "runs/nope", "weights").startswith("Error: no run folder 'runs/nope'.")

    def test_a_folder_that_is_no_run(self, tmp_path: Path) -> None:
        message = refused("evaluate", tmp_path)
        assert message == f"Error: {tmp_path}: not a run folder: it has no run.json. `seqapp list` shows the runs."

    def test_a_half_written_record(self, copied: Path) -> None:
        (copied / "run.json").write_text('{"format": 1, "dataset": "sto')
        message = refused("evaluate", copied)
        assert (
            message == f"Error: {copied / 'run.json'}: not readable as the record of a run. Train again with --force."
        )
        (copied / "run.json").write_text('{"format": 1, "dataset": "stock"}')
        message = refused("evaluate", copied)
        assert message == (
            f"Error: {copied / 'run.json'}: half-written or edited: it lacks data, latest, model, options, rooms, seed, "
            "task. Train again with --force."
        )

    def test_a_run_of_another_version(self, copied: Path) -> None:
        edit(copied, format=99, seqapp="9.9.9")
        message = refused("predict", copied)
        assert message == (
            f"Error: {copied}: run format 99 of seqapp 9.9.9; this is seqapp 0.2.0, which reads format 1. "
            "Use a newer seqapp, or train again with --force."
        )

    def test_a_run_without_weights(self, copied: Path) -> None:
        (copied / "model.keras").unlink()
        message = refused("predict", copied)
        assert message == (
            f"Error: {copied}: no model.keras: the training run did not get that far. "
            f"Continue with: seqapp train fibonacci --out {copied} --resume"
        )

    def test_weights_that_are_damaged(self, copied: Path) -> None:
        (copied / "model.keras").write_bytes((copied / "model.keras").read_bytes()[:1000])
        message = refused("predict", copied)
        assert message == f"Error: {copied / 'model.keras'}: damaged: not a Keras archive. Train again with --force."

    def test_a_lambda_smuggled_into_the_archive_is_refused(self, copied: Path) -> None:
        import keras

        inputs = keras.Input((None, 20), name="inputs")
        evil = keras.layers.Lambda(lambda value: value * 2, name="recurrent_1")(inputs)
        keras.Model(inputs, keras.layers.Dense(10, name="head")(evil), name="network").save(copied / "model.keras")
        message = refused("predict", copied)
        assert message == (
            f"Error: {copied / 'model.keras'}: refused: layer 2 is a Lambda named 'recurrent_1'; run.json describes a "
            "SimpleRNN named 'recurrent_1'. The file was changed after training."
        )

    def test_weights_of_another_size_are_refused(self, copied: Path) -> None:
        record = json.loads((copied / "run.json").read_text())
        record["options"]["network"]["units"] = 99
        (copied / "run.json").write_text(json.dumps(record))
        message = refused("predict", copied)
        assert message.startswith(f"Error: {copied / 'model.keras'}: the weights do not fit the network: ")

    def test_an_archive_with_other_layers_is_refused(self, copied: Path) -> None:
        with zipfile.ZipFile(copied / "model.keras") as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        config = json.loads(contents["config.json"])
        config["config"]["layers"].append(config["config"]["layers"][-1])
        contents["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(copied / "model.keras", "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        message = refused("predict", copied)
        assert message == (
            f"Error: {copied / 'model.keras'}: refused: it has 4 layers; run.json describes 3. "
            "The file was changed after training."
        )

    @pytest.mark.usefixtures("no_training")
    def test_data_that_changed_after_training(self, tmp_path: Path) -> None:
        file = write(tmp_path / "prices.csv", days(200))
        run = tmp_path / "run"
        seqapp("train", "stock", "--csv", file, *QUICK, "--out", run)
        write(file, days(201))
        message = refused("evaluate", run)
        assert message.startswith(f"Error: {run}: the data has changed since training (sha256 ")
        assert message.endswith("Restore it, or train again with --force.")
        seqapp("predict", run, file)

    def test_a_damaged_checkpoint(self, copied: Path) -> None:
        (copied / "checkpoints" / "last.npz").write_bytes(b"PK nonsense")
        message = refused("train", "fibonacci", "--out", copied, "--resume", "--epochs", 5)
        assert message.startswith(f"Error: {copied / 'checkpoints' / 'last.npz'}: damaged checkpoint")
        (copied / "checkpoints" / "last.npz").unlink()
        message = refused("train", "fibonacci", "--out", copied, "--resume", "--epochs", 5)
        assert message == (
            f"Error: {copied / 'checkpoints' / 'last.npz'}: no checkpoint to resume from. Train again with --force."
        )


class TestQuestions:
    @pytest.mark.parametrize("dataset", ["fibonacci", "stock", "text", "weather_dinner"])
    def test_a_directory_an_empty_file_and_a_binary_one(
        self, dataset: str, trained: Callable[[str], Path], tmp_path: Path
    ) -> None:
        run = trained(dataset)
        (tmp_path / "empty").write_bytes(b"")
        (tmp_path / "binary").write_bytes(bytes(range(256)))
        for command in (["predict", run], ["generate", run, "--prompt"]):
            assert refused(*command, tmp_path) == f"Error: {tmp_path}: expected what to predict from, got a directory."
            empty, binary = tmp_path / "empty", tmp_path / "binary"
            assert refused(*command, empty) == f"Error: {empty}: expected what to predict from, got a file of 0 bytes."
            assert refused(*command, binary) == f"Error: {binary}: expected text in UTF-8, got byte 0x80 at offset 128."

    def test_a_mistyped_file_name_is_not_taken_for_the_input_itself(self, trained: Callable[[str], Path]) -> None:
        for dataset in ("text", "fibonacci"):
            assert refused("predict", trained(dataset), "letetr.txt") == (
                "Error: letetr.txt: no such file. To ask about these words themselves, pipe them in: printf %s 'letetr.txt' | seqapp … -"
            )

    def test_a_file_that_is_not_there(self, trained: Callable[[str], Path]) -> None:
        message = refused("predict", trained("stock"), "absent.csv")
        assert message == "Error: absent.csv: no such file; expected what to predict from."

    def test_too_few_rows(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        file = write(tmp_path / "few.csv", days(5))
        message = refused("predict", trained("stock"), file)
        assert message == f"Error: {file}: expected at least 12 rows (the model's window), got 5."

    def test_nothing_on_standard_input(self, trained: Callable[[str], Path]) -> None:
        message = refused("predict", trained("stock"), "-", stdin="")
        assert message == "Error: standard input: expected what to predict from, got nothing."

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("1 1 two", "input: expected non-negative decimal integers such as '1 1 2 3 5', got 'two'."),
            ("-1 1", "input: expected non-negative decimal integers such as '1 1 2 3 5', got '-1'."),
            ("1.5 2", "input: expected non-negative decimal integers such as '1 1 2 3 5', got '1.5'."),
            ("8", "input: expected at least 2 terms, got 1."),
        ],
    )
    def test_terms(self, text: str, message: str, trained: Callable[[str], Path]) -> None:
        # "--" keeps a leading minus from being read as an option
        assert refused("predict", trained("fibonacci"), "--", text) == f"Error: {message}"

    def test_a_dinner_that_nobody_knows(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        file = tmp_path / "log.csv"
        header = "high,low,wind,precipitation,humidity,dinner\n"
        file.write_text(header + "67,43,13,.25,.83,tacos\n67,43,13,.25,.83,\n")
        message = refused("predict", trained("weather_dinner"), file)
        assert message == (
            f"Error: {file}, column 'dinner': 'tacos' did not occur in training. "
            "Expected one of pizza, sushi, waffles, or nothing where it is unknown."
        )
        file.write_text(header + "67,43,13,.25,.83,pizza\n")
        message = refused("predict", trained("weather_dinner"), file)
        assert message == (
            f"Error: {file}: expected 'dinner' of the last row to be empty, as it is to be predicted, got 'pizza'. "
            "Add a row with high, low, wind, precipitation, humidity of the day to predict."
        )

    def test_one_bad_byte_in_a_text(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        file = tmp_path / "letter.txt"
        file.write_bytes("Grüße".encode() + b"\xff")
        assert (
            refused("predict", trained("text"), file)
            == f"Error: {file}: expected text in UTF-8, got byte 0xff at offset 7."
        )
        message = refused("train", "text", "--file", file)
        assert message == (
            f"Error: {file}: expected text in UTF-8, got byte 0xff at offset 7. Trained with --level byte, a run reads any file."
        )

    def test_a_text_too_short_to_train_on(self, tmp_path: Path) -> None:
        file = tmp_path / "letter.txt"
        file.write_text("Doug saw Jane.")
        assert refused("train", "text", "--file", file) == (
            f"Error: {file}: expected at least 128 tokens for --bptt 16, got 14. Give more text."
        )


def edit(run: Path, **changes: Any) -> None:
    file = run / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.fixture
def copied(trained: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the small Fibonacci run, to be damaged."""
    import shutil

    return Path(shutil.copytree(trained("fibonacci"), tmp_path / "run"))
