"""Metrics for Prometheus: requests by model, method and HTTP status, and how long they took."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from seqapp.serving.models.models import Model

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60)  # seconds


class Metrics:
    """The metrics of one server.

    Args:
        active_requests: returns the number of requests being processed now.
        open_connections: returns the number of connections open now.
        models: the models by name.
    """

    def __init__(
        self,
        active_requests: Callable[[], int],
        open_connections: Callable[[], int],
        models: Mapping[str, Model],
    ) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "seqapp_requests", "Requests answered.", ["model", "method", "code"], registry=registry
        )
        self._seconds = Histogram(
            "seqapp_request_seconds",
            "Seconds from a request's first byte to the last byte of its answer.",
            ["model", "method"],
            registry=registry,
            buckets=BUCKETS,
        )
        active = Gauge("seqapp_requests_at_work", "Requests being processed now.", registry=registry)
        active.set_function(active_requests)
        Gauge("seqapp_connections", "Connections open now.", registry=registry).set_function(open_connections)
        versions = Gauge("seqapp_model_version", "Highest version loaded, or -1.", ["model"], registry=registry)
        for name, model in models.items():
            versions.labels(name).set_function(functools.partial(_highest_version, model))

    def count(self, model: str, method: str, code: int, seconds: float) -> None:
        """Count one answered request.

        Args:
            model: its name, or "" if there is no such model: clients must not create labels.
            method: "predict" or "".
            code: the HTTP status.
            seconds: from its first byte to the last byte of its answer.
        """
        self._requests.labels(model, method, code).inc()
        self._seconds.labels(model, method).observe(seconds)

    def to_text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return bytes(generate_latest(self._registry))


def _highest_version(model: Model) -> int:
    return max(model.loaded, default=-1)
