"""seqapp train: one subcommand per dataset file, with the options that the dataset and the model declare."""

from __future__ import annotations

import click

from seqapp import rooms
from seqapp.commands._train import train_command


class Datasets(click.Group):
    """The files in datasets/, and the user's own by path."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the datasets."""
        return rooms.names("datasets")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the dataset, and the model that the arguments name: both bring options."""
        dataset = rooms.find("datasets", args[0])
        model = rooms.find("models", _model(args[1:]))
        return args[0], train_command(dataset, model), args[1:]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command for the list in --help."""
        return click.Command(cmd_name, short_help=rooms.find("datasets", cmd_name).summary)


@click.group(cls=Datasets, subcommand_metavar="DATASET [OPTIONS]")
def command() -> None:
    """Train a model on a dataset: a name from `seqapp list`, or your own ./file.py.

    `seqapp train DATASET --help` lists the dataset's own options.
    """


def _model(args: list[str]) -> str:
    """Return the value of --model, read ahead because the command's options depend on it."""
    for index, argument in enumerate(args):
        if argument.startswith("--model="):
            return argument.partition("=")[2]
        if argument == "--model" and index + 1 < len(args):
            return args[index + 1]
    return rooms.default_model()
