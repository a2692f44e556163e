"""One connection: its requests are read, answered and written one after the other, each within its time limit.

The standard library's http.server parses request lines and headers, body.py reads bodies. h11 in their place took 55 µs
longer per request (127 instead of 72 µs, h11 0.16), 7 % of a server's CPU time for a request to a small LSTM.
"""

from __future__ import annotations

import contextlib
import hmac
import http
import io
import socket
import sys
import threading
import time
import traceback
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from seqapp.serving import metrics, page
from seqapp.serving.http.body import DeadlineStream, read_body
from seqapp.serving.limits import Limits
from seqapp.serving.metrics import Metrics
from seqapp.serving.rest import routes
from seqapp.serving.rest.responses import error_body
from seqapp.serving.rest.rest import RestApi
from seqapp.serving.rest.routes import Route
from seqapp.serving.status import StatusError

MAX_REQUEST_LINE = 65536  # bytes
JSON, HTML = "application/json", "text/html; charset=utf-8"
NOT_FOUND = b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n"
Reply = tuple[int, str, bytes]  # HTTP status, content type, body


class Host(Protocol):
    """What a connection needs of the server it belongs to."""

    rest: RestApi
    metrics: Metrics
    limits: Limits
    keys: frozenset[bytes]
    stopping: bool

    def mark_waiting(self, connection: Connection) -> None:
        """Note that a connection waits for a request."""

    def mark_working(self, connection: Connection) -> None:
        """Note that a connection has received a whole request."""

    def remove(self, connection: Connection) -> None:
        """Note that a connection has ended."""


class Connection(BaseHTTPRequestHandler):
    """A client's connection, served by a thread of its own."""

    server: Host  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Read the socket through a stream with a deadline."""
        super().setup()
        self.rfile.close()
        self.stream = DeadlineStream(self.connection)
        self.rfile = self.reader = io.BufferedReader(self.stream, 1 << 16)
        self.start = time.monotonic()  # of the current request, or of waiting for one
        self.command = ""
        # The server's deadline thread may answer in place of this one: whoever is first does.
        self._is_answered, self._lock = True, threading.Lock()

    def handle_one_request(self) -> None:
        """Wait for a request and answer it; set `close_connection` unless another may follow."""
        self.close_connection, self.start = True, time.monotonic()
        self.stream.deadline = self.start + self.server.limits.idle_timeout
        self.server.mark_waiting(self)
        try:
            if not self.reader.peek(1):
                return
            self.start, self._is_answered = time.monotonic(), False
            self.stream.deadline = self.start + self.server.limits.timeout
            self.raw_requestline = self.rfile.readline(MAX_REQUEST_LINE + 1)
            if len(self.raw_requestline) > MAX_REQUEST_LINE:
                self.requestline = self.request_version = self.command = ""
                self.send_error(http.HTTPStatus.REQUEST_URI_TOO_LONG)
            elif self.parse_request():
                self._respond()
        except (TimeoutError, ConnectionError, ValueError):  # ValueError: the deadline thread has closed the socket
            self.close_connection = True

    def finish(self) -> None:
        """End the connection."""
        self.server.remove(self)
        super().finish()

    @property
    def idle(self) -> bool:
        """Whether the connection waits between two requests."""
        return self._is_answered

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is not HTTP: the client's error, even where http.server would send a 5xx."""
        status = http.HTTPStatus(400 if code >= 500 else code)
        self.close_connection = True
        self._send(status, JSON, error_body(f"Malformed request: {message or status.phrase}"))

    def _respond(self) -> None:
        """Read the request's body, answer, and count the request."""
        route = routes.parse(self.command, self.path.partition("?")[0])
        keep_alive, self.close_connection = not self.close_connection, True  # a body that is half read must end it
        try:
            body = read_body(self.reader, self.headers, self.server.limits.max_body)
            self.close_connection = not keep_alive
            self.server.mark_working(self)
            reply = self._answer(route, body)
        except StatusError as error:
            reply = error.http, JSON, error_body(str(error))
        self._send(*reply)
        model = route.model if route.model in self.server.rest.models else ""
        method = "predict" if route.method.lower() == "predict" else ""
        self.server.metrics.count(model, method, reply[0], time.monotonic() - self.start)

    def _answer(self, route: Route, body: bytes) -> Reply:
        if route.resource == "page":
            return 200, HTML, page.content()
        if route.resource == "unknown":
            return 404, HTML, NOT_FOUND
        self._check_key()
        if route.resource == "metrics":
            return 200, metrics.CONTENT_TYPE, self.server.metrics.to_text()
        try:
            return 200, JSON, self.server.rest.answer(route, body)
        except StatusError:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            raise StatusError("INTERNAL", f"{type(error).__name__}: see the server's log.") from None

    def _check_key(self) -> None:
        keys = self.server.keys
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        key = credentials.strip().encode("utf-8", "replace")
        matches = [hmac.compare_digest(key, each) for each in keys]  # all of them: the time taken tells nothing
        if keys and not (scheme.lower() == "bearer" and any(matches)):
            raise StatusError(
                "UNAUTHENTICATED", "expected the header 'Authorization: Bearer KEY' with one of this server's keys."
            )

    def expire(self) -> None:
        """Answer 504 in place of the connection's thread, and close; an answer being written has its own deadline."""
        if self._lock.locked():
            return
        self.close_connection = True
        message = (
            f"no answer within {self.server.limits.timeout:g} s: DEADLINE_EXCEEDED. Send a smaller request, or start "
            "the server with a larger --timeout."
        )
        self._send(504, JSON, error_body(message))
        self.disconnect()

    def disconnect(self) -> None:
        """Shut the socket down, which ends any thread's wait on it."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, code: int, content_type: str, body: bytes) -> None:
        """Write an answer with one call, unless the request has been answered."""
        self.close_connection |= self.server.stopping
        lines = [
            f"HTTP/1.1 {int(code)} {http.HTTPStatus(code).phrase if code != 499 else 'Client Closed Request'}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            f"Date: {formatdate(usegmt=True)}",
            *([page.SECURITY_HEADER] if content_type == HTML else []),
            *(["Retry-After: 1"] if code in (429, 503) else []),
            *(["WWW-Authenticate: Bearer"] if code == 401 else []),
            *(["Connection: close"] if self.close_connection else []),
        ]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        with self._lock:
            if self._is_answered:
                return
            self._is_answered = True
            self.connection.settimeout(max(self.stream.deadline - time.monotonic(), 1.0))
            self.connection.sendall(head if self.command == "HEAD" else head + body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the metrics count requests."""
