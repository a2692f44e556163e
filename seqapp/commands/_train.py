"""The command that trains one model on one dataset: options from both files and of every training run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from seqapp.commands._options import click_option
from seqapp.contract.options import NetworkOptions, Option, options_of
from seqapp.errors import BadInput
from seqapp.rooms import Room, default_model
from seqapp.runs.options import TrainingOptions, general_options
from seqapp.system.locks import refuse_in_use
from seqapp.system.tensorflow import start_tensorflow

if TYPE_CHECKING:
    from seqapp.api.train import Recipe
    from seqapp.runs.run import Run

RUN_OPTIONS = {"model", "out", "resume", "force"}  # where and how, not what is trained


def train_command(dataset: Room, model: Room) -> click.Command:
    """Return the click command that trains a model on a dataset.

    Raises:
        BadInput: two of its options have the same name.
    """
    declared = [*dataset.options, *model.options, *general_options(dataset.defaults)]
    _refuse_duplicates(declared)

    def run(**values: Any) -> None:
        context = click.get_current_context()
        requested = {name for name in values if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
        _show(_train(dataset, model, values, requested))

    parameters: list[click.Parameter] = [*map(click_option, declared), *_run_options(dataset.name)]
    return click.Command(dataset.name, params=parameters, callback=run, help=dataset.module.__doc__)


def parse(dataset: Room, model: Room, words: Sequence[str]) -> Recipe:
    """Return what the train command would train with these words of a command line.

    Raises:
        BadInput: it does not take them.
    """
    try:
        context = train_command(dataset, model).make_context("seqapp train", list(words))
    except click.UsageError as error:
        raise BadInput(error.format_message()) from None
    return _recipe(dataset, model, context.params)


def _recipe(dataset: Room, model: Room, values: dict[str, Any]) -> Recipe:
    from seqapp.api.train import Recipe

    groups = (dataset.options, model.options, options_of(NetworkOptions), options_of(TrainingOptions))
    return Recipe(dataset, model, *({option.name: values[option.name] for option in group} for group in groups))


def _refuse_duplicates(options: list[Option]) -> None:
    flags = [option.flag for option in options]
    for flag in sorted(set(flags)):
        if flags.count(flag) > 1:
            raise BadInput(f"the option {flag} is declared twice: rename it in your dataset or model file.")


def _run_options(dataset: str) -> list[click.Option]:
    model = "A model of `seqapp list`, or the path of your own file."
    return [
        click.Option(["--model"], default=default_model(), show_default=True, metavar="NAME|FILE.py", help=model),
        click.Option(["--out"], metavar="DIR", help=f"Run folder.  [default: runs/{dataset}-MODEL]"),
        click.Option(["--resume"], is_flag=True, help="Continue from the last checkpoint."),
        click.Option(["--force"], is_flag=True, help="Start over, in place of the existing run."),
    ]


def _train(dataset: Room, model: Room, values: dict[str, Any], requested: set[str]) -> Run:
    if values["resume"] and values["force"]:
        raise BadInput("--resume continues a run and --force starts over: give one of them.")
    folder = Path(values["out"] or f"runs/{dataset.name}-{model.name}")
    refuse_in_use(folder)
    start_tensorflow()
    from seqapp.api import train
    from seqapp.training.progress import Progress

    with Progress() as progress:
        if values["resume"]:
            changes = {name: values[name] for name in requested - RUN_OPTIONS}
            return train.resume(folder, dataset, model if "model" in requested else None, changes, progress)
        recipe = _recipe(dataset, model, values)
        return train.start(recipe, folder, values["force"], ["seqapp", *sys.argv[1:]], progress)


def _show(run: Run) -> None:
    size, seconds = run.record["parameters"], run.record["seconds"]
    click.echo(f"{run.folder}  {size} parameters, {seconds:.0f} s. Next: seqapp evaluate {run.folder}")
