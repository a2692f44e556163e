"""`seqapp serve`: models loaded, a server in a thread, and a wait for the signal that ends it."""

from __future__ import annotations

import errno
import signal
import threading
from typing import Any

import click

from seqapp.errors import BadInput, WorkFailed
from seqapp.serving.http.server import Server
from seqapp.serving.models.batching import Batcher
from seqapp.serving.models.models import Model, Watcher
from seqapp.serving.options import Settings
from seqapp.serving.rest.rest import Rest, at_once

LOOPBACK = ("127.", "localhost", "::1")


def serve(settings: Settings) -> None:
    """Serve until SIGTERM, which is answered by an orderly end, or SIGINT, which raises KeyboardInterrupt after one.

    Raises:
        BadInput: the address cannot be listened on.
        WorkFailed: a model has no version that can be loaded.
    """
    models = _models(settings)
    run = Batcher(settings.batch_size, settings.batch_seconds) if settings.batch_size > 1 else at_once
    with Server((settings.host, settings.port), Rest(models, settings.limits, run), settings.keys) as server:
        _bind(server, settings)
        _load(models)
        server.server_activate()
        _until_told(server, models, settings)


def _until_told(server: Server, models: dict[str, Model], settings: Settings) -> None:
    """Answer requests and take new versions over until a signal comes, then let the requests under way end."""
    caught: list[int] = []
    told = threading.Event()

    def note(number: int, _frame: Any) -> None:
        if caught and number == signal.SIGINT:
            raise KeyboardInterrupt  # somebody does not want to wait for the requests under way
        caught.append(number)
        told.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    watcher = Watcher(list(models.values()), settings.poll_seconds)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="accept", daemon=True).start()
    watcher.start()
    _announce(settings, server, models)
    try:
        told.wait()
        watcher.stop()
        done = server.drain()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    left = "" if done else "Requests that took too long were left."
    if caught[0] == signal.SIGINT:
        raise KeyboardInterrupt(left)
    click.echo(f"Stopped. {left}".rstrip(), err=True)


def _models(settings: Settings) -> dict[str, Model]:
    def say(text: str) -> None:
        click.echo(text, err=True)

    return {
        name: Model(name, base, settings.keep, settings.labels.get(name, {}), say)
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
                f"{', '.join(map(str, sorted(model.loaded)))} (--keep says how many are).",
                err=True,
            )


def _bind(server: Server, settings: Settings) -> None:
    try:
        server.server_bind()
    except OSError as error:
        hint = "Choose another --port, or 0 for any." if error.errno == errno.EADDRINUSE else "Choose another --host."
        raise BadInput(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}. {hint}") from None


def url(host: str, port: int) -> str:
    """Where a server is asked: IPv6 addresses stand in brackets."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _announce(settings: Settings, server: Server, models: dict[str, Model]) -> None:
    base = url(str(server.server_address[0]), server.server_address[1])
    for model in models.values():
        click.echo(f"{base}/v1/models/{model.name}:predict")
    click.echo(f"{base}/")
    if not settings.host.startswith(LOOPBACK):
        who = "whoever has a key" if settings.keys else "everyone without a key (--api-key-file asks for one)"
        click.echo(
            f"Note: --host {settings.host}: who can reach this machine can ask the models, {who}; no TLS.", err=True
        )
