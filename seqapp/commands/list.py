"""seqapp list: datasets, models and runs."""

from __future__ import annotations

from pathlib import Path

import click

from seqapp import rooms
from seqapp.errors import BadInput
from seqapp.runs.run import open_run
from seqapp.system.locks import in_use


@click.command("list")
@click.option("--runs", "folder", default="runs", show_default=True, help="Folder that holds the runs.")
def command(folder: str) -> None:
    """Show datasets, models and runs, one line each."""
    for kind in ("datasets", "models"):
        click.echo(f"{kind}:")
        width = max(map(len, rooms.names(kind))) + 2
        for name in rooms.names(kind):
            click.echo(f"  {name:<{width}}{rooms.find(kind, name).summary}")
    click.echo(f"runs in {folder}/:")
    runs = sorted(path.parent for path in Path(folder).glob("*/run.json"))
    width = max((len(path.name) for path in runs), default=0)
    for path in runs:
        click.echo(f"  {path.name:<{width}}  {_describe(path)}")
    if not runs:
        click.echo("  no runs yet; make one with: seqapp train fibonacci --model simple_rnn")


def _describe(path: Path) -> str:
    try:
        run = open_run(path)
    except BadInput as error:
        return str(error)
    unfinished = ", training now" if in_use(path) else ", not finished: continue with --resume"
    state = "" if run.record.get("finished") else unfinished
    evaluated = ", evaluated" if (path / "metrics.json").is_file() else ""
    return f"{run.dataset} with {run.model}, {run.record.get('parameters')} parameters{evaluated}{state}"
