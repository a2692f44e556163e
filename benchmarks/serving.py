"""What serving costs: a request beside the bare call of the signature, and requests a second beside other servers.

    python -m benchmarks.serving [--parts latency,throughput] [--rounds 5]

A stock model with 32 units of lstm, untrained but for an epoch, its window of days as the question. Contenders take
turns in one run; the client is the same for all. Prints tables in Markdown.
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
from benchmarks.served import Client, request, serving, wait_for
from seqapp.system.tensorflow import start_tensorflow

CALLS, CLIENTS, SECONDS = 400, 8, 4.0  # a round: calls of one client, or clients for so many seconds


def latency(folder: Path, question: Any, rounds: int) -> None:
    """The median request of one client, beside the median bare call of the same signature in this process."""
    import tensorflow as tf

    model = tf.saved_model.load(str(folder / "1"))
    function, tensor = model.signatures["serving_default"], tf.constant(question, tf.float32)
    found: dict[str, list[float]] = {"bare": [], "served": []}
    with serving(folder) as served:
        client, asked = Client(served.port), request(f"/v1/models/{folder.name}:predict", {"instances": question})
        for _ in range(rounds + 1):
            found["bare"].append(median_of(lambda: function(history=tensor)))
            found["served"].append(median_of(lambda: client.ask(asked)))
        client.close()
    bare, over = (1000 * statistics.median(found[name][1:]) for name in ("bare", "served"))  # the first warms up
    print("| bare call, ms | request, ms | ratio |\n|---|---|---|")
    print(f"| {bare:.3f} | {over:.3f} | {over / bare:.2f} × |", flush=True)


def throughput(folder: Path, question: Any, rounds: int) -> None:
    """Requests a second of eight clients, contenders in turns."""
    with ExitStack() as stack:
        served = stack.enter_context(serving(folder))
        ours = request(f"/v1/models/{folder.name}:predict", {"instances": question})
        theirs = request("/predict", {"instances": question})
        contenders = {"seqapp serve": (served.port, ours)}
        for name in ("fastapi", "litserve"):
            contenders[name] = (stack.enter_context(rival(name, folder / "1")), theirs)
        found: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds + 1):
            for name, (port, asked) in contenders.items():
                found[name].append(rate(port, asked))
    medians = {name: statistics.median(rates[1:]) for name, rates in found.items()}
    print("| server | requests a second, each round | median | seqapp is faster by |\n|---|---|---|---|")
    for name, rates in found.items():
        each, ratio = ", ".join(f"{one:.0f}" for one in rates[1:]), medians["seqapp serve"] / medians[name]
        print(f"| {name} | {each} | {medians[name]:.0f} | {ratio:.2f} × |", flush=True)


def median_of(call: Any) -> float:
    """Seconds of the median of some calls."""
    took = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def rate(port: int, asked: bytes) -> float:
    """Answers a second for all clients together; every answer must be one."""
    counts, over = [0] * CLIENTS, time.perf_counter() + SECONDS

    def ask(place: int) -> None:
        client = Client(port)
        while time.perf_counter() < over:
            code, body = client.ask(asked)
            if code != 200:
                raise RuntimeError(f"{code}: {body[:200]!r}")
            counts[place] += 1
        client.close()

    with ThreadPoolExecutor(CLIENTS) as clients:
        for done in [clients.submit(ask, place) for place in range(CLIENTS)]:
            done.result()
    return sum(counts) / SECONDS


@contextmanager
def rival(name: str, folder: Path) -> Iterator[int]:
    """Another server over the same SavedModel, once it answers: its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", f"benchmarks.rival_{name}", str(folder), str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
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
    """Whether somebody listens there and speaks HTTP."""
    try:
        client = Client(port)
        client.ask(request("/", {}))
        client.close()
    except OSError:
        return False
    return True


def main() -> None:
    """Make the model, then run the parts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", default="latency,throughput")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    start_tensorflow()
    with tempfile.TemporaryDirectory() as held:
        run = Path(held) / "run"
        seqapp("train", "stock", "--units", "32", "--epochs", "1", "--out", run)
        seqapp("export", run, "--to", Path(held) / "stock")
        question = json.loads((run / "run.json").read_text())["latest"]["history"]
        for part in chosen.parts.split(","):
            print(f"\n## {part}", flush=True)
            {"latency": latency, "throughput": throughput}[part](Path(held) / "stock", question, chosen.rounds)


if __name__ == "__main__":
    main()
