"""One connection: requests read, answered and written one after the other, each within its time."""

from __future__ import annotations

import contextlib
import hmac
import http
import io
import re
import socket
import sys
import threading
import time
import traceback
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from seqapp.serving import metrics, page
from seqapp.serving.http.body import Stream, read_body
from seqapp.serving.rest import responses
from seqapp.serving.rest.status import Refused

if TYPE_CHECKING:
    from seqapp.serving.http.server import Server

JSON, HTML = "application/json", "text/html; charset=utf-8"
NOT_FOUND = b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n"
API = re.compile(r"/v1/.*", re.IGNORECASE)
Reply = tuple[int, str, bytes]


class Connection(BaseHTTPRequestHandler):
    """A client, in a thread of its own."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Read through a stream with a deadline."""
        super().setup()
        self.rfile.close()
        self.stream = Stream(self.connection)
        self.rfile = self.reader = io.BufferedReader(self.stream, 1 << 16)
        self.began = time.monotonic()  # since when it waits, or its request is under way
        self.command = ""
        self._answered, self._lock = True, threading.Lock()  # the watch answers in our place when time is up

    def handle_one_request(self) -> None:
        """Wait for a request, answer it, and say by `close_connection` whether another may come."""
        self.close_connection, self.began = True, time.monotonic()
        self.stream.deadline = self.began + self.server.limits.idle
        self.server.wait(self)
        try:
            if not self.reader.peek(1):
                return
            self.began, self._answered = time.monotonic(), False
            self.stream.deadline = self.began + self.server.limits.seconds
            self.raw_requestline = self.rfile.readline(65537)
            if len(self.raw_requestline) > 65536:
                self.requestline = self.request_version = self.command = ""
                self.send_error(414)
            elif self.parse_request():
                self._respond()
        except (TimeoutError, ConnectionError, ValueError):  # ValueError: the watch has closed the socket
            self.close_connection = True

    def finish(self) -> None:
        """The connection has ended."""
        self.server.forget(self)
        super().finish()

    @property
    def idle(self) -> bool:
        """Whether it waits between two requests."""
        return self._answered

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A request that is no HTTP: the client's fault, whatever http.server calls it."""
        status = http.HTTPStatus(400 if code >= 500 else code)
        self.close_connection = True
        self._send(status, JSON, responses.error(f"Malformed request: {message or status.phrase}"))

    def _respond(self) -> None:
        """The request's body, its answer, and the books."""
        keep, self.close_connection = not self.close_connection, True  # what is half read cannot be gone on with
        try:
            body = read_body(self.reader, self.headers, self.server.limits.body)
            self.close_connection = not keep
            self.server.work(self)
            reply = self._answer(body)
        except Refused as refused:
            reply = refused.http, JSON, responses.error(str(refused))
        self._send(*reply)
        named = re.match(r"/v1/models/([^/:]+)", self.path)
        model = named[1] if named and named[1] in self.server.rest.models else ""
        method = self.path.rpartition(":")[2] if API.fullmatch(self.path) and ":" in self.path else ""
        self.server.metrics.count(model, method if method == "predict" else "", reply[0], time.monotonic() - self.began)

    def _answer(self, body: bytes) -> Reply:
        path = self.path.partition("?")[0]
        if path == "/" and self.command in ("GET", "HEAD"):
            return 200, HTML, page.content()
        if not (API.fullmatch(path) or path in ("/models", metrics.PATH)):
            return 404, HTML, NOT_FOUND
        self._check_key()
        if path == metrics.PATH:
            return 200, metrics.TYPE, self.server.metrics.page()
        try:
            return 200, JSON, self.server.rest.answer(self.command, path, body)
        except Refused:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            raise Refused("INTERNAL", f"{type(error).__name__}: see the server's log.") from None

    def _check_key(self) -> None:
        keys = self.server.keys
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        fits = [hmac.compare_digest(given.strip().encode("utf-8", "replace"), key) for key in keys]
        if keys and not (scheme.lower() == "bearer" and any(fits)):
            raise Refused(
                "UNAUTHENTICATED", "expected the header 'Authorization: Bearer KEY' with a key of this server."
            )

    def expire(self) -> None:
        """Time is up: say so in place of the answer, and close; an answer that is being written has its own end."""
        if self._lock.locked():
            return
        self.close_connection, seconds = True, self.server.limits.seconds
        message = f"no answer within {seconds:g} s: DEADLINE_EXCEEDED. Ask for less, or start with a larger --timeout."
        self._send(504, JSON, responses.error(message))
        self.cut()

    def cut(self) -> None:
        """Close the connection under whoever waits on it."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, code: int, kind: str, body: bytes) -> None:
        """Write a whole answer in one piece."""
        self.close_connection |= self.server.stopping
        lines = [
            f"HTTP/1.1 {int(code)} {http.HTTPStatus(code).phrase if code != 499 else 'Client Closed Request'}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            f"Date: {formatdate(usegmt=True)}",
            *([page.POLICY] if kind == HTML else []),
            *(["Retry-After: 1"] if code in (429, 503) else []),
            *(["WWW-Authenticate: Bearer"] if code == 401 else []),
            *(["Connection: close"] if self.close_connection else []),
        ]
        text = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        with self._lock:
            if self._answered:
                return
            self._answered = True
            self.connection.settimeout(max(self.stream.deadline - time.monotonic(), 1.0))
            self.connection.sendall(text if self.command == "HEAD" else text + body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing for each request: the metrics count them."""
