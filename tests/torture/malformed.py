"""Requests that no client should send: a server answers each with a 4xx or hangs up, and goes on as before.

    python -m tests.torture.malformed [--requests 20000] [--seed 0]

Half of them are documents that hypothesis makes from the shapes of real ones: wrong types, deep nesting, huge numbers,
names and lengths that do not fit. Half are real requests whose bytes are cut, changed, doubled, given a wrong length,
sent in pieces or in a row. Prints a table in Markdown; exits 1 if there was a 5xx, an answer that took over 10 s,
a request that was answered wrongly afterwards, or more than 5 % of memory gained after the first fifth.
"""

from __future__ import annotations

import argparse
import collections
import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from benchmarks.served import Client, ServerProcess, memory, run_server
from seqapp.system.tensorflow import start_tensorflow
from tests.torture.load import GROWTH, asked_and_expected, make_models, same
from tests.torture.mutations import run_on

PATIENCE = 10.0  # seconds for an answer
NAMES = ["terms", "text", "prompt", "length", "temperature", "seed", "history", "ids", "state_1", "b64", "x"]
SIGNATURES = ["", "serving_default", "generate", "sample", "score", "step", "nothing"]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=20)
    | st.sampled_from(["1", "-0", "٣", "1e5", "\ud800", "\x00", {"b64": "aGk="}, {"b64": "!"}, {"b64": 1}])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=30,
)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"signature_name": st.sampled_from(SIGNATURES) | SCALARS, "instances": VALUES, "inputs": VALUES}
)


def main() -> None:
    """Serve three small models and torment them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start_tensorflow()
    with tempfile.TemporaryDirectory() as contents:
        sys.exit(1 if malformed(make_models(Path(contents)), options.requests, options.seed) else 0)


def malformed(models: Path, count: int, seed: int) -> list[str]:
    """Print the answers; what went wrong."""
    questions = asked_and_expected(models)
    names = [base.name for base in sorted(models.iterdir())]
    codes, failed = collections.Counter[str](), list[str]()
    with run_server(*sorted(models.iterdir()), "--max-length", "50") as served:
        used = [memory(served.process.pid)]

        def send(sent: bytes, pieces: int = 1) -> None:
            codes[sum_up(served, sent, pieces, failed)] += 1
            if sum(codes.values()) % max(count // 100, 1) == 0:
                used.append(memory(served.process.pid))

        documents(count // 2, seed, names, send)
        bytes_of(count - count // 2, seed, [question for question, _, _ in questions], send)
        failed += [
            f"{question[:80]!r} is answered wrongly afterwards"
            for question, code, expected in questions
            if not right(served, question, code, expected)
        ]
    first, last = used[len(used) // 5], used[-1]
    if last > GROWTH * first:
        failed.append(f"memory grew from {first:.0f} to {last:.0f} MB")
    message = ", ".join(f"{code}: {times:,}" for code, times in sorted(codes.items()))
    growth = f"{first:.0f}, {last:.0f}: {100 * (last / first - 1):+.1f} %"
    print("| requests | answers | failures | MB after the first fifth, at the end |\n|---|---|---|---|")
    print(f"| {sum(codes.values()):,} | {message} | {len(failed)} | {growth} |")
    print("".join(f"\n- {failure}" for failure in failed[:20]), flush=True)
    return failed


def documents(count: int, seed: int, names: list[str], send: Callable[[bytes], None]) -> None:
    """Whole requests with documents that do not fit; some nested deeper than any parser likes, some cut off."""

    @run_on(count, seed, st.sampled_from(names), DOCUMENTS, st.integers(0, 40), st.floats(0, 1))
    def one(name: str, document: dict[str, Any], depth: int, cut: float) -> None:
        text = json.dumps(document)
        if depth == 40:
            text = '{"instances": ' + "[" * 5000 + "]" * 5000 + "}"
        elif depth > 35:
            text = text[: int(cut * len(text))]
        body = text.encode("utf-8", "surrogatepass")
        send(f"POST /v1/models/{name}:predict HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    one()


def bytes_of(count: int, seed: int, real: list[bytes], send: Callable[[bytes, int], None]) -> None:
    """Real requests with their bytes disturbed."""
    random = Random(seed)
    changes = [cut, flipped, doubled, wrong_length, inserted, in_a_row]
    for _ in range(count):
        sent = random.choice(changes)(random.choice(real), random)
        if random.random() < 0.2:
            sent = random.choice(changes)(sent, random)
        send(sent, random.choice([1, 1, 1, 1, 3]))


def cut(sent: bytes, random: Random) -> bytes:
    """Ends too early."""
    return sent[: random.randrange(len(sent) + 1)]


def flipped(sent: bytes, random: Random) -> bytes:
    """Some bytes are others."""
    changed = bytearray(sent)
    for _ in range(random.randint(1, 8)):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def doubled(sent: bytes, random: Random) -> bytes:
    """A part comes again and again."""
    start = random.randrange(len(sent) + 1)
    end = random.randrange(start, len(sent) + 1)
    return sent[:end] + sent[start:end] * random.choice([1, 2, 50]) + sent[end:]


def wrong_length(sent: bytes, random: Random) -> bytes:
    """A Content-Length that is no number, too small, too large, or beyond all bounds."""
    length = random.choice([b"-1", b"0", b"1", b"99", b"1e3", b"", b"9" * 30, b"5, 5", b"0x10"])
    head, _, body = sent.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    also = random.choice([[], [], [b"Transfer-Encoding: chunked"], [b"Content-Length: 7"], [b"Content-Encoding: gzip"]])
    return b"\r\n".join([*lines, b"Content-Length: " + length, *also]) + b"\r\n\r\n" + body


def inserted(sent: bytes, random: Random) -> bytes:
    """Something foreign stands in it."""
    place = random.randrange(len(sent) + 1)
    foreign = random.choice(
        [b"\x00", b"\r\n", b"\r\n\r\n", b"\xff\xfe", b"[" * 3000, b"9" * 5000, b'"', b"{", "é".encode()]
    )
    return sent[:place] + foreign + sent[place:]


def in_a_row(sent: bytes, random: Random) -> bytes:
    """Pipelined."""
    return sent * random.randint(2, 6)


def sum_up(served: ServerProcess, sent: bytes, pieces: int, failed: list[str]) -> str:
    """Send it, in pieces with pauses if so, and hang up one's own side; the status of the first answer."""
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as client:
            step = -(-len(sent) // pieces) or 1
            for start in range(0, len(sent), step):
                client.sendall(sent[start : start + step])
                time.sleep(0.002 * (pieces > 1))
            client.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: client.recv(1 << 16), b""))
    except TimeoutError:
        failed.append(f"no answer in {PATIENCE:g} s to {sent[:200]!r}")
        return "none"
    except OSError:
        return "reset"
    if b"HTTP/1.1 5" in received or time.monotonic() - began > PATIENCE:
        failed.append(f"{received[:200]!r} to {sent[:300]!r}")
    return received[9:12].decode("latin-1") or "hung up"


def right(served: ServerProcess, question: bytes, code: int, expected: Any) -> bool:
    """Whether a real request is answered as it should be."""
    client = Client(served.port)
    result, body = client.ask(question)
    client.close()
    return result == code and (expected is None or same(json.loads(body), expected))


if __name__ == "__main__":
    main()
