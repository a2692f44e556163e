"""The server around the REST interface: versions, batches, limits, slow clients, keys, HTTP, shutdown."""

from __future__ import annotations

import gc
import json
import shutil
import signal
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import refused, seqapp
from saved_models import half_plus_two

from benchmarks.served import LocalServer, run_server, wait_for
from seqapp.saved_model import warmup
from seqapp.serving.http.server import Server
from seqapp.serving.limits import Limits
from seqapp.serving.models.batching import Batcher, run_alone
from seqapp.serving.models.models import Model, Watcher
from seqapp.serving.models.version import Version
from seqapp.serving.rest import routes
from seqapp.serving.rest.rest import RestApi
from seqapp.serving.run import url
from seqapp.serving.status import StatusError

PREDICT = "/v1/models/demo:predict"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one version."""
    folder = tmp_path_factory.mktemp("models") / "demo"
    half_plus_two(folder)
    return folder


@pytest.fixture(scope="module")
def model(base: Path) -> Model:
    """The model of that folder, loaded."""
    model = Model("demo", base)
    model.poll()
    return model


@dataclass
class InProcessServer(LocalServer):
    """A server in this process."""

    server: Server


class Blocked:
    """Runs requests, but only after `release` is set."""

    def __init__(self) -> None:
        self.started, self.release = threading.Semaphore(0), threading.Event()

    def __call__(self, *arguments: Any) -> Any:
        self.started.release()
        self.release.wait(30)
        return run_alone(*arguments)


@contextmanager
def listen(
    model: Model, limits: Limits | None = None, run: Any = run_alone, keys: frozenset[bytes] = frozenset()
) -> Iterator[InProcessServer]:
    """A server in this process, as a client sees it."""
    server = Server(("127.0.0.1", 0), RestApi({model.name: model}, limits or Limits(), run), keys)
    server.server_bind()
    server.server_activate()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield InProcessServer(server.server_address[1], server)
    finally:
        if not server.stopping:
            server.drain()


def drip(client: socket.socket) -> float:
    """Send a byte every 50 ms until the server closes the connection; return the seconds until then."""
    start = time.monotonic()
    with suppress(OSError):
        while time.monotonic() - start < 10:
            client.sendall(b"P")
            time.sleep(0.05)
    return time.monotonic() - start


def document(**parts: Any) -> str:
    return json.dumps(parts)


def exchange(port: int, sent: bytes, seconds: float = 10) -> bytes:
    """Send bytes; return all that the server answers before it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
        client.sendall(sent)
        return b"".join(iter(lambda: client.recv(65536), b""))


