"""What a server has done, for Prometheus: requests by model, method and code, and how long they took."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from seqapp.serving.models.models import Model

PATH = "/monitoring/prometheus/metrics"
TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60)


class Metrics:
    """Counters of one server; what changes by itself is asked for when it is read."""

    def __init__(self, working: Callable[[], int], connections: Callable[[], int], models: Mapping[str, Model]) -> None:
        self._registry = all_of = CollectorRegistry()
        self._requests = Counter("seqapp_requests", "Requests answered.", ["model", "method", "code"], registry=all_of)
        self._seconds = Histogram(
            "seqapp_request_seconds",
            "From the request's first byte to the answer's last.",
            ["model", "method"],
            registry=all_of,
            buckets=SECONDS,
        )
        Gauge("seqapp_requests_at_work", "Requests being answered now.", registry=all_of).set_function(working)
        Gauge("seqapp_connections", "Connections open now.", registry=all_of).set_function(connections)
        versions = Gauge("seqapp_model_version", "The highest version loaded, or -1.", ["model"], registry=all_of)
        for name, model in models.items():
            versions.labels(name).set_function(functools.partial(_highest, model))

    def count(self, model: str, method: str, code: int, seconds: float) -> None:
        """One request is answered."""
        self._requests.labels(model, method, code).inc()
        self._seconds.labels(model, method).observe(seconds)

    def page(self) -> bytes:
        """All of it in Prometheus's text format."""
        return bytes(generate_latest(self._registry))


def _highest(model: Model) -> int:
    return max(model.loaded, default=-1)
