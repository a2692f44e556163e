"""Model files and checkpoints, which may come from elsewhere: checked before anything in them is used.

Both are zip files, and Keras and NumPy write little into them: a few members with known names, never compressed, so
that none is larger than the file itself. Anything else is refused before it is read. No description of a network is
executed, nothing is unpickled, and no link inside a file is followed.
"""

from __future__ import annotations

import io
import json
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from seqapp.errors import BadInput

if TYPE_CHECKING:
    from seqapp.contract import Network, Task
    from seqapp.contract.options import NetworkOptions

WEIGHTS = "model.weights.h5"
KERAS = rf"config\.json|metadata\.json|{re.escape(WEIGHTS)}"
CHECKPOINT = r"position\.npy|variable_\d{1,6}\.npy"
PACKAGES = {"keras", "seqapp", "builtins"}  # that a description of a network may always name
SMALL_NETWORK = 1 << 28  # bytes: a network of this size may be built before its files are compared
LAYER_LIMIT = 1000
OVERHEAD = 1 << 22  # bytes that a file may have beside its arrays
DESCRIPTION_LIMIT = 1 << 24  # bytes of the description of a network
DAMAGED = (  # what zipfile, json, NumPy and h5py raise for damaged files
    zipfile.BadZipFile, KeyError, IndexError, TypeError, ValueError, AttributeError, OSError, EOFError, RecursionError,
    RuntimeError, OverflowError, MemoryError, struct.error,
)  # fmt: skip