def plain_post(content: str, *headers: str) -> bytes:
    lines = [f"POST {PREDICT} HTTP/1.1", f"Content-Length: {len(content)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + content).encode()


# --- versions


def test_a_new_version_is_swapped_in_without_a_failed_request_and_a_broken_one_leaves_the_old(tmp_path: Path) -> None:
    base, elsewhere = tmp_path / "demo", tmp_path / "elsewhere"
    half_plus_two(base, 1, add=2.0)
    for version, add in ((2, 3.0), (4, 5.0)):
        half_plus_two(elsewhere, version, add)
    model = Model("demo", base)
    model.poll()
    watcher, answers, stop = Watcher([model], 0.02), [], threading.Event()
    with listen(model) as served:

        def client() -> None:
            while not stop.is_set():
                answers.append(served.ask("POST", PREDICT, document(instances=[0.0])))

        thread = threading.Thread(target=client)
        thread.start()
        watcher.start()
        (elsewhere / "2").rename(base / "2")
        wait_for(lambda: model.states.get(2) and model.states[1].name == "END")
        (base / "3").mkdir()
        (base / "3" / "saved_model.pb").write_bytes(b"nonsense")
        wait_for(lambda: model.states.get(3) and model.states[3].name == "END")
        assert served.predict("demo", instances=[0.0]) == {"predictions": [3.0]}
        status = served.ask("GET", "/v1/models/demo")[2]["model_version_status"]
        assert [(each["version"], each["state"]) for each in status] == [("3", "END"), ("2", "AVAILABLE"), ("1", "END")]
        assert status[0]["status"]["error_code"] == "UNKNOWN"
        assert status[0]["status"]["error_message"]
        assert status[2]["status"] == {"error_code": "OK", "error_message": ""}
        for path in (elsewhere / "4").iterdir():  # the broken version is repaired in place
            path.rename(base / "3" / path.name)
        wait_for(lambda: 3 in model.loaded)
        stop.set()
        thread.join()
        watcher.stop()
    assert {code for code, _, _ in answers} == {200}
    values = [answer["predictions"][0] for _, _, answer in answers]
    assert values == sorted(values)
    assert set(values) >= {2.0, 3.0}


def test_an_older_version_returns_when_the_newest_is_removed_and_the_last_one_stays(tmp_path: Path) -> None:
    base = tmp_path / "demo"
    half_plus_two(base, 1, add=2.0)
    (base / "7").symlink_to(base / "1")
    reports: list[str] = []
    model = Model("demo", base, report=reports.append)
    model.poll()
    assert list(model.loaded) == [7]
    (base / "7").unlink()
    model.poll()
    assert list(model.loaded) == [1]
    (base / "1").rename(tmp_path / "away")
    model.poll()
    assert list(model.loaded) == [1]
    assert reports == [
        "demo: version 7 is loaded",
        "demo: version 1 is loaded",
        "demo: version 7 is unloaded",
    ]


def test_a_version_is_unloaded_only_after_the_last_request_that_uses_it(tmp_path: Path) -> None:
    base = tmp_path / "demo"
    half_plus_two(base, 1, add=2.0)
    model, blocked = Model("demo", base), Blocked()
    model.poll()
    with listen(model, run=blocked) as served, ThreadPoolExecutor(1) as pool:
        first = pool.submit(served.ask, "POST", PREDICT, document(instances=[0.0]))
        assert blocked.started.acquire(timeout=10)
        shutil.copytree(base / "1", base / "2")
        model.poll()
        assert (model.states[1].name, model.states[2].name) == ("UNLOADING", "AVAILABLE")
        blocked.release.set()
        assert first.result()[2] == {"predictions": [2.0]}
        wait_for(lambda: model.poll() or model.states[1].name == "END", 10)


@pytest.mark.parametrize("run", [run_alone, Batcher(4, 0.01)], ids=["alone", "in a batch"])
def test_a_rejected_request_leaves_no_reference_to_its_version(base: Path, run: Any) -> None:
    version = Version(base / "1", 1)
    rest = RestApi({"demo": Model("demo", base, loaded={1: version})}, Limits(), run)
    reference = weakref.ref(version)
    gc.disable()
    try:
        with pytest.raises(StatusError, match="zero"):
            rest.answer(routes.parse("POST", PREDICT), document(signature_name="divide", instances=[0]).encode())
        rest.models["demo"].loaded.clear()
        del version
        assert reference() is None
    finally:
        gc.enable()


def test_warm_up_requests_run_before_a_version_takes_traffic_and_must_succeed(tmp_path: Path) -> None:
    base = tmp_path / "demo"
    folder = half_plus_two(base, 1)
    (folder / "assets.extra").mkdir(exist_ok=True)
    warmup.write(folder / warmup.FILE, {"": {"x": np.float32([1, 2])}, "divide": {"n": np.int32([5])}})
    model = Model("demo", base)
    model.poll()
    assert {name: list(inputs) for name, inputs in model.version().examples.items()} == {
        "serving_default": ["x"],
        "divide": ["n"],
    }
    second = half_plus_two(base, 2)
    (second / "assets.extra").mkdir(exist_ok=True)
    warmup.write(second / warmup.FILE, {"divide": {"n": np.int32([0])}})
    model.poll()
    assert list(model.loaded) == [1]
    assert model.states[2].error_code == "INVALID_ARGUMENT"


def test_the_page_s_list_of_models_has_their_signatures_and_examples(model: Model) -> None:
    with listen(model) as served:
        models = served.ask("GET", "/models")[2]["models"]
    assert [(entry["name"], entry["version"]) for entry in models] == [("demo", "1")]
    assert models[0]["signatures"]["columns"] == {
        "inputs": {"a": {"dtype": "DT_FLOAT", "shape": [-1, 2]}, "b": {"dtype": "DT_INT64", "shape": [-1]}},
        "outputs": {"b_plus_one": {"dtype": "DT_INT64", "shape": [-1]}, "sum": {"dtype": "DT_FLOAT", "shape": [-1, 2]}},
    }


# --- batches


def test_a_batch_gives_each_request_the_answer_it_gets_alone(model: Model) -> None:
    calls, batcher = [], Batcher(8, 5.0)
    signature = model.version().signature("columns")

    class CountingSignature:
        inputs, outputs, is_batched = signature.inputs, signature.outputs, True

        def __call__(self, inputs: Any) -> Any:
            calls.append(len(inputs["b"]))
            return signature(inputs)

    counting: Any = CountingSignature()
    requests = [
        {"a": np.float32([[i, i + 1]] * rows), "b": np.int64([i] * rows)} for i, rows in enumerate([1, 2, 1, 1, 3])
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda inputs: batcher(model.version(), counting, inputs), requests))
    assert calls == [8]
    for inputs, answer in zip(requests, answers, strict=True):
        alone = signature(inputs)
        assert {name: array.tolist() for name, array in answer.items()} == {
            name: array.tolist() for name, array in alone.items()
        }


