"""`seqapp serve` as a separate process, and clients: a convenient one, and a fast one that sends prepared bytes."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class LocalServer:
    """A server on this machine, as a client sees it."""

    port: int

    def ask(self, verb: str, path: str, body: bytes | str | None = None, **headers: str) -> tuple[int, Any, Any]:
        """Send one request.

        Args:
            verb: the HTTP method.
            path: the path, with a query if any.
            body: the body; an iterator of bytes is sent in chunks.
            **headers: further headers, with `_` for `-`.

        Returns:
            Status, headers, and the body, parsed if it is JSON.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(verb, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        is_json = response.headers["Content-Type"] == "application/json" and content
        return response.status, response.headers, json.loads(content) if is_json else content

    def predict(self, model: str, **document: Any) -> Any:
        """Return a model's answer to a predict request."""
        code, _, answer = self.ask("POST", f"/v1/models/{model}:predict", json.dumps(document))
        assert code == 200, answer
        return answer


@dataclass
class ServerProcess(LocalServer):
    """A running `seqapp serve`."""

    process: subprocess.Popen[str]
    stderr: list[str]  # lines so far

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def run_server(*arguments: object, code: int | None = 0) -> Iterator[ServerProcess]:
    """Run `seqapp serve … --port 0`; in the end stop it by SIGTERM and check its exit code."""
    command = [sys.executable, "-m", "seqapp", "serve", *map(str, arguments), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    lines: list[str] = []
    assert process.stdout is not None
    assert process.stderr is not None
    reader = threading.Thread(target=lines.extend, args=[process.stderr], daemon=True)
    reader.start()
    try:
        page = next((line for line in process.stdout if line.endswith("/\n")), None)  # the last line
        assert page, lines
        server = ServerProcess(int(page.rsplit(":", 1)[1].strip("/\n")), process, lines)
        yield server
        if process.poll() is None:
            assert server.stop() == code, lines
    finally:
        process.kill()
        process.wait()
        reader.join(10)
        for stream in (process.stdout, process.stderr):
            stream.close()


def wait_for(condition: Any, seconds: float = 30) -> None:
    """Wait until `condition()` is true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still false after {seconds:g} s"
        time.sleep(0.02)


class Client:
    """A persistent connection. It does as little work as possible, so that measurements show the server."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return status and body.

        Raises:
            ConnectionError: the server closed the connection before the end of its answer.
        """
        self.socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", received[: end + 2])
        size = end + 4 + (int(length[1]) if length else 0)
        while len(received) < size:
            received += self._receive()
        return int(received[9:12]), received[end + 4 :]

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def _receive(self) -> bytes:
        received = self.socket.recv(1 << 16)
        if not received:
            raise ConnectionError
        return received


def request(path: str, document: Any) -> bytes:
    """Return a POST of JSON on a persistent connection, as bytes."""
    body = json.dumps(document).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def memory(process: int) -> float:
    """Return a process's resident memory in megabytes."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
