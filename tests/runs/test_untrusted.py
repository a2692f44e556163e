"""What comes from elsewhere: crafted models and run folders are refused in a sentence, nothing in them is executed."""

from __future__ import annotations

import io
import json
import os
import pickle
import py_compile
import shutil
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hypothesis
import numpy as np
import pytest
from conftest import OWN_FILES, refused, seqapp, training_switched_off

from seqapp import rooms, trust
from seqapp.contract import Network
from seqapp.data.dates import read_dates
from seqapp.errors import BadInput
from seqapp.runs import archives
from seqapp.runs.run import load_weights, open_run
from seqapp.training import checkpoint
from tests.torture.readers import PARTS, Example

WEB_LOG = (OWN_FILES / "web_log.py").read_text()
STACKED = (OWN_FILES / "stacked_gru.py").read_text()
MARK = "from pathlib import Path\nPath('executed').touch()\n"
CHANGED = "The file was changed after training."
KERNEL = "layers/simple_rnn/cell/vars/0"


@pytest.fixture
def copied(trained: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the small Fibonacci run, to be tampered with."""
    return Path(shutil.copytree(trained("fibonacci"), tmp_path / "run"))


@pytest.fixture(scope="module")
def network(trained: Callable[[str], Path]) -> Network:
    """The run's network."""
    run = open_run(trained("fibonacci"))
    return run.new_network(run.task())


def members_of(file: Path) -> dict[str, bytes]:
    """An archive's members."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(file: Path, members: list[tuple[Any, bytes]], compression: int = zipfile.ZIP_STORED) -> None:
    """Write an archive again."""
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)


def with_weights(file: Path, change: Callable[[Any], None]) -> None:
    """Change the HDF5 file in a .keras archive."""
    members = members_of(file)
    content = io.BytesIO(members["model.weights.h5"])
    with h5py.File(content, "r+") as opened:
        change(opened)
    pack(file, list((members | {"model.weights.h5": content.getvalue()}).items()))


def said_of(file: Path, network: Network) -> str:
    """With what words the archive is refused, without its name."""
    with pytest.raises(BadInput) as refusal:
        load_weights(network, file)
    return str(refusal.value).removeprefix(f"{file}: ")


def link() -> zipfile.ZipInfo:
    """A member that is a symbolic link."""
    result = zipfile.ZipInfo("metadata.json")
    result.create_system, result.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return result


class TestArchives:
    """model.keras as a zip file."""

    @pytest.mark.parametrize(
        "name", ["../evil.py", "/tmp/evil.py", "assets/x", "model.weights.h5.py", "config.json/.."]
    )
    def test_a_member_of_another_name(self, name: str, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        pack(file, [*members_of(file).items(), (name, b"")])
        assert said_of(file, network) == f"refused: unexpected member {name!r}. {CHANGED}"

    def test_a_symbolic_link(self, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        members = {name: content for name, content in members_of(file).items() if name != "metadata.json"}
        pack(file, [*members.items(), (link(), b"/etc/passwd")])
        assert said_of(file, network) == f"refused: 'metadata.json' is a link. {CHANGED}"

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_a_member_that_comes_twice(self, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        pack(file, [*members_of(file).items(), ("config.json", b"{}")])
        assert said_of(file, network) == f"refused: 'config.json' is there twice. {CHANGED}"

    def test_a_zip_bomb_is_refused_before_it_is_unpacked(self, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        bomb = members_of(file) | {"model.weights.h5": bytes(50_000_000)}
        pack(file, list(bomb.items()), zipfile.ZIP_DEFLATED)
        assert file.stat().st_size < 100_000
        assert said_of(file, network).startswith("refused: 'metadata.json' is compressed (")

    def test_a_member_that_is_said_to_be_larger_than_the_file(self, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        content = bytearray(file.read_bytes())
        place = content.rindex(b"PK\x01\x02")  # the directory's entry of the last member, the weights
        content[place + 20 : place + 28] = (2**32 - 2).to_bytes(4, "little") * 2  # its size, packed and not
        file.write_bytes(content)
        message = f"refused: 'model.weights.h5' claims 4,294,967,294 bytes, the file has {len(content):,}. {CHANGED}"
        assert said_of(file, network) == message

    def test_more_weights_than_the_network_can_have(self, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        pack(file, list((members_of(file) | {"model.weights.h5": bytes(9_000_000)}).items()))
        assert said_of(file, network) == (
            f"refused: 9,000,000 bytes are more than the network in run.json can have. {CHANGED}"
        )

    @pytest.mark.parametrize(
        "config", [b"", b"[]", b"{}", b'{"config": 1}', b'{"config": {"layers": [1]}}', b"[" * 100_000, b"\xff", b"NaN"]
    )
    def test_a_description_that_is_none(self, config: bytes, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        pack(file, list((members_of(file) | {"config.json": config}).items()))
        assert said_of(file, network) == "damaged: not a Keras archive. Train again with --force."

    @pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.999])
    def test_a_truncated_file(self, part: float, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        file.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
        assert said_of(file, network) == "damaged: not a Keras archive. Train again with --force."

    def test_a_flipped_bit_in_the_weights(self, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        content = bytearray(file.read_bytes())
        content[content.index(b"\x89HDF") + 12_000] ^= 1
        file.write_bytes(content)
        assert said_of(file, network) == "damaged: not a Keras archive. Train again with --force."

    def test_a_folder_and_a_pipe(self, copied: Path) -> None:
        file = copied / "model.keras"
        file.unlink()
        message = f"Error: {file}: expected a file, got something else. Train again with --force."
        file.mkdir()
        assert refused("predict", copied) == message
        file.rmdir()
        os.mkfifo(file)
        assert refused("predict", copied) == message

    def test_a_huge_file_with_nothing_in_it(self, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        with file.open("wb") as sparse:
            sparse.truncate(1 << 40)
        assert said_of(file, network) == "damaged: not a Keras archive. Train again with --force."


class TestDescriptions:
    """config.json, which is compared and never followed."""

    def described(self, file: Path, change: Callable[[list[Any]], None]) -> None:
        members = members_of(file)
        config = json.loads(members["config.json"])
        change(config["config"]["layers"])
        pack(file, list((members | {"config.json": json.dumps(config).encode()}).items()))

    @pytest.mark.parametrize(
        ("place", "entries", "message"),
        [
            (0, {"module": "os"}, "it describes 'InputLayer' of 'os', which the network does not use"),
            (1, {"registered_name": "evil>Layer"}, "it describes 'evil>Layer' of 'keras.layers', which the network does not use"),
            (2, {"module": "posix.path"}, "it describes 'Dense' of 'posix.path', which the network does not use"),
        ],
    )  # fmt: skip
    def test_custom_objects(self, place: int, entries: Any, message: str, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        self.described(file, lambda layers: layers[place].update(entries))
        assert said_of(file, network) == f"refused: {message}. {CHANGED}"

    def test_a_lambda_deep_inside(self, copied: Path, network: Network) -> None:
        file = copied / "model.keras"
        code = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}
        self.described(file, lambda layers: layers[2]["config"].update(activation=code))
        assert said_of(file, network) == f"refused: it describes a __lambda__, which is code. {CHANGED}"


def external_link(file: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("/etc/passwd", "/x")


def soft_link(file: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/layers/dense/vars/0")


def elsewhere(file: Any) -> None:
    shape, dtype = file[KERNEL].shape, file[KERNEL].dtype
    del file[KERNEL]
    file.create_dataset(KERNEL, shape, dtype, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def virtual(file: Any) -> None:
    shape = file[KERNEL].shape
    del file[KERNEL]
    layout = h5py.VirtualLayout(shape, np.float32)
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", shape)
    file.create_virtual_dataset(KERNEL, layout)


def packed(file: Any) -> None:
    values = np.zeros(file[KERNEL].shape, np.float32)
    del file[KERNEL]
    file.create_dataset(KERNEL, data=values, compression="gzip")


def absent(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (1 << 20, 1 << 10), np.float32)


def doubles(file: Any) -> None:
    values = file[KERNEL][()].astype(np.float64)
    del file[KERNEL]
    file[KERNEL] = values


def objects(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, data=["a"], dtype=h5py.string_dtype())


def not_a_number(file: Any) -> None:
    file[KERNEL][0, 0] = np.nan


def circle(file: Any) -> None:
    file["layers/again"] = file["layers"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external_link, "refused: '/layers/simple_rnn/cell/vars/0' is a link (ExternalLink), not weights. {}"),
        (soft_link, "refused: '/layers/simple_rnn/cell/vars/0' is a link (SoftLink), not weights. {}"),
        (elsewhere, "refused: '/layers/simple_rnn/cell/vars/0' is not stored as a plain array in the file. {}"),
        (virtual, "refused: '/layers/simple_rnn/cell/vars/0' is not stored as a plain array in the file. {}"),
        (packed, "refused: '/layers/simple_rnn/cell/vars/0' is not stored as a plain array in the file. {}"),
        (absent, "refused: '/layers/simple_rnn/cell/vars/0' claims 4,294,967,296 bytes, of which the file has 0. {}"),
        (doubles, "refused: '/layers/simple_rnn/cell/vars/0' has the dtype float64, expected float32 or int64. {}"),
        (objects, "refused: '/layers/simple_rnn/cell/vars/0' has the dtype object, expected float32 or int64. {}"),
        (circle, "refused: '/layers/again' is a second name of a group that contains it. {}"),
        (not_a_number, "the weights hold NaN or infinity, in '/layers/simple_rnn/cell/vars/0': the network cannot be "
         "used. Train again with --force."),
    ],
)  # fmt: skip
def test_an_hdf5_file_with_more_than_arrays(
    change: Callable[[Any], None], message: str, copied: Path, network: Network
) -> None:
    file = copied / "model.keras"
    with_weights(file, change)
    assert said_of(file, network) == message.format(CHANGED)


class TestCheckpoints:
    """checkpoints/last.npz."""

    def variables(self, file: Path) -> list[Any]:
        import tensorflow as tf

        with np.load(file) as arrays:
            return [tf.Variable(arrays[f"variable_{number}"]) for number in range(len(arrays.files) - 1)]

    def refusal(self, file: Path, variables: list[Any]) -> str:
        with pytest.raises(BadInput) as refusal:
            checkpoint.restore(file, variables)
        return str(refusal.value).removeprefix(f"{file}: ")

    def test_a_pickle_is_not_opened(self, copied: Path, tmp_path: Path) -> None:
        file = copied / "checkpoints" / "last.npz"
        variables, members = self.variables(file), members_of(file)

        class Evil:
            def __reduce__(self) -> Any:
                return Path.touch, (tmp_path / "executed",)

        content = io.BytesIO()
        np.lib.format.write_array(content, np.array([Evil()], object), allow_pickle=True)
        for name in ("variable_0.npy", "position.npy"):
            pack(file, list((members | {name: content.getvalue()}).items()))
            wanted = f"refused: '{name[:-4]}' is pickled, which is code. {CHANGED}"
            assert self.refusal(file, variables) == wanted
        pack(file, list((members | {"variable_0.npy": pickle.dumps(Evil())}).items()))
        assert self.refusal(file, variables).startswith("damaged checkpoint (")
        assert not (tmp_path / "executed").exists()

    def test_a_shape_that_takes_all_memory(self, copied: Path) -> None:
        file = copied / "checkpoints" / "last.npz"
        variables, members = self.variables(file), members_of(file)
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**12,)})
        pack(file, list((members | {"position.npy": header.getvalue()}).items()))
        assert self.refusal(file, variables).startswith(
            "refused: 'position' claims the shape (1000000000000,), but has 128 bytes"
        )
        pack(file, list((members | {"variable_0.npy": header.getvalue()}).items()))
        assert self.refusal(file, variables) == "the checkpoint belongs to another network. Train again with --force."

    @pytest.mark.parametrize(
        ("position", "message"),
        [
            ({"epoch": "1"}, 'position.epoch: expected a whole number, got "1". Train again with --force.'),
            ({"finished": 1}, "position.finished: expected true or false, got 1. Train again with --force."),
            ({"history": {}}, "position.history: expected a list of which each is an object, got {}. Train again with --force."),
            ([], "position: expected an object, got []. Train again with --force."),
            ({"evil": 1}, "damaged checkpoint (Position.__init__() got an unexpected keyword argument 'evil'). Train again with --force."),
        ],
    )  # fmt: skip
    def test_a_position_that_is_none(self, position: Any, message: str, copied: Path) -> None:
        file = copied / "checkpoints" / "last.npz"
        variables, content = self.variables(file), io.BytesIO()
        np.lib.format.write_array(content, np.frombuffer(json.dumps(position).encode(), np.uint8))
        pack(file, list((members_of(file) | {"position.npy": content.getvalue()}).items()))
        assert self.refusal(file, variables) == message

    def test_a_checkpoint_that_is_packed_or_holds_more(self, copied: Path) -> None:
        file = copied / "checkpoints" / "last.npz"
        variables, members = self.variables(file), members_of(file)
        pack(file, [*members.items(), ("../evil.npy", b"")])
        assert self.refusal(file, variables) == f"refused: unexpected member '../evil.npy'. {CHANGED}"
        pack(file, list(members.items()), zipfile.ZIP_DEFLATED)
        assert self.refusal(file, variables).startswith("refused: 'position.npy' is compressed (")
        pack(file, list(members.items())[:-1])
        assert self.refusal(file, variables) == "the checkpoint belongs to another network. Train again with --force."


def edited(run: Path, place: str, value: Any) -> None:
    """Change one entry of run.json, by its path."""
    record = json.loads((run / "run.json").read_text())
    *parents, last = place.split(".")
    part = record
    for parent in parents:
        part = part[parent]
    part[last] = value
    (run / "run.json").write_text(json.dumps(record))


class TestRecords:
    """run.json."""

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"1", b'"format"', b"[" * 100_000, b'{"format": NaN}', b'{"a": 1e999, "format": 1}', b"\xff\xfe", b"9" * 5000]
    )  # fmt: skip
    def test_what_is_no_record(self, content: bytes, copied: Path) -> None:
        (copied / "run.json").write_bytes(content)
        message = f"Error: {copied / 'run.json'}: not readable as the record of a run. Train again with --force."
        assert refused("predict", copied) == message

    def test_a_record_that_is_too_large(self, copied: Path) -> None:
        with (copied / "run.json").open("ab") as file:
            file.truncate(1 << 40)
        message = f"Error: {copied / 'run.json'}: not readable as the record of a run. Train again with --force."
        assert refused("predict", copied) == message

    @pytest.mark.parametrize(
        ("place", "value", "message"),
        [
            ("options", [], "options: expected an object, got []."),
            ("options.network", 1, "options.network: expected an object, got 1."),
            ("rooms", "x", 'rooms: expected an object, got "x".'),
            ("rooms.dataset", None, "rooms.dataset: expected text, got null."),
            ("data.sha256", 1, "data.sha256: expected text, got 1."),
            ("seed", 10**30, "seed: expected a whole number, got 1000000000000000000000000000000."),
            ("seed", -1, "seed: expected 0 or more, got -1."),
            ("task", [], "task: expected an object, got []."),
            ("task.window", "2", 'task.window: expected a whole number, got "2".'),
            ("task.window", -3, "task: expected a window of 2 terms or more, got -3."),
            ("options.network.units", "abc", 'options.network.units: expected a whole number, got "abc".'),
            ("options.network.units", 10**12, "options.network.units: expected a whole number, got 1000000000000."),
            ("options.network.units", -1, "options.network.units: -1 is not in the range x>=1."),
            ("options.network.dropout", 2, "options.network.dropout: 2.0 is not in the range 0<=x<1."),
            ("options.network.engine", "os", "options.network.engine: 'os' is not one of 'fast', 'keras'."),
            ("options.network.evil", 1, "options.network: unknown option evil."),
            ("options.model.activation", ["tanh"], "options.model.activation: expected text, got [\"tanh\"]."),
        ],
    )  # fmt: skip
    def test_entries_of_another_kind(self, place: str, value: Any, message: str, copied: Path) -> None:
        edited(copied, place, value)
        assert refused("predict", copied) == f"Error: {copied / 'run.json'}: {message} Train again with --force."

    def test_a_network_that_takes_all_memory(self, copied: Path) -> None:
        edited(copied, "options.network.units", 1_000_000)
        assert refused("predict", copied) == (
            f"Error: {copied / 'run.json'}: describes 1 layers of 1000000 units, about 4,000.1 GB, where the run's files "
            "have 0.0 GB. It was changed after training."
        )
        edited(copied, "options.network.units", 16)
        edited(copied, "options.network.layers", 100_000)
        assert "describes 100000 layers of 16 units" in refused("predict", copied)

    def test_data_that_takes_all_memory(self, copied: Path) -> None:
        edited(copied, "options.dataset.digits", 10**9)
        assert refused("evaluate", copied) == (
            f"Error: {copied / 'run.json'}: options.dataset.digits: 1000000000 is not in the range 2<=x<=300. "
            "Train again with --force."
        )

    @pytest.mark.parametrize(
        "latest",
        [{}, {"terms": "x"}, {"terms": [[1, 2]]}, {"terms": []}, {"terms": [["1"], ["2", "3"]]}, {"x": [["1", "2"]]}],
    )
    def test_a_question_that_is_none(self, latest: Any, copied: Path) -> None:
        edited(copied, "latest", latest)
        assert refused("predict", copied) == (
            f"Error: {copied / 'run.json'}: latest: expected terms string [None, 2]. Pass a file of your own."
        )


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a dataset file of somebody else."""
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "web_log.py").write_text(WEB_LOG)
    with pytest.MonkeyPatch.context() as patch, training_switched_off():
        patch.setenv("XDG_STATE_HOME", str(folder))
        patch.setattr(trust, "_named", set())
        seqapp("train", folder / "web_log.py", "--epochs", 1, "--sessions", 100, "--out", folder / "run")
    (folder / "web_log.py").unlink()
    return folder / "run"