def test_other_shapes_are_not_padded_into_a_batch(model: Model) -> None:
    batcher, signature = Batcher(4, 0.05), model.version().signature("matrix")
    requests = [{"x": np.ones([1, steps, 3], np.float32)} for steps in (1, 2, 3, 2)]
    with ThreadPoolExecutor(4) as pool:
        totals = list(pool.map(lambda inputs: batcher(model.version(), signature, inputs)["total"].tolist(), requests))
    assert totals == [[[3.0] * steps] for steps in (1, 2, 3, 2)]


def test_one_bad_request_does_not_fail_the_batch(model: Model) -> None:
    with listen(model, run=Batcher(4, 0.2)) as served, ThreadPoolExecutor(4) as pool:
        bodies = [document(signature_name="divide", instances=[n]) for n in (1, 0, 5, 2)]
        answers = list(pool.map(lambda body: served.ask("POST", PREDICT, body), bodies))
    assert [code for code, _, _ in answers] == [200, 400, 200, 200]
    assert [answers[index][2]["predictions"] for index in (0, 2, 3)] == [[10], [2], [5]]


def test_a_signature_without_a_batch_axis_runs_alone(model: Model) -> None:
    with listen(model, run=Batcher(4, 60)) as served:
        assert served.predict("demo", signature_name="any", inputs=1.5) == {"outputs": 1.5}
        assert served.predict("demo", signature_name="scalar", inputs=[1.0, 2.0]) == {"outputs": 3.0}


# --- limits


@pytest.mark.parametrize(
    ("limits", "body", "code", "message"),
    [
        (
            Limits(max_body=50),
            document(instances=[1.0] * 50),
            413,
            "expected a body of at most 50 bytes, got 265. Send fewer rows per request.",
        ),
        (
            Limits(max_rows=2),
            document(instances=[1.0] * 3),
            400,
            "Input 'x': expected at most 2 rows, got 3. Send fewer rows per request.",
        ),
        (
            Limits(max_length=5),
            document(signature_name="generate", instances=[6]),
            400,
            "Input 'length': expected at most 5, got 6. Generate fewer items per request, and continue from the answer.",
        ),
        (Limits(), "[" * 100_000, 400, "JSON Parse error: lists or objects are nested too deeply."),
        (
            Limits(),
            '{"instances": [' + "9" * 10_000 + "]}",
            400,
            "JSON Parse error: Number too big to be stored in double. at offset: 0",
        ),
    ],
)
def test_a_request_over_a_limit_gets_an_error_message(
    limits: Limits, body: str, code: int, message: str, model: Model
) -> None:
    with listen(model, limits) as served:
        status, _, answer = served.ask("POST", PREDICT, body)
        assert (status, answer) == (code, {"error": message})
        assert served.ask("GET", "/v1/models/demo")[0] == 200


