"""The server: connections in threads, no more of them than allowed, none that waits for ever, and an orderly end."""

from __future__ import annotations

import socket
import threading
import time
from http.server import ThreadingHTTPServer
from typing import Any

from seqapp.serving.http.connection import Connection
from seqapp.serving.metrics import Metrics
from seqapp.serving.rest.responses import error
from seqapp.serving.rest.rest import Rest

TICK = 0.05  # seconds between two looks for requests whose time is up
FULL = error("too many connections. Try again in a second.")


class Server(ThreadingHTTPServer):
    """`server_bind` takes its address, `server_activate` listens, `serve_forever` answers, `drain` ends it."""

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False  # `drain` waits, and not for ever

    def __init__(self, address: tuple[str, int], rest: Rest, keys: frozenset[bytes] = frozenset()) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Connection, bind_and_activate=False)
        self.rest, self.limits, self.keys = rest, rest.limits, keys
        self.stopping = False
        self._lock = threading.Lock()
        self._waiting: dict[Connection, None] = {}  # for a request or the rest of one, longest first
        self._working: dict[Connection, None] = {}
        self._open = 0
        self.metrics = Metrics(lambda: len(self._working), lambda: self._open, rest.models)
        threading.Thread(target=self._watch, name="deadlines", daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread; when there are too many, the one that has waited longest has to go."""
        with self._lock:
            full = self._open >= self.limits.connections
            oldest = next(iter(self._waiting), None) if full else None
            if oldest is not None:
                del self._waiting[oldest]
            admitted = not full or oldest is not None
            self._open += admitted
        if oldest is not None:
            oldest.cut()
        if admitted:
            super().process_request(request, client_address)
        else:
            self._turn_away(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is no event; all else was answered with 500 and logged before it comes here."""

    def wait(self, connection: Connection) -> None:
        """The connection waits for a request."""
        with self._lock:
            self._working.pop(connection, None)
            self._waiting[connection] = None

    def work(self, connection: Connection) -> None:
        """The connection's request has arrived whole."""
        with self._lock:
            self._waiting.pop(connection, None)
            self._working[connection] = None

    def forget(self, connection: Connection) -> None:
        """The connection has ended."""
        with self._lock:
            self._waiting.pop(connection, None)
            self._working.pop(connection, None)

    def drain(self) -> bool:
        """Take no more connections, let requests that have begun come to their end; whether all did."""
        self.stopping = True
        self.shutdown()
        self.server_close()
        until = time.monotonic() + self.limits.seconds
        while time.monotonic() < until:
            with self._lock:
                idle = [connection for connection in self._waiting if connection.idle]
                busy = len(self._working) + len(self._waiting) - len(idle)
            for connection in idle:
                connection.cut()
            if not busy:
                return True
            time.sleep(TICK)
        return False

    def _watch(self) -> None:
        """Answer for requests whose time is up."""
        while True:
            time.sleep(TICK)
            late = time.monotonic() - self.limits.seconds
            with self._lock:
                expired = [connection for connection in self._working if connection.began < late]
            for connection in expired:
                connection.expire()

    def _turn_away(self, request: Any) -> None:
        head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        try:
            request.settimeout(TICK)
            request.sendall(f"{head}Content-Length: {len(FULL)}\r\nConnection: close\r\n\r\n".encode() + FULL)
        except OSError:
            pass
        self.shutdown_request(request)
