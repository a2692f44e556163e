"""The paths that a server answers, parsed once per request.

Source: http_rest_api_util.cc and http_rest_api_handler.cc in tensorflow_serving/model_servers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

PAGE_PATH, MODELS_PATH, METRICS_PATH = "/", "/models", "/monitoring/prometheus/metrics"
API_PREFIX = "/v1/"
MODEL = re.compile(
    r"/v1/models(?:/(?P<model>[^/:]+))?"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?:/(?P<metadata>metadata)|:(?P<method>classify|regress|predict))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Route:
    """What a request addresses.

    Attributes:
        resource: "page", "models" (the page's list of models), "metrics", "status", "metadata", "predict", "classify",
            "regress", "invalid" (see `error`), or "unknown", a path outside the interface.
        model: the model's name, where the path has one.
        version: the version requested by number.
        label: the version requested by label.
        error: why a path of the interface cannot be answered.
        method: the method as the path spells it, for error messages.
    """

    resource: str
    model: str = ""
    version: int | None = None
    label: str | None = None
    error: str = ""
    method: str = ""


def parse(verb: str, path: str) -> Route:
    """Parse a request's verb and path, without its query.

    Example: POST, /v1/models/stock/versions/2:predict -> Route("predict", "stock", version=2, method="predict")
    """
    if path == METRICS_PATH:
        return Route("metrics")
    if path == PAGE_PATH and verb in ("GET", "HEAD"):
        return Route("page")
    if path == MODELS_PATH and verb == "GET":
        return Route("models")
    if path != MODELS_PATH and not path.lower().startswith(API_PREFIX):
        return Route("unknown")
    match = MODEL.fullmatch(path)
    return _model_route(verb, path, match) if match else _malformed(verb, path)


def _model_route(verb: str, path: str, match: re.Match[str]) -> Route:
    model, method = unquote(match["model"] or ""), match["method"] or ""
    if verb != ("POST" if method else "GET") or (method and not model):
        return _malformed(verb, path, model, method)
    number = (match["version"] or "").lstrip("0")
    if len(number) > 19 or int(number or 0) >= 2**63:
        return Route("invalid", model, error=f"Failed to convert version: {match['version']} to numeric.")
    return Route(
        method.lower() or ("metadata" if match["metadata"] else "status"),
        model,
        int(number or 0) if match["version"] else None,
        unquote(match["label"]) if match["label"] else None,
        method=method,
    )


def _malformed(verb: str, path: str, model: str = "", method: str = "") -> Route:
    return Route("invalid", model, error=f"Malformed request: {verb} {path}", method=method)
