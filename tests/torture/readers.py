"""What reads data, questions and run folders, and inputs for it; for fuzz.py and the tests.

`PARTS` says by name what is read and how; reading ends well or with BadInput, whatever the input is. Networks are not
made: archives of weights have tests of their own.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from seqapp import rooms
from seqapp.api import train
from seqapp.contract.options import NetworkOptions, options_of
from seqapp.errors import BadInput
from seqapp.runs import questions
from seqapp.runs import record as records
from seqapp.runs.options import TrainingOptions
from seqapp.runs.run import Run, open_run
from tests.torture.mutations import altered, changed

SMALL_OPTIONS: dict[str, dict[str, Any]] = {
    "fibonacci": {"sequences": 60, "test_digits": 10},
    "weather_dinner": {"days": 400, "window": 5},
    "text": {"corpus": "stories"},
    "stock": {"window": 5},
    "recall": {"sequences": 100, "gap": 10},
    "temporal_order": {"sequences": 100, "gap": 10},
    "adding": {"sequences": 100, "gap": 10},
}


def _days(count: int, row: Callable[[int], str]) -> str:
    first = np.datetime64("2020-01-01")
    return "\n".join(f"{first + day},{row(day)}" for day in range(count)) + "\n"


PRICES = "date,close,volume\n" + _days(40, lambda day: f"{100 + day % 7}.5,{1000 + day}")
LONG_TABLE = "date,shop,sold,holiday,kind\n" + "".join(
    _days(30, lambda day, shop=shop: f"{shop},{day % 5 + 1},{day % 7 == 0:d},{'ab'[day % 2]}")  # type: ignore[misc] # bound
    for shop in ("north", "south")
)
LOG = "day,high,sky,dinner\n" + _days(
    60, lambda day: f"{60 + day % 9},{'sun' if day % 3 else 'rain'},{'pizza' if day % 2 else 'sushi'}"
)
PROSE = "Doug saw Jane. Jane saw Spot.\n\nSpot saw Doug.\n" * 40


@functools.cache
def dataset(name: str) -> Any:
    """A small dataset of each room."""
    return rooms.find("datasets", name).load(0, **SMALL_OPTIONS.get(name, {}))


def defaults(room: rooms.Room) -> dict[str, Any]:
    """The values of a file's options that are not given."""
    return {option.name: option.default for option in room.options}


@functools.cache
def record(name: str) -> str:
    """The run.json of a training run on it, as it is before the first step."""

    class Model:
        count_params = staticmethod(lambda: 1)

    class Network:
        model = Model

    room, model = rooms.find("datasets", name), rooms.find("models", "lstm")
    options = [defaults(room) | SMALL_OPTIONS.get(name, {}), defaults(model)]
    general = (
        {option.name: option.default for option in options_of(kind)} for kind in (NetworkOptions, TrainingOptions)
    )
    result = train.Recipe(room, model, *options, *general)
    return json.dumps(train._record(result, dataset(name), Network, ["seqapp"]))  # type: ignore[arg-type] # of a size


Example = tuple[str, bytes]
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "prices": ("stock", PRICES, {"window": 5}),
    "gaps": (
        "stock",
        PRICES,
        {"window": 5, "missing": "mask", "target": "close", "inputs": "volume", "calendar": "weekday"},
    ),
    "long": (
        "stock",
        LONG_TABLE,
        {"series": "shop", "target": "sold", "known": "holiday", "category": "kind", "window": 5},
    ),
    "forward": ("stock", PRICES, {"window": 5, "missing": "forward", "split_at": "2020-01-25,2020-02-01"}),
    "log": ("weather_dinner", LOG, {"inputs": "high", "window": 5}),
    "sky": ("weather_dinner", LOG, {"known": "high,sky", "window": 5}),
}


def csv_examples() -> st.SearchStrategy[Example]:
    """A CSV, and what is asked of it."""
    return st.sampled_from(list(ASKED)).flatmap(lambda name: st.tuples(st.just(name), changed(ASKED[name][1].encode())))


@functools.cache
def _of_csv(name: str) -> Any:
    room, content, options = ASKED[name]
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(content.encode())
        file.flush()
        return _load(room, file.name, options).task


def _load(room: str, path: str, options: dict[str, Any]) -> Any:
    several = isinstance(defaults(rooms.find("datasets", room))["csv"], tuple)
    return rooms.find("datasets", room).load(0, **options, csv=(path,) if several else path)


