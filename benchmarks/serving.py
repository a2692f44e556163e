"""What serving costs: a request against a plain call of the signature, and throughput against other servers.

    python -m benchmarks.serving [--parts latency,throughput] [--rounds 5]

The model is `stock` with an LSTM of 32 units, trained for one epoch; a request has one window of days. The servers take
turns in one run, with the same client. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.commands import seqapp
from benchmarks.served import Client, request, run_server, wait_for
from seqapp.system.tensorflow import start_tensorflow

CALLS, CLIENTS, SECONDS = 400, 8, 4.0  # per round: calls of one client; or clients, and how long they send requests


def latency(folder: Path, history: Any, rounds: int) -> None:
    """Compare one client's median request with the median plain call of the same signature in this process."""
    import tensorflow as tf

    model = tf.saved_model.load(str(folder / "1"))
    function, tensor = model.signatures["serving_default"], tf.constant(history, tf.float32)
    seconds: dict[str, list[float]] = {"plain": [], "served": []}
    with run_server(folder) as server:
        client, message = Client(server.port), request(f"/v1/models/{folder.name}:predict", {"instances": history})
        for _ in range(rounds + 1):
            seconds["plain"].append(median_of(lambda: function(history=tensor)))
            seconds["served"].append(median_of(lambda: client.ask(message)))
        client.close()
    plain, served = (1000 * statistics.median(seconds[name][1:]) for name in ("plain", "served"))  # the first warms up
    print("| plain call, ms | request, ms | ratio |\n|---|---|---|")
    print(f"| {plain:.3f} | {served:.3f} | {served / plain:.2f} × |", flush=True)


def throughput(folder: Path, history: Any, rounds: int) -> None:
    """Compare requests per second with eight clients; the servers take turns."""
    with ExitStack() as stack:
        server = stack.enter_context(run_server(folder))
        ours = request(f"/v1/models/{folder.name}:predict", {"instances": history})
        theirs = request("/predict", {"instances": history})
        servers = {"seqapp serve": (server.port, ours)}
        for name in ("fastapi", "litserve"):
            servers[name] = (stack.enter_context(rival(name, folder / "1")), theirs)
        rates: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(rounds + 1):
            for name, (port, message) in servers.items():
                rates[name].append(rate(port, message))
    medians = {name: statistics.median(values[1:]) for name, values in rates.items()}
    print("| server | requests per second, by round | median | seqapp serve is faster by |\n|---|---|---|---|")
    for name, values in rates.items():
        each, ratio = ", ".join(f"{one:.0f}" for one in values[1:]), medians["seqapp serve"] / medians[name]
        print(f"| {name} | {each} | {medians[name]:.0f} | {ratio:.2f} × |", flush=True)


def median_of(call: Any) -> float:
    """Return the median duration of `CALLS` calls in seconds."""
    durations = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def rate(port: int, message: bytes) -> float:
    """Return the answers per second of all clients together; every answer must have status 200."""
    counts, end = [0] * CLIENTS, time.perf_counter() + SECONDS

    def send_requests(index: int) -> None:
        client = Client(port)
        while time.perf_counter() < end:
            code, body = client.ask(message)
            if code != 200:
                raise RuntimeError(f"{code}: {body[:200]!r}")
            counts[index] += 1
        client.close()

    with ThreadPoolExecutor(CLIENTS) as clients:
        for future in [clients.submit(send_requests, index) for index in range(CLIENTS)]:
            future.result()
    return sum(counts) / SECONDS


@contextmanager
def rival(name: str, folder: Path) -> Iterator[int]:
    """Run another server over the same SavedModel; yield its port once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", f"benchmarks.rival_{name}", str(folder), str(port)]
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen(command, **options)  # type: ignore[call-overload]
    try:
        wait_for(lambda: answers(port) or process.poll() is not None, 120)
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}")
        yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def answers(port: int) -> bool:
    """Whether a server on this port answers HTTP requests."""
    try:
        client = Client(port)
        client.ask(request("/", {}))
        client.close()
    except OSError:
        return False
    return True


def main() -> None:
    """Train the model, then run the parts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", default="latency,throughput")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    start_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        seqapp("train", "stock", "--units", "32", "--epochs", "1", "--out", run)
        seqapp("export", run, "--to", Path(folder) / "stock")
        history = json.loads((run / "run.json").read_text())["latest"]["history"]
        for part in options.parts.split(","):
            print(f"\n## {part}", flush=True)
            {"latency": latency, "throughput": throughput}[part](Path(folder) / "stock", history, options.rounds)


if __name__ == "__main__":
    main()
