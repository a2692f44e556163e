"""seqapp train: one subcommand per dataset file, with the options that the dataset and the model declare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from seqapp import rooms
from seqapp.errors import BadInput
from seqapp.quiet import start_tensorflow
from seqapp.training_options import NETWORK, TRAINING, training_options


class Datasets(click.Group):
    """The files of the datasets room, and the user's own by path."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the datasets."""
        return rooms.names("datasets")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the dataset, and the model that the arguments name: both bring their options."""
        dataset = rooms.find("datasets", args[0])
        model = rooms.find("models", _model(args[1:]))
        return args[0], _train_command(dataset, model), args[1:]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """For the list in --help."""
        return click.Command(cmd_name, short_help=rooms.find("datasets", cmd_name).summary)


@click.group(cls=Datasets, subcommand_metavar="DATASET [OPTIONS]")
def command() -> None:
    """Train a model on a dataset: a name from `seqapp list`, or your own ./file.py.

    `seqapp train DATASET --help` lists the dataset's own options.
    """


def _model(args: list[str]) -> str:
    """The value of --model, read ahead because the model's own options depend on it."""
    for index, argument in enumerate(args):
        if argument.startswith("--model="):
            return argument.partition("=")[2]
        if argument == "--model" and index + 1 < len(args):
            return args[index + 1]
    return "lstm"


def _train_command(dataset: rooms.Room, model: rooms.Room) -> click.Command:
    own = rooms.options(dataset.module.load)
    models = rooms.options(model.module.layer)

    general = training_options(dataset.defaults, dataset.name)
    _refuse_twins([*own, *models, *general])

    def run(**values: Any) -> None:
        context = click.get_current_context()
        given = [name for name in values if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        _train(
            dataset, model, {str(option.name) for option in own}, {str(option.name) for option in models}, values, given
        )

    return click.Command(dataset.name, params=[*own, *models, *general], callback=run, help=dataset.module.__doc__)


def _refuse_twins(options: list[click.Parameter]) -> None:
    names = [str(option.name) for option in options]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise BadInput(
            f"the option --{twins[0].replace('_', '-')} is declared twice: rename it in your dataset or model file."
        )


def _train(
    dataset: rooms.Room, model: rooms.Room, own: set[str], models: set[str], values: dict[str, Any], given: list[str]
) -> None:
    if values["resume"] and values["force"]:
        raise BadInput("--resume goes on with a run and --force starts it anew: give one of them.")
    start_tensorflow()
    from seqapp import recipe
    from seqapp.network import Shape
    from seqapp.progress import Progress
    from seqapp.training import Plan

    folder = Path(values["out"] or f"runs/{dataset.name}-{model.name}")
    with Progress() as progress:
        if values["resume"]:
            settled = {"model", "out", "resume", "force"}
            changes = {name: values[name] for name in given if name not in settled}
            run = recipe.resume(folder, dataset, model if "model" in given else None, changes, progress)
        else:
            recipe_given = recipe.Recipe(
                dataset,
                model,
                {name: values[name] for name in own},
                {name: values[name] for name in models},
                Shape(**{name: values[name] for name in NETWORK}),
                Plan(**{name: values[name] for name in TRAINING}),
            )
            run = recipe.start(recipe_given, folder, values["force"], ["seqapp", *sys.argv[1:]], progress)
    size, seconds = run.record["parameters"], run.record["seconds"]
    click.echo(f"{run.folder}  {size} parameters, {seconds:.0f} s. Next: seqapp evaluate {run.folder}")