def test_a_gzip_bomb_is_rejected_before_it_is_decompressed(model: Model) -> None:
    import gzip

    with listen(model, Limits(max_body=1_000_000)) as served:
        code, _, answer = served.ask("POST", PREDICT, gzip.compress(b" " * 50_000_000), Content_Encoding="gzip")
    assert (code, answer["error"]) == (
        413,
        "expected a body of at most 1,000,000 bytes, got 1,000,001. Send fewer rows per request.",
    )


def test_requests_over_the_limit_get_429_and_retry_after(model: Model) -> None:
    blocked = Blocked()
    with listen(model, Limits(max_requests=2), blocked) as served, ThreadPoolExecutor(2) as pool:
        first = [pool.submit(served.ask, "POST", PREDICT, document(instances=[1.0])) for _ in range(2)]
        for _ in first:
            blocked.started.acquire(timeout=10)
        code, headers, answer = served.ask("POST", PREDICT, document(instances=[1.0]))
        assert (code, headers["Retry-After"]) == (429, "1")
        assert answer == {"error": "the server is already processing 2 requests. Try again in a second."}
        assert served.ask("GET", "/v1/models/demo")[0] == 200  # a status does not count
        blocked.release.set()
        assert [each.result()[0] for each in first] == [200, 200]


def test_a_request_that_takes_too_long_is_answered_with_504(model: Model) -> None:
    blocked = Blocked()
    with listen(model, Limits(timeout=0.3), blocked) as served:
        code, _, answer = served.ask("POST", PREDICT, document(instances=[1.0]))
        blocked.release.set()
    message = "no answer within 0.3 s: DEADLINE_EXCEEDED. Send a smaller request, or start the server with a larger --timeout."
    assert (code, answer) == (504, {"error": message})


def test_an_answer_being_written_does_not_block_the_deadlines_of_others(model: Model) -> None:
    blocked = Blocked()
    with listen(model, Limits(timeout=0.3), blocked) as served, ThreadPoolExecutor(1) as pool:
        first = pool.submit(served.ask, "POST", PREDICT, document(instances=[1.0]))
        assert blocked.started.acquire(timeout=10)
        (writing,) = served.server._working
        with writing._lock:  # as if its client did not read it
            code, _, _ = served.ask("POST", PREDICT, document(instances=[1.0]))
        blocked.release.set()
        first.result()
    assert code == 504


def test_an_ipv6_address_can_be_listened_on(model: Model) -> None:
    addresses = Path("/proc/net/if_inet6")
    if not (addresses.is_file() and addresses.read_text()):
        pytest.skip("this machine has no IPv6")
    with Server(("::1", 0), RestApi({"demo": model}, Limits())) as server:
        server.server_bind()
        assert server.socket.getsockname()[0] == "::1"
    assert (url("::1", 8501), url("127.0.0.1", 80)) == ("http://[::1]:8501", "http://127.0.0.1:80")


def test_slow_and_half_open_clients_are_disconnected_and_block_nobody(model: Model) -> None:
    with listen(model, Limits(timeout=0.5, idle_timeout=0.5)) as served:
        silent = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        half = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        half.sendall(plain_post(document(instances=[1.0]))[:-3])
        dripping = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        start = time.monotonic()
        assert drip(dripping) < 5
        assert served.predict("demo", instances=[1.0]) == {"predictions": [2.5]}
        assert silent.recv(100) == half.recv(100) == b""
        assert time.monotonic() - start < 5
        for client in (silent, half, dripping):
            client.close()
        wait_for(lambda: served.server._open <= 1)