class TestCode:
    """A user's own dataset or model file is code: a run folder that somebody sent does not get it executed."""

    @pytest.fixture
    def sent(self, theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """That run, with a copy of the file that it names: one with a mark."""
        monkeypatch.setattr(trust, "_named", set())
        run = Path(shutil.copytree(theirs, tmp_path / "run"))
        (run / "web_log.py").write_text(WEB_LOG + MARK)
        return run

    @pytest.mark.parametrize(
        "command", [["evaluate"], ["predict"], ["predict", "--json"], ["export"], ["generate"], ["inspect", "weights"]]
    )
    def test_a_copy_in_a_run_folder_is_not_executed(self, command: list[str], sent: Path, tmp_path: Path) -> None:
        file = sent / "web_log.py"
        first, *rest = command
        assert refused(first, sent, *rest) == (
            f"Error: {sent}: this run needs {file}, which is code, and nobody has named it on a command line here. "
            f"Read it; if you trust it, put SEQAPP_TRUST='{file}' before the command."
        )
        assert not (tmp_path / "executed").exists()

    def test_it_is_executed_where_the_user_says_so(
        self, sent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SEQAPP_TRUST", f"/elsewhere.py:{sent / 'web_log.py'}")
        assert seqapp("predict", sent, "home search").stdout.startswith("next: ")
        assert (tmp_path / "executed").exists()

    @pytest.mark.parametrize("reference", ["{}/other.py", "other.py", "run/../other.py"])
    def test_no_other_file_of_the_machine_is_executed(self, reference: str, sent: Path, tmp_path: Path) -> None:
        (sent / "web_log.py").unlink()
        (tmp_path / "other.py").write_text(WEB_LOG + MARK)
        edited(sent, "rooms.dataset", reference.format(tmp_path))
        assert "which is code, and nobody has named it on a command line here" in refused("predict", sent)
        assert not (tmp_path / "executed").exists()

    def test_a_copy_of_what_was_named_runs_but_nothing_that_lies_with_it(self, sent: Path, tmp_path: Path) -> None:
        (tmp_path / "web_log.py").write_text(WEB_LOG)
        rooms.find("datasets", str(tmp_path / "web_log.py"))  # as `train ./web_log.py` does
        copy = sent / "web_log.py"
        copy.write_text(WEB_LOG + MARK)
        py_compile.compile(str(copy), doraise=True)  # Python would take this for the compiled copy
        then = copy.stat()
        copy.write_text(WEB_LOG + "#" * len(MARK))
        os.utime(copy, ns=(then.st_atime_ns, then.st_mtime_ns))
        assert "which is code" in refused("predict", sent, "home search")
        copy.write_text(WEB_LOG)
        assert seqapp("predict", sent, "home search").stdout.startswith("next: ")
        assert not (tmp_path / "executed").exists()

    def test_a_model_file_is_code_too(self, copied: Path, tmp_path: Path) -> None:
        (copied / "stacked_gru.py").write_text(STACKED + MARK)
        edited(copied, "rooms.model", "/elsewhere/stacked_gru.py")
        assert f"this run needs {copied / 'stacked_gru.py'}, which is code" in refused("predict", copied)
        assert not (tmp_path / "executed").exists()

    def test_a_name_that_no_file_can_have(self, copied: Path) -> None:
        for name in ("x" * 5000, "x" * 5000 + ".py", "\0.py", "a/" * 3000 + "b.py"):
            edited(copied, "rooms.dataset", name)
            assert refused("predict", copied).startswith("Error: no ")

    @pytest.mark.usefixtures("no_training")
    def test_ones_own_file_may_change(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "web_log.py"
        file.write_text(WEB_LOG)
        seqapp("train", file, "--epochs", 1, "--sessions", 100, "--out", tmp_path / "run")
        monkeypatch.setattr(trust, "_named", set())  # another process
        file.write_text(WEB_LOG + "\n# a remark\n")
        assert seqapp("predict", tmp_path / "run", "home search").stdout.startswith("next: ")

    def test_a_home_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
        (tmp_path / "web_log.py").write_text(WEB_LOG)
        trust.note(tmp_path / "web_log.py", WEB_LOG.encode())
        trust.require(tmp_path / "run", tmp_path / "web_log.py", WEB_LOG.encode())


@pytest.mark.parametrize("part", PARTS)
def test_a_reader_takes_anything(part: str, tmp_path: Path) -> None:
    inputs, read = PARTS[part]

    @hypothesis.settings(max_examples=120, deadline=None, database=None, derandomize=True)
    @hypothesis.given(inputs())
    def check(example: Example) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read(example, tmp_path)

    check()


class TestFound:
    """Inputs that once ended in a traceback, or took for ever."""

    @pytest.mark.parametrize("split", ["nan,nan,nan", "inf,1,1", "1e999,1,1"])
    def test_a_split_that_is_no_number(self, split: str) -> None:
        assert refused("train", "stock", "--split", split) == (
            f"Error: --split: expected three positive numbers such as 0.7,0.15,0.15 or 700,150,150, got '{split}'."
        )

    @pytest.mark.parametrize("number", ["1e39", "1e999", "9" * 400])
    def test_a_number_beyond_what_networks_read(self, number: str, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text(f"close\n1\n{number}\n3\n")
        assert refused("train", "stock", "--csv", "a.csv") == (
            f"Error: {tmp_path / 'a.csv'}, line 3, column 'close': expected a number, got '{number}'. "
            "Correct it, or leave the row out."
        )

    def test_a_date_that_python_does_not_have(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("date,close\n-1,1\n2020-01-02,2\n2020-01-03,3\n")
        message = refused("train", "stock", "--csv", "a.csv")
        assert message == f"Error: {tmp_path / 'a.csv'}, line 2, column 'date': expected a date, got '-1'."

    def test_dates_of_several_time_zones(self) -> None:
        stamps, _ = read_dates(["2024-03-31T00:00+01:00", "2024-03-31T03:00+02:00"])
        assert [stamp.isoformat() for stamp in stamps] == ["2024-03-30T23:00:00+00:00", "2024-03-31T01:00:00+00:00"]

    def test_a_message_stays_one_line_and_a_short_one(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text(f'"a\n\x1b[31m","{"b" * 5000}"\n1,2\n')
        message = refused("train", "stock", "--csv", "a.csv")
        assert "a\\n\\x1b[31m" in message
        assert len(message) < 2100

    def test_a_hundred_thousand_columns(self, tmp_path: Path) -> None:
        names = ",".join(f"c{number}" for number in range(100_000))
        (tmp_path / "a.csv").write_text(f"{names}\n{names}\n")
        assert "expected a numeric column to predict, found none." in refused("train", "stock", "--csv", "a.csv")


def test_an_archive_that_a_training_wrote_passes(trained: Callable[[str], Path]) -> None:
    run = open_run(trained("fibonacci"))
    archives.check_keras(run.weights, run.new_network(run.task()))
