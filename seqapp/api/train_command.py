"""The command that trains one dataset with one model: options from both files, the work in seqapp/api/train.py."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from seqapp import rooms
from seqapp.contract.options import NetworkOptions, Option, options_of
from seqapp.errors import BadInput
from seqapp.runs.options import TrainingOptions, general_options
from seqapp.runs.run import Run
from seqapp.system.locks import refuse_in_use
from seqapp.system.tensorflow import start_tensorflow


def train_command(dataset: rooms.Room, model: rooms.Room, done: Callable[[Run], None]) -> click.Command:
    """A click command with the options of the dataset's file, of the model's file, and of every training.

    `done` is told the run that it makes.
    """
    own = rooms.options(dataset.module.load)
    models = rooms.options(model.module.layer)

    general = [*map(click_option, general_options(dataset.defaults)), *_run_options(dataset.name)]
    _refuse_twins([*own, *models, *general])

    def run(**values: Any) -> None:
        context = click.get_current_context()
        given = [name for name in values if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        theirs = [[str(option.name) for option in options] for options in (own, models)]
        done(_train(dataset, model, theirs[0], theirs[1], values, given))

    return click.Command(dataset.name, params=[*own, *models, *general], callback=run, help=dataset.module.__doc__)


def click_option(option: Option) -> click.Option:
    """Return the command line's form of an option."""
    settings: dict[str, Any] = {"default": option.default, "help": option.help, "metavar": option.metavar}
    if option.kind is bool:
        return click.Option([option.flag], is_flag=True, **settings)
    shown = option.default_text or (option.default is not None and option.default != ())
    return click.Option(
        [option.flag], type=_click_type(option), multiple=option.multiple, show_default=shown, **settings
    )


def _click_type(option: Option) -> Any:
    if option.is_path:
        return click.Path(resolve_path=True)
    if option.choices:
        return click.Choice(option.choices)
    limits, low, high = option.range, option.range.minimum, option.range.maximum
    if str(limits):
        bounds: dict[str, Any] = {
            "min": limits.above if low is None else low,
            "max": limits.below if high is None else high,
            "min_open": limits.above is not None,
            "max_open": limits.below is not None,
        }
        return (click.IntRange if option.kind is int else click.FloatRange)(**bounds)
    return click.types.convert_type(option.kind)


def _run_options(dataset: str) -> list[click.Option]:
    model = "A model of `seqapp list`, or the path of your own file."
    return [
        click.Option(["--model"], default="lstm", show_default=True, metavar="NAME|FILE.py", help=model),
        click.Option(["--out"], metavar="DIR", help=f"Run folder.  [default: runs/{dataset}-MODEL]"),
        click.Option(["--resume"], is_flag=True, help="Continue from the last checkpoint."),
        click.Option(["--force"], is_flag=True, help="Start over, in place of the existing run."),
    ]


def _names(kind: type) -> list[str]:
    return [option.name for option in options_of(kind)]


def _refuse_twins(options: list[click.Parameter]) -> None:
    names = [str(option.name) for option in options]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise BadInput(
            f"the option --{twins[0].replace('_', '-')} is declared twice: rename it in your dataset or model file."
        )


def _train(
    dataset: rooms.Room, model: rooms.Room, own: list[str], models: list[str], values: dict[str, Any], given: list[str]
) -> Run:
    if values["resume"] and values["force"]:
        raise BadInput("--resume continues a run and --force starts over: give one of them.")
    folder = Path(values["out"] or f"runs/{dataset.name}-{model.name}")
    refuse_in_use(folder)
    start_tensorflow()
    from seqapp.api import train
    from seqapp.training.progress import Progress

    with Progress() as progress:
        if values["resume"]:
            settled = {"model", "out", "resume", "force"}
            changes = {name: values[name] for name in given if name not in settled}
            run = train.resume(folder, dataset, model if "model" in given else None, changes, progress)
        else:
            recipe_given = train.Recipe(
                dataset,
                model,
                {name: values[name] for name in own},
                {name: values[name] for name in models},
                {name: values[name] for name in _names(NetworkOptions)},
                {name: values[name] for name in _names(TrainingOptions)},
            )
            run = train.start(recipe_given, folder, values["force"], ["seqapp", *sys.argv[1:]], progress)
    return run
