"""Model files and checkpoints that may come from elsewhere: looked through before anything in them is used.

Both are zip files, and what Keras and NumPy write into them is narrow: a few members known by name, as they are and
never compressed, so that none is larger than the file itself. All else is refused before a byte of it is unpacked. No
description of a network is followed, nothing is unpickled, and no link inside a file leads anywhere.
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
    from seqapp.contract import Task
    from seqapp.contract.options import NetworkOptions
    from seqapp.networks.stack import Network

WEIGHTS = "model.weights.h5"
KERAS = rf"config\.json|metadata\.json|{re.escape(WEIGHTS)}"
CHECKPOINT = r"position\.npy|variable_\d{1,6}\.npy"
OWN = {"keras", "seqapp", "builtins"}  # packages that a description may name without being asked about
SMALL = 1 << 28  # bytes of a network that may be made unasked
DEEPEST = 1000  # layers
SLACK = 1 << 22  # bytes that a file may have beside its arrays
LONGEST = 1 << 24  # bytes of a description
DAMAGED = (  # what zipfile, json, NumPy and h5py raise for files that are none of theirs
    zipfile.BadZipFile, KeyError, IndexError, TypeError, ValueError, AttributeError, OSError, EOFError, RecursionError,
    RuntimeError, OverflowError, MemoryError, struct.error,
)  # fmt: skip


@contextmanager
def opened(file: Path, names: str) -> Iterator[zipfile.ZipFile]:
    """A zip file whose members, each once, have `names` (a pattern) and lie in it as they are.

    Raises:
        BadInput: a member is a link, is compressed, or has another name.
        zipfile.BadZipFile: it is damaged.
    """
    if not file.is_file():
        raise BadInput(f"{file}: refused: expected a file.")
    size = file.stat().st_size
    with zipfile.ZipFile(file) as archive:
        seen: set[str] = set()
        for member in archive.infolist():
            if why := _why_not(member, names, seen, size):
                refuse(file, why)
            seen.add(member.filename)
        yield archive


def refuse(file: Path, why: str) -> NoReturn:
    """Say that a file is none that a training wrote."""
    raise BadInput(f"{file}: refused: {why}. The file was changed after training.")


def _why_not(member: zipfile.ZipInfo, names: str, seen: set[str], size: int) -> str | None:
    name = member.filename
    if stat.S_ISLNK(member.external_attr >> 16):
        return f"{name!r} is a link"
    if not re.fullmatch(names, name):
        return f"it holds {name!r}, which no training writes"
    if name in seen:
        return f"{name!r} comes twice"
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
        return f"{name!r} is packed ({member.compress_size:,} bytes, {member.file_size:,} unpacked)"
    if member.file_size != member.compress_size or member.file_size > size:
        return f"{name!r} is said to have {member.file_size:,} bytes, the file has {size:,}"
    return None


def check_keras(file: Path, network: Network) -> None:
    """Refuse a model.keras that holds another network than this one, or anything but its weights.

    Raises:
        BadInput: it does, or it is damaged.
    """
    model = network.model
    most = SLACK + 2 * sum(int(np.prod(variable.shape)) * 4 for variable in model.variables)
    try:
        with opened(file, KERAS) as archive:
            sizes = archive.getinfo("config.json").file_size, archive.getinfo(WEIGHTS).file_size
            if sizes[0] > LONGEST or sizes[1] > most:
                refuse(file, f"{max(sizes):,} bytes are more than the network that run.json describes can have")
            config, weights = json.loads(archive.read("config.json")), archive.read(WEIGHTS)
        _check_layers(file, config, network)
        _check_objects(file, config, json.loads(model.to_json()))
        _check_arrays(file, weights, {str(variable.dtype) for variable in model.variables})
    except BadInput:
        raise
    except DAMAGED:
        raise BadInput(f"{file}: damaged: not a Keras archive. Train again with --force.") from None


def check_size(folder: Path, files: tuple[str, ...], task: Task, options: NetworkOptions) -> None:
    """Refuse a network that is far larger than the files with its weights, before memory is taken for it.

    Raises:
        BadInput: it is.
    """
    there = max((folder / name).stat().st_size if (folder / name).is_file() else 0 for name in files)
    read, said, units = task.inputs.size, task.head.units, options.units
    about = 4 * (units * (read + said) + options.layers * units * units)
    if about > SMALL + 2 * there or options.layers > DEEPEST:
        raise BadInput(
            f"{folder / 'run.json'}: describes {options.layers} layers of {units} units, about {about / 1e9:,.1f} GB, "
            f"where the run's files have {there / 1e9:,.1f} GB. It was changed after training."
        )


def _check_layers(file: Path, config: Any, network: Network) -> None:
    described = [(type(layer).__name__, layer.name) for layer in network.model.layers]
    found = [(layer["class_name"], layer["config"]["name"]) for layer in config["config"]["layers"]]
    for number, (ours, theirs) in enumerate(zip(described, found, strict=False), start=1):
        if ours != theirs:
            refuse(
                file,
                f"layer {number} is a {theirs[0]} named '{theirs[1]}' where run.json describes "
                f"a {ours[0]} named '{ours[1]}'",
            )
    if len(described) != len(found):
        refuse(file, f"it holds {len(found)} layers where run.json describes {len(described)}")


def _check_objects(file: Path, config: Any, ours: Any) -> None:
    """Refuse a description that names code from elsewhere. It is not followed here, but by who opens it with Keras."""
    known = OWN | {module.partition(".")[0] for module, _, _ in _objects(ours)}
    registered = {name for _, _, name in _objects(ours)}
    for module, kind, name in _objects(config):
        if "lambda" in kind.lower():
            refuse(file, f"it describes a {kind}, which is code")
        if module.partition(".")[0] not in known or name not in registered | {""}:
            refuse(file, f"it describes '{name or kind}' of '{module}', which the network does not have")


def _objects(config: Any) -> Iterator[tuple[str, str, str]]:
    """Module, class and registered name of everything that a description would have Keras make."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield tuple(str(part.get(key) or "") for key in ("module", "class_name", "registered_name"))  # type: ignore[misc] # three
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _check_arrays(file: Path, content: bytes, kinds: set[str]) -> None:
    """Refuse an HDF5 file that holds anything but finite arrays of these `kinds`, all of them inside it."""
    import h5py

    with h5py.File(io.BytesIO(content), "r") as held:
        waiting, seen, total = [held], set(), 0
        while waiting:
            group = waiting.pop()
            if (place := h5py.h5o.get_info(group.id).addr) in seen:
                refuse(file, f"'{group.name}' is another name of what it lies in")
            seen.add(place)
            for name in group:
                if not isinstance(link := group.get(name, getlink=True), h5py.HardLink):
                    refuse(file, f"'{group.name}/{name}' is a link ({type(link).__name__}), not weights")
                found = group[name]
                if isinstance(found, h5py.Group):
                    waiting.append(found)
                    continue
                total += getattr(found, "nbytes", 0)
                if (why := _why_no_array(found, kinds)) or total > len(content):
                    refuse(file, f"'{found.name}' {why or 'is larger than the file'}")
                if not np.isfinite(found[()]).all():
                    raise BadInput(
                        f"{file}: the weights hold NaN or infinity, in '{found.name}': no answer could be made with "
                        "them. Train again with --force."
                    )


