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

ORDER = ("list", "train", "evaluate", "predict", "generate", "export", "serve")  # as one needs them; others by name


class Commands(click.Group):
    """All files in seqapp/commands; each defines `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer needs them."""
        names = rooms.names("commands")
        return [name for name in ORDER if name in names] + [name for name in names if name not in ORDER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command's file."""
        if cmd_name not in self.list_commands(ctx):
            raise Usage(str(UnknownName("command", cmd_name, self.list_commands(ctx))))
        command: click.Command = importlib.import_module(f"seqapp.commands.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a user's mistake, a full disk or Ctrl-C becomes one line and its exit code."""
        _show_notes()
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
            failure = _as_click_error(error)
            if failure is None or os.environ.get("SEQAPP_TRACEBACK"):
                raise
            raise failure from error
        except KeyboardInterrupt as interrupt:
            logging.getLogger("tensorflow").setLevel(logging.CRITICAL)  # it would report unfinished operations
            click.echo(f"Interrupted. {interrupt}".rstrip(), err=True)
            sys.exit(130)


class Usage(click.ClickException):
    """One line on stderr, exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class Notes(logging.Handler):
    """Shows what the library logs on stderr, warnings with "Note: " before them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        prefix = "Note: " if record.levelno >= logging.WARNING else ""
        click.echo(f"{prefix}{record.getMessage()}", err=True)


def _show_notes() -> None:
    logger = logging.getLogger("seqapp")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [Notes()]


def _as_click_error(error: Exception) -> click.ClickException | None:
    """Return an error in a user's own file, of the disk or of memory as one line; None for a bug of seqapp."""
    if location := rooms.blame(error):
        return Usage(f"{location}  (Set SEQAPP_TRACEBACK=1 for the full traceback.)")
    if isinstance(error, OSError) and error.errno and not isinstance(error, BrokenPipeError):  # click's to handle
        return click.ClickException(describe_os_error(error))
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":  # the latter TensorFlow's
        return click.ClickException("not enough memory. Use smaller values, or stop other programs.")
    return None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(seqapp.__version__, prog_name="seqapp")
def main() -> None:
    """Train, evaluate, export and serve recurrent sequence predictors."""
