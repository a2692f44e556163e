"""seqapp serve: SavedModels over TF Serving's REST interface."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from seqapp.system.tensorflow import start_tensorflow


@click.command("serve")
@click.argument("sources", nargs=-1, required=True, metavar="RUN|DIR|NAME=DIR...")
@click.option("--port", type=click.IntRange(0, 65535), default=8501, show_default=True, help="0: any free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all of them.")
@click.option(
    "--api-key-file",
    type=click.Path(exists=True, dir_okay=False),
    help="File of API keys, one per line; clients must send one.",
)
@click.option(
    "--keep", type=click.IntRange(1), default=1, show_default=True, help="Number of versions served, highest first."
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="[NAME/]LABEL=VERSION",
    help="Name a version; NAME is required with several models.",
)
@click.option(
    "--poll-seconds",
    type=click.FloatRange(0.05),
    default=1.0,
    show_default=True,
    help="Interval between checks for new versions.",
)
@click.option("--batch-size", type=click.IntRange(1), default=1, show_default=True, help="Maximum batch size, in rows.")
@click.option(
    "--batch-timeout-ms",
    type=click.FloatRange(0),
    default=2.0,
    show_default=True,
    help="Maximum wait for a batch to fill.",
)
@click.option("--max-body", type=click.IntRange(1), default=8 << 20, show_default=True, help="Bytes per request.")
@click.option("--max-rows", type=click.IntRange(1), default=1024, show_default=True, help="Rows per request.")
@click.option("--max-length", type=click.IntRange(1), default=10_000, show_default=True, help="Items to generate.")
@click.option(
    "--max-requests",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="Maximum concurrent requests; more get 429.",
)
@click.option(
    "--max-connections", type=click.IntRange(1), default=512, show_default=True, help="Maximum open connections."
)
@click.option("--timeout", type=click.FloatRange(0.01), default=60.0, show_default=True, help="Seconds per request.")
def command(
    sources: tuple[str, ...],
    labels: tuple[str, ...],
    api_key_file: str | None,
    batch_timeout_ms: float,
    **options: Any,
) -> None:
    """Serve exported models over TF Serving's REST interface, with a web page at /.

    Each model is a RUN's export, or any folder of SavedModels DIR/<version>/, and is served under the folder's name.
    New versions are loaded as they appear. SIGTERM stops the server once the requests in progress are answered.
    """
    from seqapp.serving.limits import Limits
    from seqapp.serving.models.memory import use_one_arena
    from seqapp.serving.options import Settings, find_models, parse_labels, read_keys

    limits = Limits(**{field.name: options.pop(field.name) for field in fields(Limits) if field.name in options})
    bases = find_models(sources)
    settings = Settings(
        bases=bases,
        labels=parse_labels(labels, bases),
        keys=read_keys(api_key_file),
        batch_seconds=batch_timeout_ms / 1000,
        limits=limits,
        **options,
    )
    use_one_arena()
    start_tensorflow()
    from seqapp.serving.run import serve

    serve(settings)
