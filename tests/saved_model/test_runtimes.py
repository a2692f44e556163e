"""Exports in runtimes without Keras: a C program with TensorFlow's C API, OpenVINO, ONNX Runtime.

OpenVINO and ONNX Runtime can run signatures without text only.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import seqapp
from numpy.typing import NDArray

from seqapp import rooms
from seqapp.serving.models.version import Version

DATASETS = rooms.names("datasets")
NUMBERS = [name for name in DATASETS if name in ("stock", "adding")]  # with signatures without text
KINDS = {1: np.float32, 3: np.int32, 9: np.int64, 10: bool}  # TF_DataType
TEXT = 7
pytestmark = pytest.mark.slow
Arrays = Mapping[str, NDArray[Any]]


@pytest.fixture(scope="module")
def version(trained: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Version]:
    """Load the export of a small run, with an example for each signature."""
    versions: dict[str, Version] = {}

    def load(dataset: str) -> Version:
        if dataset not in versions:
            folder = tmp_path_factory.mktemp(dataset)
            versions[dataset] = Version(Path(seqapp("export", trained(dataset), "--to", folder).stdout.strip()), 1)
            versions[dataset].warm_up()
        return versions[dataset]

    return load


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tests/c_api.c, compiled against the libraries of TensorFlow's wheel."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    package = importlib.util.find_spec("tensorflow")
    assert package is not None
    home = Path(str(package.origin)).parent
    binary = tmp_path_factory.mktemp("c") / "c_api"
    libraries = ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", f"-Wl,-rpath,{home}"]
    source = Path(__file__).with_name("c_api.c")
    command = ["gcc", "-Wall", "-Werror", "-O1", source, f"-I{home / 'include'}", f"-L{home}", *libraries, "-o", binary]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return binary


def run_in_c(program: Path, version: Version, signature: str, inputs: Arrays) -> dict[str, NDArray[Any]]:
    """Call a signature in the C program; return the outputs by name."""
    definition = version.definitions[signature]
    request = [_int(len(inputs))]
    for name, array in inputs.items():
        kind = definition.inputs[name].dtype
        request += [_text(definition.inputs[name].name.encode()), _int(kind), _int(array.ndim)]
        request += [np.int64(array.shape).tobytes()]
        request += list(map(_text, array.ravel())) if kind == TEXT else [array.tobytes()]
    names = sorted(definition.outputs)
    request += [_int(len(names)), *(_text(definition.outputs[name].name.encode()) for name in names)]
    done = subprocess.run([program, version.folder], input=b"".join(request), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    reader = _Reader(done.stdout)
    return {name: reader.tensor() for name in names}


class _Reader:
    """Reads the C program's output."""

    def __init__(self, content: bytes) -> None:
        self.content = memoryview(content)

    def take(self, size: int) -> bytes:
        part, self.content = bytes(self.content[:size]), self.content[size:]
        return part

    def int(self) -> int:
        return int(np.frombuffer(self.take(4), np.int32)[0])

    def tensor(self) -> NDArray[Any]:
        kind, rank = self.int(), self.int()
        shape = np.frombuffer(self.take(8 * rank), np.int64)
        if kind != TEXT:
            dtype = np.dtype(KINDS[kind])
            return np.frombuffer(self.take(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape)
        texts = np.empty(int(np.prod(shape)), object)
        texts[:] = [self.take(self.int()) for _ in texts]
        return texts.reshape(shape)


def _int(value: int) -> bytes:
    return np.int32(value).tobytes()


def _text(value: bytes) -> bytes:
    return _int(len(value)) + value


def assert_equal(actual: Arrays, expected: Arrays) -> None:
    """Compare text exactly, and numbers to 1e-5."""
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        if array.dtype.kind == "f":
            np.testing.assert_allclose(actual[name], array, rtol=1e-5, atol=1e-5, err_msg=name)
        else:
            np.testing.assert_array_equal(actual[name], array, err_msg=name)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_c_program_gives_the_same_answers(dataset: str, version: Callable[[str], Version], program: Path) -> None:
    loaded = version(dataset)
    assert loaded.examples.keys() == loaded.signatures.keys()  # every signature has a warm-up request
    for name, inputs in loaded.examples.items():
        assert_equal(run_in_c(program, loaded, name, inputs), loaded.signature(name)(inputs))


@pytest.mark.parametrize("dataset", NUMBERS)
def test_openvino_gives_the_same_numbers(dataset: str, version: Callable[[str], Version]) -> None:
    import openvino

    loaded = version(dataset)
    inputs = loaded.examples["serving_default"]
    exact = {"INFERENCE_PRECISION_HINT": "f32"}  # by default it rounds to bfloat16
    model = openvino.Core().compile_model(openvino.Core().read_model(str(loaded.folder)), "CPU", exact)
    outputs = model({name: np.asarray(array) for name, array in inputs.items()})
    expected = loaded.signature("")(inputs)
    assert_equal({name: outputs[name] for name in expected}, expected)


@pytest.mark.parametrize("dataset", NUMBERS)
def test_onnx_runtime_gives_the_same_numbers(dataset: str, version: Callable[[str], Version], tmp_path: Path) -> None:
    import onnxruntime

    loaded = version(dataset)
    inputs, file = loaded.examples["serving_default"], tmp_path / "model.onnx"
    command = [
        sys.executable,
        "-m",
        "tf2onnx.convert",
        "--saved-model",
        loaded.folder,
        "--output",
        file,
        "--opset",
        "18",
    ]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    outputs = session.run(names, {name: np.asarray(array) for name, array in inputs.items()})
    assert_equal(dict(zip(names, outputs, strict=True)), loaded.signature("")(inputs))
