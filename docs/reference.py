"""Write the reference sections of the documentation from the code: commands, datasets, models and their options.

    python -m docs.reference

A section lies between `<!-- reference: NAME ARGUMENT -->` and `<!-- end -->`; NAME is a key of `SECTIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click

from seqapp import rooms
from seqapp.cli import main
from seqapp.contract.options import NetworkOptions, Option, options_of, rows
from seqapp.runs.options import TrainingOptions

SECTION = re.compile(r"(<!-- reference: ([a-z-]+)(?: ([a-z_]+))? -->\n).*?(<!-- end -->)", re.DOTALL)
SINGLE_NEWLINE = re.compile(r"(?<!\n)\n(?!\n)")
DEFAULT = re.compile(r"\s*\[default: (.*?)\]")
HEAD = ("option", "default", "values", "meaning")
RUN_OPTIONS = ("model", "out", "resume", "force")


def pages() -> list[Path]:
    """Return the pages that may hold reference sections."""
    return sorted(Path(__file__).parent.glob("*.md"))


def renewed(text: str) -> str:
    """Return a page with its reference sections as the code has them now."""
    return SECTION.sub(lambda match: match[1] + SECTIONS[match[2]](match[3] or "") + match[4], text)


def dataset_table(_: str) -> str:
    """Return the datasets with their summaries."""
    return _table(("dataset", "what it predicts"), _summaries("datasets"))


def model_table(_: str) -> str:
    """Return the models with their summaries."""
    return _table(("model", "what it is"), _summaries("models"))


def default_table(_: str) -> str:
    """Return the network and training options for which a dataset has its own default."""
    lines = []
    for dataset in rooms.names("datasets"):
        own = rooms.find("datasets", dataset).defaults
        values = [f"`--{name.replace('_', '-')} {value}`" for name, value in own.items() if value is not None]
        by_data = [f"`--{name.replace('_', '-')}`" for name, value in own.items() if value is None]
        text = ", ".join(values) + (f"by the data: {', '.join(by_data)}" if by_data else "")
        lines.append((f"`{dataset}`", text))
    return _table(("dataset", "its defaults"), lines)


def option_table(group: str) -> str:
    """Return the options of one group of network and training options."""
    general = [*options_of(NetworkOptions), *options_of(TrainingOptions)]
    return _table(HEAD, _rows(option for option in general if option.group == group))


def dataset_options(_: str) -> str:
    """Return the options of every dataset file, each under its own heading."""
    return "\n".join(f"### {name}\n\n{_dataset_options(name)}" for name in rooms.names("datasets"))


def model_options(_: str) -> str:
    """Return the options that single model files declare."""
    lines = [
        (f"`{model}`", *row) for model in rooms.names("models") for row in _rows(rooms.find("models", model).options)
    ]
    return _table(("model", *HEAD), lines)


def run_options(_: str) -> str:
    """Return the options of `train` for the run folder and the model."""
    dataset = rooms.names("datasets")[0]
    table = _options(option for option in _train_options(dataset) if option.name in RUN_OPTIONS)
    return table.replace(f"runs/{dataset}-MODEL", "runs/DATASET-MODEL")


def command_usage(name: str) -> str:
    """Return the usage of one command and its options."""
    return _usage(_command(name), f"seqapp {name}")


def view_usage(name: str) -> str:
    """Return the usage of one view of `inspect` and its options."""
    group = _command("inspect")
    assert isinstance(group, click.Group)
    view = group.get_command(click.Context(group, info_name="inspect"), name)
    assert view is not None, name
    return _usage(view, f"seqapp inspect RUN {name}", described=True)


SECTIONS: dict[str, Callable[[str], str]] = {
    "datasets": dataset_table,
    "models": model_table,
    "defaults": default_table,
    "options": option_table,
    "dataset-options": dataset_options,
    "model-options": model_options,
    "run-options": run_options,
    "command": command_usage,
    "view": view_usage,
}


def _dataset_options(name: str) -> str:
    return _table(HEAD, _rows(rooms.find("datasets", name).options))


def _rows(options: Iterable[Option]) -> list[tuple[str, ...]]:
    return [(f"`{flag}`", _code(default), _code(values), text) for flag, default, values, text in rows(options)]


def _summaries(kind: str) -> list[tuple[str, ...]]:
    return [(f"`{name}`", rooms.find(kind, name).summary) for name in rooms.names(kind)]


def _command(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None, name
    return command


def _train_options(dataset: str) -> tuple[click.Option, ...]:
    group = _command("train")
    assert isinstance(group, click.Group)
    _, command, _ = group.resolve_command(click.Context(group, info_name="train"), [dataset])
    assert command is not None
    return tuple(option for option in command.params if isinstance(option, click.Option))


def _usage(command: click.Command, path: str, described: bool = False) -> str:
    context = click.Context(command, info_name=path)
    usage = f"    {path} {' '.join(command.collect_usage_pieces(context))}\n\n"
    text = f"{SINGLE_NEWLINE.sub(' ', command.help or '')}\n\n" if described else ""
    options = [option for option in command.params if isinstance(option, click.Option)]
    return f"{text}{usage}{_options(options) if options else ''}"


def _options(options: Iterable[click.Option]) -> str:
    return _table(HEAD, [_row(option) for option in options])


def _row(option: click.Option) -> tuple[str, str, str, str]:
    """Return the name, default, allowed values and help of an option of the command line."""
    help_text = option.help or ""
    stated = DEFAULT.search(help_text)
    default = stated[1] if stated else _default(option)
    return f"`{option.opts[-1]}`", _code(default), _code(_values(option)), DEFAULT.sub("", help_text)


def _default(option: click.Option) -> str:
    if option.is_flag:
        return "on" if option.default else ""
    if isinstance(option.show_default, str):
        return option.show_default
    return "" if option.default is None or not option.show_default else str(option.default)


def _values(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(option.type.choices)
    if isinstance(option.type, click.IntRange | click.FloatRange):
        return option.type._describe_range()  # what --help shows
    return option.metavar or ""


def _code(text: str) -> str:
    """Return a value as code, a description as it is."""
    return f"`{text}`" if text and " " not in text else text


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    cells = [head, ["---"] * len(head), *[[_escaped(cell) for cell in line] for line in lines]]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _escaped(cell: str) -> str:
    """Escape what Markdown would read as the end of a cell, or outside of code as HTML."""
    text = cell.replace("|", r"\|")
    return text if "`" in text else text.replace("<", r"\<")


def write() -> None:
    """Renew every page in place."""
    for page in pages():
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
