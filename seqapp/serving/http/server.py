"""The server: a thread per connection, a limit on connections, deadlines for requests, and an orderly shutdown."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.server import ThreadingHTTPServer
from typing import Any

from seqapp.serving.http.connection import Connection
from seqapp.serving.metrics import Metrics
from seqapp.serving.rest.responses import error_body
from seqapp.serving.rest.rest import RestApi

POLL_SECONDS = 0.05  # between two looks for requests whose time is up
TOO_MANY = error_body("too many connections. Try again in a second.")


class Server(ThreadingHTTPServer):
    """Call `server_bind`, `server_activate` (listen), `serve_forever`, and in another thread `drain` to stop.

    Args:
        address: host and port; port 0 takes any free one.
        rest: answers requests; its limits are the server's.
        keys: API keys, one of which a client must send. With none, no key is required.
    """

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False  # `drain` waits for requests, and not forever

    def __init__(self, address: tuple[str, int], rest: RestApi, keys: frozenset[bytes] = frozenset()) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Connection, bind_and_activate=False)
        self.rest, self.limits, self.keys = rest, rest.limits, keys
        self.stopping = False
        self._lock = threading.Lock()
        self._waiting: dict[Connection, None] = {}  # for a request or the rest of one; longest wait first
        self._working: dict[Connection, None] = {}
        self._open = 0
        self.metrics = Metrics(lambda: len(self._working), lambda: self._open, rest.models)
        threading.Thread(target=self._expire_requests, name="deadlines", daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a connection's thread. At the limit, close the connection that has waited longest, or answer 503."""
        with self._lock:
            full = self._open >= self.limits.max_connections
            oldest = next(iter(self._waiting), None) if full else None
            if oldest is not None:
                del self._waiting[oldest]
            admitted = not full or oldest is not None
            self._open += admitted
        if oldest is not None:
            oldest.disconnect()
        if admitted:
            super().process_request(request, client_address)
        else:
            self._reject(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect; other errors have been answered with 500 and logged."""

    def mark_waiting(self, connection: Connection) -> None:
        """Note that a connection waits for a request."""
        with self._lock:
            self._working.pop(connection, None)
            self._waiting[connection] = None

    def mark_working(self, connection: Connection) -> None:
        """Note that a connection has received a whole request."""
        with self._lock:
            self._waiting.pop(connection, None)
            self._working[connection] = None

    def remove(self, connection: Connection) -> None:
        """Note that a connection has ended."""
        with self._lock:
            self._waiting.pop(connection, None)
            self._working.pop(connection, None)

    def drain(self) -> bool:
        """Stop accepting connections and wait for the requests in progress; return whether all were answered in time.

        A request whose first byte has arrived is in progress.
        """
        self.stopping = True
        self.shutdown()
        self.server_close()
        deadline = time.monotonic() + self.limits.timeout
        while time.monotonic() < deadline:
            with self._lock:
                idle = [connection for connection in self._waiting if connection.idle]
                in_progress = len(self._working) + len(self._waiting) - len(idle)
            for connection in idle:
                connection.disconnect()
            if not in_progress:
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _expire_requests(self) -> None:
        """Answer the requests whose time is up, for ever."""
        while True:
            time.sleep(POLL_SECONDS)
            latest_start = time.monotonic() - self.limits.timeout
            with self._lock:
                expired = [connection for connection in self._working if connection.start < latest_start]
            for connection in expired:
                connection.expire()

    def _reject(self, request: socket.socket) -> None:
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
            f"Content-Length: {len(TOO_MANY)}\r\nConnection: close\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            request.settimeout(POLL_SECONDS)
            request.sendall(head.encode() + TOO_MANY)
        self.shutdown_request(request)