@contextmanager
def opened(file: Path, names: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip file after a look at its list of members.

    Args:
        file: the zip file.
        names: a regular expression that the name of each member must match; no two may be equal.

    Raises:
        BadInput: a member is a link, is compressed, or has another name.
        zipfile.BadZipFile: the file is damaged.
    """
    if not file.is_file():
        raise BadInput(f"{file}: refused: expected a file.")
    size = file.stat().st_size
    with zipfile.ZipFile(file) as archive:
        seen: set[str] = set()
        for member in archive.infolist():
            if fault := _member_fault(member, names, seen, size):
                _refuse(file, fault)
            seen.add(member.filename)
        yield archive


def _refuse(file: Path, fault: str) -> NoReturn:
    """Raise BadInput: the file was not written by a training run."""
    raise BadInput(f"{file}: refused: {fault}. The file was changed after training.")


def _member_fault(member: zipfile.ZipInfo, names: str, seen: set[str], size: int) -> str | None:
    name = member.filename
    if stat.S_ISLNK(member.external_attr >> 16):
        return f"{name!r} is a link"
    if not re.fullmatch(names, name):
        return f"unexpected member {name!r}"
    if name in seen:
        return f"{name!r} is there twice"
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
        return f"{name!r} is compressed ({member.compress_size:,} bytes, {member.file_size:,} unpacked)"
    if member.file_size != member.compress_size or member.file_size > size:
        return f"{name!r} claims {member.file_size:,} bytes, the file has {size:,}"
    return None


def check_keras(file: Path, network: Network) -> None:
    """Raise unless a model.keras holds the weights of this network and nothing else.

    Raises:
        BadInput: it holds another network or something else, or is damaged.
    """
    model = network.model
    limit = OVERHEAD + 2 * sum(int(np.prod(variable.shape)) * 4 for variable in model.variables)
    try:
        with opened(file, KERAS) as archive:
            sizes = archive.getinfo("config.json").file_size, archive.getinfo(WEIGHTS).file_size
            if sizes[0] > DESCRIPTION_LIMIT or sizes[1] > limit:
                _refuse(file, f"{max(sizes):,} bytes are more than the network in run.json can have")
            config, weights = json.loads(archive.read("config.json")), archive.read(WEIGHTS)
        _check_layers(file, config, network)
        _check_objects(file, config, json.loads(model.to_json()))
        _check_arrays(file, weights, {str(variable.dtype) for variable in model.variables})
    except BadInput:
        raise
    except DAMAGED:
        raise BadInput(f"{file}: damaged: not a Keras archive. Train again with --force.") from None


def check_size(folder: Path, files: tuple[str, ...], task: Task, options: NetworkOptions) -> None:
    """Raise before memory is allocated if a network is far larger than the files with its weights.

    Args:
        folder: the run folder.
        files: names of files in it that hold the weights; missing ones count 0 bytes.
        task: the width of inputs and outputs.
        options: units and layers.

    Raises:
        BadInput: the network is too large for the files.
    """
    there = max((folder / name).stat().st_size if (folder / name).is_file() else 0 for name in files)
    read, units = sum(feature.size for feature in (task.inputs, *task.context.values())), options.units
    about = 4 * (units * (read + task.head.units) + options.layers * units * units)
    if about > SMALL_NETWORK + 2 * there or options.layers > LAYER_LIMIT:
        raise BadInput(
            f"{folder / 'run.json'}: describes {options.layers} layers of {units} units, about {about / 1e9:,.1f} GB, "
            f"where the run's files have {there / 1e9:,.1f} GB. It was changed after training."
        )


def _check_layers(file: Path, config: Any, network: Network) -> None:
    expected = [(type(layer).__name__, layer.name) for layer in network.model.layers]
    actual = [(layer["class_name"], layer["config"]["name"]) for layer in config["config"]["layers"]]
    for number, (ours, theirs) in enumerate(zip(expected, actual, strict=False), start=1):
        if ours != theirs:
            _refuse(
                file,
                f"layer {number} is a {theirs[0]} named '{theirs[1]}'; run.json describes "
                f"a {ours[0]} named '{ours[1]}'",
            )
    if len(expected) != len(actual):
        _refuse(file, f"it has {len(actual)} layers; run.json describes {len(expected)}")


def _check_objects(file: Path, config: Any, ours: Any) -> None:
    """Raise if a description names code from elsewhere, which whoever opens the file with Keras would execute."""
    known = PACKAGES | {module.partition(".")[0] for module, _, _ in _objects(ours)}
    registered = {name for _, _, name in _objects(ours)}
    for module, kind, name in _objects(config):
        if "lambda" in kind.lower():
            _refuse(file, f"it describes a {kind}, which is code")
        if module.partition(".")[0] not in known or name not in registered | {""}:
            _refuse(file, f"it describes '{name or kind}' of '{module}', which the network does not use")


def _objects(config: Any) -> Iterator[tuple[str, str, str]]:
    """Yield module, class and registered name of each object that Keras would make from a description."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield tuple(str(part.get(key) or "") for key in ("module", "class_name", "registered_name"))  # type: ignore[misc] # three
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _check_arrays(file: Path, content: bytes, dtypes: set[str]) -> None:
    """Raise unless an HDF5 file holds nothing but finite arrays of these dtypes, all of them stored inside it."""
    import h5py

    with h5py.File(io.BytesIO(content), "r") as root:
        size = 0
        for array in _arrays(file, root):
            size += getattr(array, "nbytes", 0)
            if (fault := _array_fault(array, dtypes)) or size > len(content):
                _refuse(file, f"'{array.name}' {fault or 'is larger than the file'}")
            if not np.isfinite(array[()]).all():
                raise BadInput(
                    f"{file}: the weights hold NaN or infinity, in '{array.name}': the network cannot be used. "
                    "Train again with --force."
                )


def _arrays(file: Path, root: Any) -> Iterator[Any]:
    """Yield all members of an HDF5 file that are not groups."""
    import h5py

    waiting, seen = [root], set()
    while waiting:
        group = waiting.pop()
        if (address := h5py.h5o.get_info(group.id).addr) in seen:
            _refuse(file, f"'{group.name}' is a second name of a group that contains it")
        seen.add(address)
        for name in group:
            if not isinstance(link := group.get(name, getlink=True), h5py.HardLink):
                _refuse(file, f"'{group.name}/{name}' is a link ({type(link).__name__}), not weights")
            if isinstance(member := group[name], h5py.Group):
                waiting.append(member)
            else:
                yield member


def _array_fault(array: Any, dtypes: set[str]) -> str | None:
    import h5py

    if not isinstance(array, h5py.Dataset):
        return "is not an array"
    if str(array.dtype) not in dtypes:
        return f"has the dtype {array.dtype}, expected {' or '.join(sorted(dtypes))}"
    storage = array.id.get_create_plist()
    plain = storage.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
    if not plain or array.is_virtual or storage.get_external_count() or storage.get_nfilters():
        return "is not stored as a plain array in the file"
    if array.id.get_storage_size() < array.nbytes:
        return f"claims {array.nbytes:,} bytes, of which the file has {array.id.get_storage_size():,}"
    return None


def read_arrays(file: Path, expected: list[tuple[tuple[int, ...], str]]) -> tuple[bytes, list[Any]]:
    """Read a checkpoint.

    Args:
        file: the checkpoint.
        expected: shape and dtype of each variable.

    Returns:
        The position as JSON, and the variables.

    Raises:
        BadInput: a variable has another shape or dtype, or is pickled.
        DAMAGED: one of these, if the file is damaged.
    """
    with opened(file, CHECKPOINT) as archive:
        if len(archive.infolist()) != len(expected) + 1:
            raise BadInput(f"{file}: the checkpoint belongs to another network. Train again with --force.")
        arrays = [_array(file, archive, f"variable_{number}", one) for number, one in enumerate(expected)]
        return _array(file, archive, "position", None).tobytes(), arrays


def _array(file: Path, archive: zipfile.ZipFile, name: str, expected: tuple[tuple[int, ...], str] | None) -> Any:
    """Read one array, its header first, which decides how much memory is allocated."""
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as content:
        version = np.lib.format.read_magic(content)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(content)
    if dtype.hasobject:
        _refuse(file, f"'{name}' is pickled, which is code")
    if expected is not None and (shape, dtype.name) != expected:
        raise BadInput(f"{file}: the checkpoint belongs to another network. Train again with --force.")
    if int(np.prod(shape, dtype=object)) * dtype.itemsize > member.file_size:
        _refuse(file, f"'{name}' claims the shape {shape}, but has {member.file_size:,} bytes")
    with archive.open(member) as content:
        return np.lib.format.read_array(content, allow_pickle=False)