def test_at_the_limit_of_connections_the_longest_waiting_one_is_closed(model: Model) -> None:
    with listen(model, Limits(max_connections=3)) as served:
        idle = [socket.create_connection(("127.0.0.1", served.port), timeout=10) for _ in range(6)]
        wait_for(lambda: served.server._open == 3)
        assert served.predict("demo", instances=[1.0]) == {"predictions": [2.5]}
        assert idle[0].recv(100) == b""
        for client in idle:
            client.close()


def test_a_new_connection_gets_503_when_all_others_are_working(model: Model) -> None:
    blocked = Blocked()
    with listen(model, Limits(max_connections=1), blocked) as served, ThreadPoolExecutor(1) as pool:
        first = pool.submit(served.ask, "POST", PREDICT, document(instances=[1.0]))
        assert blocked.started.acquire(timeout=10)
        code, headers, answer = served.ask("GET", "/v1/models/demo")
        blocked.release.set()
        assert first.result()[0] == 200
    assert (code, headers["Retry-After"], answer) == (
        503,
        "1",
        {"error": "too many connections. Try again in a second."},
    )


# --- HTTP


def test_requests_sent_in_one_piece_are_answered_in_order(model: Model) -> None:
    first, second = plain_post(document(instances=[1.0])), plain_post(document(instances=[3.0]), "Connection: close")
    with listen(model) as served:
        received = exchange(served.port, first + second)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.index(b"[2.5]") < received.index(b"[3.5]")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.x\r\n\r\n", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"POST /v1/models/demo:predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /v1/models/demo:predict HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400),
        (b"POST /v1/models/demo:predict HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (b"POST /v1/models/demo:predict HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST /v1/models/demo:predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /v1/models/demo:predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", 413),
        (b"POST /v1/models/demo:predict HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 400),
    ],
)  # fmt: skip
def test_malformed_http_gets_one_answer_and_the_connection_is_closed(sent: bytes, code: int, model: Model) -> None:
    with listen(model) as served:
        received = exchange(served.port, sent)
        assert received.startswith(f"HTTP/1.1 {code} ".encode()), received
        assert received.count(b"HTTP/1.1") == 1
        assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]
        assert served.predict("demo", instances=[1.0]) == {"predictions": [2.5]}


def test_without_a_key_a_client_gets_only_the_page(model: Model) -> None:
    with listen(model, keys=frozenset({b"first", b"second"})) as served:
        assert served.ask("GET", "/")[0] == 200
        for path in ("/v1/models/demo", "/models", "/monitoring/prometheus/metrics"):
            code, headers, answer = served.ask("GET", path)
            assert (code, headers["WWW-Authenticate"]) == (401, "Bearer")
            assert answer == {
                "error": "expected the header 'Authorization: Bearer KEY' with one of this server's keys."
            }
            assert served.ask("GET", path, Authorization="Bearer third")[0] == 401
            assert served.ask("GET", path, Authorization="Basic first")[0] == 401
            assert served.ask("GET", path, Authorization="Bearer second")[0] == 200


