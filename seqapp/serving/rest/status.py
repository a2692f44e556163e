"""What a request can come to besides an answer: TensorFlow's status codes and TF Serving's HTTP codes for them.

Source: ToHTTPStatusCode in tensorflow_serving/model_servers/http_server.cc.
"""

from __future__ import annotations

HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class Refused(Exception):
    """A request that gets no answer: a status code by name, and one sentence."""

    def __init__(self, code: str, message: str, http: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.http = http or HTTP[code]


def invalid(message: str) -> Refused:
    """The client's mistake: INVALID_ARGUMENT."""
    return Refused("INVALID_ARGUMENT", message)
