"""seqapp serve: SavedModels behind TF Serving's REST interface."""

from __future__ import annotations

from typing import Any

import click

from seqapp.system.tensorflow import start_tensorflow


@click.command("serve")
@click.argument("sources", nargs=-1, required=True, metavar="RUN|DIR|NAME=DIR...")
@click.option("--port", type=click.IntRange(0, 65535), default=8501, show_default=True, help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is all of them.")
@click.option(
    "--api-key-file", type=click.Path(exists=True, dir_okay=False), help="Keys, one a line: clients need one."
)
@click.option(
    "--keep", type=click.IntRange(1), default=1, show_default=True, help="How many of the highest versions are served."
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="[NAME/]LABEL=VERSION",
    help="A version's name; NAME where there are several models.",
)
@click.option("--poll-seconds", type=click.FloatRange(0.05), default=1.0, show_default=True, help="For new versions.")
@click.option("--batch-size", type=click.IntRange(1), default=1, show_default=True, help="Rows run together at most.")
@click.option("--batch-timeout-ms", type=click.FloatRange(0), default=2.0, show_default=True, help="Wait for a batch.")
@click.option("--max-body", type=click.IntRange(1), default=8 << 20, show_default=True, help="Bytes in a request.")
@click.option("--max-rows", type=click.IntRange(1), default=1024, show_default=True, help="Rows in a request.")
@click.option("--max-length", type=click.IntRange(1), default=10_000, show_default=True, help="Items to generate.")
@click.option(
    "--max-requests", type=click.IntRange(1), default=64, show_default=True, help="At work at once; then 429."
)
@click.option("--max-connections", type=click.IntRange(1), default=512, show_default=True, help="Open at once.")
@click.option("--timeout", type=click.FloatRange(0.01), default=60.0, show_default=True, help="Seconds for a request.")
def command(sources: tuple[str, ...], labels: tuple[str, ...], api_key_file: str | None, **given: Any) -> None:
    """Serve exported models: a RUN's export, or any folder of SavedModels DIR/<version>/, under the folder's name.

    Speaks TF Serving's REST interface; a page at / asks the models by hand. New versions are swapped in as they appear.
    SIGTERM ends it when the requests under way are answered.
    """
    from seqapp.serving import options
    from seqapp.serving.limits import Limits
    from seqapp.serving.models.memory import share_one_heap

    bases = options.bases(sources)
    settings = options.Settings(
        bases,
        options.labels(labels, bases),
        given["host"],
        given["port"],
        options.keys(api_key_file),
        given["keep"],
        given["poll_seconds"],
        given["batch_size"],
        given["batch_timeout_ms"] / 1000,
        Limits(
            body=given["max_body"],
            rows=given["max_rows"],
            length=given["max_length"],
            requests=given["max_requests"],
            connections=given["max_connections"],
            seconds=given["timeout"],
        ),
    )
    share_one_heap()
    start_tensorflow()
    from seqapp.serving.run import serve

    serve(settings)
