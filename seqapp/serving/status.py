"""The error a request can end with: TensorFlow's status codes and the HTTP status TF Serving sends for each.

Source: ToHTTPStatusCode in tensorflow_serving/model_servers/http_server.cc.
"""

from __future__ import annotations

HTTP_STATUS = {
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


class StatusError(Exception):
    """A request that cannot be answered: the name of a status code, and a message for the client.

    Args:
        code: a key of HTTP_STATUS.
        message: one sentence.
        http: the HTTP status, where it is not the usual one for `code`.
    """

    def __init__(self, code: str, message: str, http: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.http = http or HTTP_STATUS[code]


def invalid_argument(message: str) -> StatusError:
    """Return the error for a client's mistake, INVALID_ARGUMENT."""
    return StatusError("INVALID_ARGUMENT", message)
