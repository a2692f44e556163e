"""Ask a SavedModel through TensorFlow's C API, as a program in any language does: neither Python's TensorFlow nor Keras.

python tests/c_api.py SAVED_MODEL INPUT SHAPE OUTPUT < raw float32 values > raw float32 values

INPUT and OUTPUT are tensor names of the graph such as serving_default_history:0.
"""

import ctypes
import importlib.util
import sys
from pathlib import Path

FLOAT = 1  # TF_FLOAT


class Place(ctypes.Structure):
    """TF_Output: an operation and the number of its output."""

    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


def main(folder: str, asked: str, shape: str, wanted: str) -> None:
    """Run the session once."""
    found = importlib.util.find_spec("tensorflow")
    home = Path(str(found.origin)).parent if found else Path()
    ctypes.CDLL(str(home / "libtensorflow_framework.so.2"), mode=ctypes.RTLD_GLOBAL)
    api = ctypes.CDLL(str(home / "libtensorflow_cc.so.2"), mode=ctypes.RTLD_GLOBAL)
    pointers = ("NewStatus", "NewGraph", "NewSessionOptions", "LoadSessionFromSavedModel", "GraphOperationByName",
                "AllocateTensor", "TensorData")  # fmt: skip
    for name in pointers:
        getattr(api, f"TF_{name}").restype = ctypes.c_void_p
    api.TF_Message.restype = ctypes.c_char_p
    api.TF_TensorByteSize.restype = ctypes.c_size_t

    status, graph = ctypes.c_void_p(api.TF_NewStatus()), ctypes.c_void_p(api.TF_NewGraph())
    tags = (ctypes.c_char_p * 1)(b"serve")
    options = ctypes.c_void_p(api.TF_NewSessionOptions())
    session = ctypes.c_void_p(
        api.TF_LoadSessionFromSavedModel(options, None, folder.encode(), tags, 1, graph, None, status)
    )
    _check(api, status)

    def place(tensor: str) -> Place:
        name, index = tensor.split(":")
        return Place(api.TF_GraphOperationByName(graph, name.encode()), int(index))

    raw, sizes = sys.stdin.buffer.read(), [int(size) for size in shape.split(",")]
    tensor = ctypes.c_void_p(api.TF_AllocateTensor(FLOAT, (ctypes.c_int64 * len(sizes))(*sizes), len(sizes), len(raw)))
    ctypes.memmove(api.TF_TensorData(tensor), raw, len(raw))
    given, answer = (ctypes.c_void_p * 1)(tensor.value), (ctypes.c_void_p * 1)()
    inputs, outputs = (Place * 1)(place(asked)), (Place * 1)(place(wanted))
    api.TF_SessionRun(session, None, inputs, given, 1, outputs, answer, 1, None, 0, None, status)
    _check(api, status)
    made = ctypes.c_void_p(answer[0])
    sys.stdout.buffer.write(ctypes.string_at(api.TF_TensorData(made), api.TF_TensorByteSize(made)))
    assert "tensorflow" not in sys.modules


def _check(api: ctypes.CDLL, status: ctypes.c_void_p) -> None:
    if api.TF_GetCode(status):
        raise SystemExit(api.TF_Message(status).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
