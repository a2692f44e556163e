"""Half an hour in the life of a server: mixed questions from several clients, new versions, a broken one, bad requests.

    python -m tests.torture.load [--minutes 30] [--swaps 5] [--clients 6] [--seed 0]

Three small models are served by one process. Every answer is compared with the one that the SavedModel itself gives; an
answer to a bad request must be its 4xx. Prints a table in Markdown; exits 1 if a request failed, a version was not
taken over, or memory grew by more than 5 % after the first fifth of the time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.commands import seqapp
from benchmarks.served import Client, ServerProcess, memory, request, run_server, wait_for
from seqapp.system.tensorflow import start_tensorflow

TRAININGS = {
    "fibonacci": ["--model", "simple_rnn", "--sequences", "300", "--units", "16"],
    "text": ["--corpus", "stories", "--units", "16"],
    "stock": ["--units", "8", "--window", "12"],
}
GROWTH = 1.05  # of memory, and no more
BAD = [
    ("fibonacci", {"instances": []}, 400),
    ("fibonacci", {"instances": [["1", "x"]]}, 400),
    ("stock", {"instances": [[["1"]]]}, 400),
    ("text", {"signature_name": "nothing", "instances": ["a"]}, 400),
    ("nobody", {"instances": [1]}, 404),
]


@dataclass
class Tally:
    """The results of a client's requests."""

    count: int = 0
    failed: list[str] = field(default_factory=list)