def _why_no_array(found: Any, kinds: set[str]) -> str | None:
    import h5py

    if not isinstance(found, h5py.Dataset):
        return "is no array"
    if str(found.dtype) not in kinds:
        return f"holds {found.dtype}, expected {' or '.join(sorted(kinds))}"
    made = found.id.get_create_plist()
    plain = made.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
    if not plain or found.is_virtual or made.get_external_count() or made.get_nfilters():
        return "does not lie in the file as it is"
    if found.id.get_storage_size() < found.nbytes:
        return f"is said to have {found.nbytes:,} bytes, of which {found.id.get_storage_size():,} are there"
    return None


def read_arrays(file: Path, wanted: list[tuple[tuple[int, ...], str]]) -> tuple[bytes, list[Any]]:
    """A checkpoint's position and variables, once all have the shapes and kinds `wanted`.

    Raises:
        BadInput: they have others, or are more than plain numbers.
        DAMAGED: one of these, where it is damaged.
    """
    with opened(file, CHECKPOINT) as archive:
        if len(archive.infolist()) != len(wanted) + 1:
            raise BadInput(f"{file}: the checkpoint belongs to another network. Train again with --force.")
        arrays = [_array(file, archive, f"variable_{number}", one) for number, one in enumerate(wanted)]
        return _array(file, archive, "position", None).tobytes(), arrays


def _array(file: Path, archive: zipfile.ZipFile, name: str, wanted: tuple[tuple[int, ...], str] | None) -> Any:
    """One array, its header read first: what is said there decides how much memory is taken."""
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as content:
        version = np.lib.format.read_magic(content)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(content)
    if dtype.hasobject:
        refuse(file, f"'{name}' is pickled, which is code")
    if wanted is not None and (shape, dtype.name) != wanted:
        raise BadInput(f"{file}: the checkpoint belongs to another network. Train again with --force.")
    if int(np.prod(shape, dtype=object)) * dtype.itemsize > member.file_size:
        refuse(file, f"'{name}' is said to have the shape {shape}, and has {member.file_size:,} bytes")
    with archive.open(member) as content:
        return np.lib.format.read_array(content, allow_pickle=False)
