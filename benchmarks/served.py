"""A server as a process of its own, and clients: one for questions, one that sends prepared bytes as fast as it can."""

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
class Listening:
    """A server on this machine, as a client sees it."""

    port: int

    def ask(self, verb: str, path: str, body: bytes | str | None = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, headers and the body: JSON where it says so."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(verb, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        is_json = response.headers["Content-Type"] == "application/json" and content
        return response.status, response.headers, json.loads(content) if is_json else content

    def predict(self, model: str, **document: Any) -> Any:
        """What a model answers to a document."""
        code, _, answer = self.ask("POST", f"/v1/models/{model}:predict", json.dumps(document))
        assert code == 200, answer
        return answer


@dataclass
class Served(Listening):
    """`seqapp serve`, once it listens."""

    process: subprocess.Popen[str]
    said: list[str]  # lines on stderr

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait: the exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def serving(*arguments: object, code: int | None = 0) -> Iterator[Served]:
    """Run `seqapp serve … --port 0`; when done, SIGTERM ends it with exit code 0."""
    command = [sys.executable, "-m", "seqapp", "serve", *map(str, arguments), "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    said: list[str] = []
    assert process.stdout is not None
    assert process.stderr is not None
    listening = threading.Thread(target=said.extend, args=[process.stderr], daemon=True)
    listening.start()
    try:
        page = next((line for line in process.stdout if line.endswith("/\n")), None)  # said last
        assert page, said
        served = Served(int(page.rsplit(":", 1)[1].strip("/\n")), process, said)
        yield served
        if process.poll() is None:
            assert served.end() == code, said
    finally:
        process.kill()
        process.wait()
        listening.join(10)
        for stream in (process.stdout, process.stderr):
            stream.close()


def wait_for(condition: Any, seconds: float = 30) -> None:
    """Until something is so; fails if it does not come."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


class Client:
    """A connection that stays open. It does as little as it can, so that what is measured is the server."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body.

        Raises:
            ConnectionError: the server closed the connection before its answer was whole.
        """
        self.socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", received[: end + 2])
        whole = end + 4 + (int(length[1]) if length else 0)
        while len(received) < whole:
            received += self._more()
        return int(received[9:12]), received[end + 4 :]

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _more(self) -> bytes:
        received = self.socket.recv(1 << 16)
        if not received:
            raise ConnectionError
        return received


def request(path: str, document: Any) -> bytes:
    """A POST of JSON on a connection that stays open, as bytes."""
    body = json.dumps(document).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def memory(process: int) -> float:
    """Megabytes that a process holds now."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