def main() -> None:
    """Make the models, then let it run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--swaps", type=int, default=5)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start_tensorflow()
    with tempfile.TemporaryDirectory() as contents:
        sys.exit(
            1
            if load(make_models(Path(contents)), 60 * options.minutes, options.swaps, options.clients, options.seed)
            else 0
        )


def make_models(folder: Path) -> Path:
    """A folder with three exported models."""
    for name, options in TRAININGS.items():
        seqapp("train", name, *options, "--epochs", "1", "--out", folder / "runs" / name)
        seqapp("export", folder / "runs" / name, "--to", folder / "models" / name)
    return folder / "models"


def load(models: Path, seconds: float, swaps: int, clients: int, seed: int) -> list[str]:
    """Print what happened; what went wrong."""
    questions, tallies, over = asked_and_expected(models), [Tally() for _ in range(clients)], threading.Event()
    with run_server(*sorted(models.iterdir()), "--poll-seconds", "0.2", "--batch-size", "4") as served:
        threads = [
            threading.Thread(target=client, args=[served.port, questions, tally, over, Random(f"{seed} {place}")])
            for place, tally in enumerate(tallies)
        ]
        for thread in threads:
            thread.start()
        used, swapped = events(models, served, seconds, swaps)
        over.set()
        for thread in threads:
            thread.join()
    failed = [failure for tally in tallies for failure in tally.failed]
    start_id, end = (statistics.fmean(part) for part in (used[: len(used) // 8 + 1], used[-(len(used) // 8 + 1) :]))
    print(
        "| minutes | clients | requests | failed | versions swapped in | broken ones left out | MB then, at the end |"
    )
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {seconds / 60:.1f} | {clients} | {sum(tally.count for tally in tallies):,} | {len(failed)} | {swapped} | 1 "
        f"| {start_id:.0f}, {end:.0f}: {100 * (end / start_id - 1):+.1f} % |",
        flush=True,
    )
    if end > GROWTH * start_id:
        failed.append(f"memory grew from {start_id:.0f} to {end:.0f} MB")
    print("".join(f"\n- {failure}" for failure in failed[:20]), flush=True)
    return failed


def asked_and_expected(models: Path) -> list[tuple[bytes, int, Any]]:
    """Requests, the status that each must have, and its answer (None: whatever)."""
    from seqapp.serving.models.version import Version
    from seqapp.serving.rest.responses import column_format
    from seqapp.serving.rest.rest import to_json

    questions: list[tuple[bytes, int, Any]] = []
    for base in sorted(models.iterdir()):
        version = Version(base / "1", 1)
        version.warm_up()
        for name, inputs in version.examples.items():
            document = {"signature_name": name, "inputs": {key: to_json(array) for key, array in inputs.items()}}
            expected = json.loads(column_format(version.signature(name)(inputs)))
            questions.append((request(f"/v1/models/{base.name}:predict", document), 200, expected))
        for path in (f"/v1/models/{base.name}", f"/v1/models/{base.name}/metadata", "/models", "/"):
            questions.append((f"GET {path} HTTP/1.1\r\n\r\n".encode(), 200, None))
    questions += [(request(f"/v1/models/{name}:predict", document), code, None) for name, document, code in BAD]
    return questions


def client(port: int, questions: list[Any], tally: Tally, over: threading.Event, random: Random) -> None:
    """Ask one thing after the other; now and then on a new connection."""
    connection = Client(port)
    while not over.is_set():
        question, code, expected = random.choice(questions)
        tally.count += 1
        try:
            result, body = connection.ask(question)
            if result != code or (expected is not None and not same(json.loads(body), expected)):
                tally.failed.append(f"{question[:80]!r}: {result} {body[:200]!r}")
        except (OSError, ValueError) as error:
            tally.failed.append(f"{question[:80]!r}: {type(error).__name__} {error}")
            connection = Client(port)
        if random.random() < 0.01:
            connection.close()
            connection = Client(port)
        time.sleep(random.random() * 0.01)
    connection.close()


def same(result: Any, expected: Any) -> bool:
    """Text and whole numbers exactly; floats to 1e-5, since a batch rounds its last digits differently."""
    if isinstance(expected, dict):
        return result.keys() == expected.keys() and all(same(result[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(result) == len(expected) and all(map(same, result, expected))
    if isinstance(expected, float):
        return bool(abs(result - expected) <= 1e-5 * max(1.0, abs(expected)))
    return bool(result == expected)


def events(models: Path, served: ServerProcess, seconds: float, swaps: int) -> tuple[list[float], int]:
    """Publish versions, one of them broken, in equal intervals; megabytes over time, and how many were taken over."""
    began, used, swapped = time.monotonic(), [], 0
    moments = [seconds * (number + 1) / (swaps + 2) for number in range(swaps + 1)]  # the last is the broken one's
    random = Random(0)
    while (passed := time.monotonic() - began) < seconds:
        if moments and passed > moments[0]:
            moments.pop(0)
            base = random.choice(sorted(models.iterdir()))
            if moments:
                swapped += published(base, served)
            else:
                broken(base, served)
        if passed > seconds / 5:
            used.append(memory(served.process.pid))
        time.sleep(min(1.0, seconds / 100))
    return used, swapped


def published(base: Path, served: ServerProcess) -> int:
    """Copy the newest version under the next number, by one rename; 1 once it answers."""
    newest = max(int(folder.name) for folder in base.iterdir() if folder.name.isdigit())
    shutil.copytree(base / str(newest), base / ".next")
    (base / ".next").rename(base / str(newest + 1))
    state = {"version": str(newest + 1), "state": "AVAILABLE"}
    wait_for(lambda: state.items() <= status(base, served).items(), 60)
    return 1


def broken(base: Path, served: ServerProcess) -> None:
    """Publish an invalid version; the one before it stays."""
    newest = max(int(folder.name) for folder in base.iterdir() if folder.name.isdigit())
    (base / ".next").mkdir()
    (base / ".next" / "saved_model.pb").write_bytes(b"nonsense")
    (base / ".next").rename(base / str(newest + 1))
    wait_for(lambda: status(base, served)["state"] == "END", 60)


def status(base: Path, served: ServerProcess) -> dict[str, Any]:
    """Of a model's newest version."""
    newest: dict[str, Any] = served.ask("GET", f"/v1/models/{base.name}")[2]["model_version_status"][0]
    return newest


if __name__ == "__main__":
    main()