def test_the_page_may_load_nothing_from_elsewhere(model: Model) -> None:
    with listen(model) as served:
        code, headers, content = served.ask("GET", "/")
    assert (code, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert content.lower().startswith(b"<!doctype html>")


def test_metrics_count_answers(model: Model) -> None:
    with listen(model) as served:
        served.predict("demo", instances=[1.0])
        served.ask("POST", PREDICT, "{")
        served.ask("POST", "/v1/models/invented:predict", document(instances=[1.0]))
        code, headers, content = served.ask("GET", "/monitoring/prometheus/metrics")
    assert (code, headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    lines = content.decode().splitlines()
    assert 'seqapp_requests_total{code="200",method="predict",model="demo"} 1.0' in lines
    assert 'seqapp_requests_total{code="400",method="predict",model="demo"} 1.0' in lines
    assert 'seqapp_request_seconds_count{method="predict",model="demo"} 2.0' in lines
    assert 'seqapp_model_version{model="demo"} 1.0' in lines
    assert "invented" not in content.decode()  # a client cannot create labels


# --- shutdown


def test_drain_finishes_requests_and_accepts_no_connections(model: Model) -> None:
    blocked = Blocked()
    with listen(model, run=blocked) as served, ThreadPoolExecutor(2) as pool:
        idle = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        first = pool.submit(served.ask, "POST", PREDICT, document(instances=[1.0]))
        assert blocked.started.acquire(timeout=10)
        drain = pool.submit(served.server.drain)
        assert idle.recv(100) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", served.port), timeout=1)
        blocked.release.set()
        assert drain.result(10)
        code, headers, _ = first.result(10)
        assert (code, headers["Connection"]) == (200, "close")
        idle.close()


def test_a_public_address_prints_a_note_and_ctrl_c_exits_with_130(
    trained: Callable[[str], Path], tmp_path: Path
) -> None:
    run = trained("fibonacci")
    (key := tmp_path / "keys").write_text("secret\n")
    seqapp("export", run, "--to", tmp_path / "fib")
    with run_server(tmp_path / "fib", "--host", "0.0.0.0", "--api-key-file", key) as served:
        assert served.ask("GET", "/v1/models/fib")[0] == 401
        body = document(instances=[["144", "233"], ["1", "2"]])
        code, _, answer = served.ask("POST", "/v1/models/fib:predict", body, Authorization="Bearer secret")
        assert code == 200
        assert len(answer["predictions"]) == 2
        assert served.stop(signal.SIGINT) == 130
    stderr = "".join(served.stderr)
    assert (
        "Note: --host 0.0.0.0: anyone who can reach this machine and has a key can query the models; connections are "
        "not encrypted (no TLS).\n"
    ) in stderr
    assert "Traceback" not in stderr


def test_unusable_arguments_are_reported_before_tensorflow_is_loaded(base: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "none").write_text("\n")
    for arguments, message in [
        (["nothing"], "no folder 'nothing'. Pass an exported RUN, or a folder DIR/<version>/."),
        (["run"], "run: not exported yet. First: seqapp export run"),
        (
            ["empty"],
            "no versions of a model under 'empty'. Did you forget to name its folder as a number (such as empty/1/)?",
        ),
        (
            [base / "1"],
            f"{base / '1'} is itself a SavedModel: pass the folder that holds it as DIR/<version>/, such as DIR/1/.",
        ),
        ([base, base], f"two models are named 'demo'. Rename one: NAME={base}"),
        ([f"a:b={base}"], f"'a:b={base}': expected a model name without '/' and ':'. Name the model: NAME={base}"),
        (
            [base, "--label", "x"],
            "--label: expected [NAME/]LABEL=VERSION, with NAME if there are several models; got 'x'.",
        ),
        ([base, "--label", "dmo/x=1"], "--label: no model named 'dmo'. Did you mean 'demo'? Choose from: demo."),
        ([base, "--api-key-file", "none"], "--api-key-file: expected one key per line in 'none', got an empty file."),
    ]:
        assert refused("serve", *arguments) == f"Error: {message}"


def test_a_port_in_use_and_a_model_that_cannot_be_loaded_are_one_line_each(base: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = seqapp("serve", base, "--port", port, code=2)
    assert result.stderr.splitlines()[-1] == (
        f"Error: cannot listen on 127.0.0.1:{port}: Address already in use. Choose another --port, or 0 for any."
    )
    (tmp_path / "broken" / "1").mkdir(parents=True)
    (tmp_path / "broken" / "1" / "saved_model.pb").write_bytes(b"nonsense")
    result = seqapp("serve", tmp_path / "broken", code=1)
    assert result.stderr.splitlines()[-1] == (
        f"Error: {tmp_path / 'broken'}: no version of 'broken' can be loaded. Export it again."
    )
