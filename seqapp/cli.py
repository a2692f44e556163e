"""The command line: finds the commands (a file in seqapp/commands is one command) and sets exit codes.

0 done, 1 the work failed, 2 bad input or usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from typing import Any

import click

import seqapp
from seqapp import rooms
from seqapp.errors import BadInput, UnknownName, WorkFailed, one_line
from seqapp.system.files import describe_os_error
from seqapp.system.signals import raise_on_signal

ORDER = ("list", "train", "evaluate", "predict", "generate", "export", "serve")  # as one meets them; others by name


class Commands(click.Group):
    """All files in seqapp/commands; each defines `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which a newcomer needs them."""
        names = rooms.names("commands")
        return [name for name in ORDER if name in names] + [name for name in names if name not in ORDER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command's file."""
        if cmd_name not in self.list_commands(ctx):
            raise Usage(str(UnknownName("command", cmd_name, self.list_commands(ctx))))
        command: click.Command = importlib.import_module(f"seqapp.commands.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a user's mistake, a full disk or Ctrl-C becomes one line and its exit code."""
        try:
            with raise_on_signal():
                return super().invoke(ctx)
        except BadInput as error:
            raise Usage(str(error)) from error
        except WorkFailed as error:
            raise click.ClickException(one_line(str(error))) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            said = _said(error)
            if said is None or os.environ.get("SEQAPP_TRACEBACK"):
                raise
            raise said from error
        except KeyboardInterrupt as interruption:
            logging.getLogger("tensorflow").setLevel(logging.CRITICAL)  # it would tell of what was left half made
            click.echo(f"Interrupted. {interruption}".rstrip(), err=True)
            sys.exit(130)


class Usage(click.ClickException):
    """One line on stderr, exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def _said(error: Exception) -> click.ClickException | None:
    """An error in a user's own file, of the disk or for want of memory, in one line; None for one of ours."""
    if blamed := rooms.blame(error):
        return Usage(f"{blamed}  (SEQAPP_TRACEBACK=1 shows the way there.)")
    if isinstance(error, OSError) and error.errno and not isinstance(error, BrokenPipeError):  # click's to handle
        return click.ClickException(describe_os_error(error))
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":  # the latter TensorFlow's
        return click.ClickException("not enough memory for this. Ask for less, or stop what else is running.")
    return None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(seqapp.__version__, prog_name="seqapp")
def main() -> None:
    """Train, evaluate, export and serve recurrent sequence predictors."""