def read_csv(example: Example, folder: Path) -> None:
    """Load it as training data, and read it as a question to a task of the same columns."""
    name, content = example
    room, _, options = ASKED[name]
    file = folder / "data.csv"
    file.write_bytes(content)
    task = _of_csv(name)
    question = functools.partial(lambda: task.read(task.decode(content, str(file)), str(file)))
    for attempt in (lambda: _plain(_load(room, str(file), options)), question):
        _refused(attempt)


def _plain(result: Any) -> None:
    """What was fitted can be kept in a run.json and comes back."""
    text = json.dumps(result.task.state(), allow_nan=False)
    json.dumps([dict(result.data), dict(result.split)])
    assert type(result.task).restore(json.loads(text)) == result.task


def text_examples() -> st.SearchStrategy[Example]:
    """A text, and the level and documents that are asked for."""
    question = [f"{level} {rule}" for level in ("char", "byte", "word") for rule in ("", "line", "blank-line", "file")]
    return st.tuples(st.sampled_from(question), changed(PROSE.encode()))


def read_text(example: Example, folder: Path) -> None:
    """Load it as training data and as another text to evaluate on, and read it as a question."""
    level, _, rule = example[0].partition(" ")
    file = folder / "data.txt"
    file.write_bytes(example[1])
    question = {"level": level, "documents": rule or None, "file": (str(file),)}
    task = _of_text(level)
    _refused(lambda: _plain(rooms.find("datasets", "text").load(0, **question)))
    _refused(lambda: task.remark(task.read(task.decode(example[1], "input"), "input")))
    _refused(lambda: dataset("text").with_test_data(str(file)))


@functools.cache
def _of_text(level: str) -> Any:
    return rooms.find("datasets", "text").load(0, corpus="stories", level=level).task


def json_examples() -> st.SearchStrategy[Example]:
    """A question as JSON or as people type it, and the dataset that it goes to."""
    return st.sampled_from(rooms.names("datasets")).flatmap(
        lambda name: st.tuples(
            st.just(name),
            changed(json.dumps(json.loads(record(name))["latest"]).encode()) | changed(b"1 1 2 3 5 8 a X b ? 0.5 0.25"),
        )
    )


def read_json(example: Example, folder: Path) -> None:
    """Ask it of the dataset's task: as the JSON of a run's latest question, and as what `predict` was given."""
    name, content = example
    task = dataset(name).task

    def latest() -> None:
        try:
            question = records.parse(content)
        except ValueError:
            return
        if isinstance(question, dict):
            task.remark(questions.latest(Run(folder, json.loads(record(name)) | {"latest": question}), task))

    _refused(latest)
    _refused(lambda: task.remark(task.read(task.decode(content, "input"), "input")))


def run_examples() -> st.SearchStrategy[Example]:
    """A run.json with a change of its bytes, or of some of its values."""
    return st.sampled_from(rooms.names("datasets")).flatmap(
        lambda name: st.tuples(st.just(name), changed(record(name).encode()) | altered(record(name)))
    )


def read_run(example: Example, folder: Path) -> None:
    """Open it as every command does, up to where the network would be made."""
    (folder / "run.json").write_bytes(example[1])

    def opened() -> None:
        run = open_run(folder)
        task = run.task()
        run.training_options()
        network_options = run.network_options()
        run.model_room()
        assert task.inputs.size > 0
        assert task.head.units > 0
        assert network_options.units > 0
        task.signature()
        questions.latest(run, task)

    _refused(opened)


def _refused(attempt: Callable[[], Any]) -> None:
    """Read, or be told in a sentence of what is wrong with it."""
    try:
        attempt()
    except BadInput as error:
        if not str(error).strip():
            raise ValueError("refused without a word") from error


PARTS: dict[str, tuple[Callable[[], st.SearchStrategy[Example]], Callable[[Example, Path], None]]] = {
    "csv": (csv_examples, read_csv),
    "text": (text_examples, read_text),
    "json": (json_examples, read_json),
    "run": (run_examples, read_run),
}

VALID: dict[str, list[Example]] = {
    "csv": [(name, content.encode()) for name, (_, content, _) in ASKED.items()],
    "text": [(f"{level} ", PROSE.encode()) for level in ("char", "byte", "word")],
    "json": [(name, b"{}") for name in rooms.names("datasets")],
    "run": [(name, b"{}") for name in rooms.names("datasets")],
}
