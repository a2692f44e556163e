"""`seqapp serve`: load the models, run the server in a thread, and wait for the signal that stops it."""

from __future__ import annotations

import errno
import signal
import threading
from typing import Any

import click

from seqapp.errors import BadInput, WorkFailed
from seqapp.serving.http.server import Server
from seqapp.serving.models.batching import Batcher, run_alone
from seqapp.serving.models.models import Model, Watcher
from seqapp.serving.options import Settings
from seqapp.serving.rest.rest import RestApi

LOOPBACK = ("127.", "localhost", "::1")  # how such addresses start


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, and finish the requests in progress.

    Raises:
        BadInput: the server cannot listen on the address.
        WorkFailed: none of a model's versions can be loaded.
        KeyboardInterrupt: the signal was SIGINT.
    """
    models = _create_models(settings)
    run = Batcher(settings.batch_size, settings.batch_seconds) if settings.batch_size > 1 else run_alone
    with Server((settings.host, settings.port), RestApi(models, settings.limits, run), settings.keys) as server:
        _bind(server, settings)
        _load(models)
        server.server_activate()
        _serve_until_signal(server, models, settings)


def _serve_until_signal(server: Server, models: dict[str, Model], settings: Settings) -> None:
    """Answer requests and load new versions until a signal arrives, then finish the requests in progress."""
    signals: list[int] = []
    stop = threading.Event()

    def on_signal(number: int, _frame: Any) -> None:
        if signals and number == signal.SIGINT:
            raise KeyboardInterrupt  # the user does not want to wait for the requests in progress
        signals.append(number)
        stop.set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    watcher = Watcher(list(models.values()), settings.poll_seconds)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="accept", daemon=True).start()
    watcher.start()
    _announce(settings, server, models)
    try:
        stop.wait()
        watcher.stop()
        complete = server.drain()
    finally:
        for number, action in previous.items():
            signal.signal(number, action)
    remark = "" if complete else "Some requests were not answered in time."
    if signals[0] == signal.SIGINT:
        raise KeyboardInterrupt(remark)
    click.echo(f"Stopped. {remark}".rstrip(), err=True)


def _create_models(settings: Settings) -> dict[str, Model]:
    def report(text: str) -> None:
        click.echo(text, err=True)

    return {
        name: Model(name, base, settings.keep, settings.labels.get(name, {}), report)
        for name, base in settings.bases.items()
    }


def _load(models: dict[str, Model]) -> None:
    for model in models.values():
        model.poll()
        if not model.loaded:
            raise WorkFailed(f"{model.base}: no version of '{model.name}' can be loaded. Export it again.")
        for label in sorted(label for label, version in model.labels.items() if version not in model.loaded):
            click.echo(
                f"Note: --label {label}: version {model.labels[label]} of '{model.name}' is not loaded; loaded: "
                f"{', '.join(map(str, sorted(model.loaded)))} (--keep sets how many).",
                err=True,
            )


def _bind(server: Server, settings: Settings) -> None:
    try:
        server.server_bind()
    except OSError as error:
        hint = "Choose another --port, or 0 for any." if error.errno == errno.EADDRINUSE else "Choose another --host."
        raise BadInput(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}. {hint}") from None


def url(host: str, port: int) -> str:
    """Return a server's URL; an IPv6 address is put in brackets."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _announce(settings: Settings, server: Server, models: dict[str, Model]) -> None:
    base = url(str(server.server_address[0]), server.server_address[1])
    for model in models.values():
        click.echo(f"{base}/v1/models/{model.name}:predict")
    click.echo(f"{base}/")
    if not settings.host.startswith(LOOPBACK):
        access = (
            "and has a key can query the models"
            if settings.keys
            else "can query the models without a key (--api-key-file requires one)"
        )
        click.echo(
            f"Note: --host {settings.host}: anyone who can reach this machine {access}; connections are not encrypted "
            "(no TLS).",
            err=True,
        )
