"""seqapp inspect: views of a run. A file in seqapp/inspection is one view; each defines `command`."""

from __future__ import annotations

import importlib

import click

from seqapp import rooms
from seqapp.errors import BadInput, UnknownName


class Views(click.Group):
    """The views in seqapp/inspection; each gets the run's folder as `ctx.obj`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the views, sorted."""
        return rooms.names("inspection")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one view's file."""
        if cmd_name not in self.list_commands(ctx):
            raise UnknownName("view", cmd_name, self.list_commands(ctx))
        command: click.Command = importlib.import_module(f"seqapp.inspection.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each view with the names of its options."""
        with formatter.section("Views"):
            formatter.write_dl([(name, self._description(ctx, name)) for name in self.list_commands(ctx)])

    def _description(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        assert command is not None  # for mypy: the name is one of list_commands
        options = [option.opts[0] for option in command.params if isinstance(option, click.Option)]
        return f"{command.get_short_help_str(200)} {', '.join(options)}"


@click.group("inspect", cls=Views, subcommand_metavar="VIEW [OPTIONS]", invoke_without_command=True)
@click.argument("run")
@click.pass_context
def command(context: click.Context, run: str) -> None:
    """Look inside RUN: weights, gates, gradients, how far back predictions depend on, surprising steps.

    `seqapp inspect RUN VIEW --help` explains a view and its options.
    """
    if context.invoked_subcommand is None:
        raise BadInput(f"expected a view after the RUN. Choose from: {', '.join(Views().list_commands(context))}.")
    context.obj = run
