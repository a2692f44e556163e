"""seqapp export: the SavedModel, raw in and raw out."""

from __future__ import annotations

import json
from pathlib import Path

import click

from seqapp.runs.run import open_for_use
from seqapp.system.tensorflow import start_tensorflow


@click.command("export")
@click.argument("run")
@click.option("--to", metavar="DIR", help="Folder that gets the next version.  [default: RUN/export]")
@click.option("--json", "as_json", is_flag=True, help='{"saved_model": PATH} on stdout.')
def command(run: str, to: str | None, as_json: bool) -> None:
    """Write RUN as DIR/<version>/saved_model.pb, ready for TF Serving."""
    opened = open_for_use(run)
    start_tensorflow()
    from seqapp.api.export import export

    folder = export(opened, Path(to) if to else opened.folder / "export")
    click.echo(json.dumps({"saved_model": str(folder)}) if as_json else str(folder))
