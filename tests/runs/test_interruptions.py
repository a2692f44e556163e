"""Nothing lost: kills, Ctrl-C, full disks, two at once, records of other versions. `make torture` is the long form."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, refused, seqapp

from seqapp.api import evaluate, export
from seqapp.errors import BadInput
from seqapp.runs import lifecycle
from seqapp.runs.run import Run, open_run
from seqapp.system import files
from seqapp.system.files import draft, is_draft, publish
from seqapp.system.locks import idle, in_use, locked
from seqapp.system.signals import defer_signals, raise_on_signal
from tests.torture import jobs, kills

ON = "--resume"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the kills happen."""
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def straight(place: Path) -> Path:
    """A run that nothing disturbs."""
    return kills.undisturbed(place)[0]


@pytest.fixture
def copied(straight: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return Path(shutil.copytree(straight, tmp_path / "run"))


def edit(run: Path, **changes: Any) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | changes))


def drafts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if is_draft(path)]


class TestKills:
    def test_a_torn_file_would_be_found(self, copied: Path) -> None:
        assert list(kills.torn(copied)) == []
        for name in ("run.json", "history.csv", "model.keras", "checkpoints/last.npz"):
            (copied / name).write_bytes((copied / name).read_bytes()[:-200])
        assert len(list(kills.torn(copied))) == 4

    def test_a_difference_would_be_found(self, straight: Path, copied: Path) -> None:
        assert list(kills.different(straight, copied)) == []
        edit(copied, seed=1)
        shutil.copy(copied / "run.json", copied / "history.csv")
        assert list(kills.different(straight, copied)) == ["history.csv", "run.json: seed"]


class TestBeginning:
    def test_force_that_is_killed_while_it_clears_is_gone_on_with(
        self, place: Path, straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = Path(shutil.copytree(straight, tmp_path / "run"))
        (run / "export").mkdir()
        edit(run, seed=7)

        def killed(_: Path) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(lifecycle, "shutil", types.SimpleNamespace(rmtree=killed))
        message = seqapp(*kills.TRAIN, "--out", run, "--force", code=130).stderr
        assert message == f"Interrupted. Continue with: seqapp train recall --out {run} --resume\n"
        monkeypatch.undo()
        assert refused("predict", run) == (
            f"Error: {run}: its training was interrupted before it started. "
            f"Start it with: seqapp train recall --out {run} --resume"
        )
        message = jobs.run(place, "train", "recall", "--out", run, ON)
        assert message.startswith("interrupted before the first checkpoint; starting over\nepoch 1/2")
        assert list(kills.different(straight, run)) == []
        assert not (run / "export").exists()

    def test_a_disk_that_is_full_leaves_the_old_run_to_force(
        self, straight: Path, copied: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full(monkeypatch, after=0)
        message = seqapp(*kills.TRAIN, "--out", copied, "--force", code=1).stderr
        assert message == (
            f"Error: No space left on device: {copied / 'run.json'} was not written. Free some and rerun the command.\n"
        )
        assert list(kills.different(straight, copied)) == []

    def test_what_a_kill_left_of_the_first_file_is_no_reason_to_refuse(self, tmp_path: Path) -> None:
        (tmp_path / "run" / ".run.0123abcd.partial").mkdir(parents=True)
        lifecycle.refuse_to_overwrite(tmp_path / "run", force=False)
        assert refused("train", "recall", "--out", tmp_path / "run", ON) == (
            f"Error: {tmp_path / 'run'}: empty: its training was interrupted before it started. Start it without --resume."
        )
        assert refused("train", "recall", "--out", tmp_path / "none", ON).startswith(
            f"Error: no run folder '{tmp_path / 'none'}'."
        )

    def test_a_folder_cannot_be_made_in_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        message = refused("train", "recall", "--out", tmp_path / "file" / "run")
        assert message == f"Error: --out: expected a folder, got the file '{tmp_path / 'file'}'."

    def test_a_lost_checkpoint_is_not_taken_for_none(self, copied: Path) -> None:
        (copied / "checkpoints" / "last.npz").unlink()
        edit(copied, finished=False)
        assert not lifecycle.is_untrained(open_run(copied))
        (copied / "history.csv").unlink()
        assert lifecycle.is_untrained(open_run(copied))

    def test_more_epochs_make_a_run_unfinished_until_they_are_done(
        self, copied: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        result: list[bool] = []

        def stopped(folder: Path, *_: Any, **__: Any) -> None:
            result.append(open_run(folder).record["finished"])
            raise KeyboardInterrupt if len(result) < 3 else BadInput("damaged")

        monkeypatch.setattr("seqapp.api.train.train", stopped)
        seqapp("train", "recall", "--out", copied, ON, code=130)
        seqapp("train", "recall", "--out", copied, ON, "--epochs", 3, code=130)
        edit(copied, finished=True)
        refused("train", "recall", "--out", copied, ON, "--epochs", 4)
        assert result == [True, False, False]
        record = open_run(copied).record
        assert (record["finished"], record["options"]["training"]["epochs"]) == (True, 3), "refused: nothing was done"


class TestStops:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("command", ["evaluate", "export", "predict", "generate"])
    def test_a_command_that_is_stopped_says_so_and_leaves_nothing(
        self, command: str, number: signal.Signals, copied: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Run, "load_network", lambda *_: os.kill(os.getpid(), number))
        before = sorted(copied.rglob("*"))
        result = seqapp(command, copied, code=130)
        assert (result.stdout, result.stderr) == ("", "Interrupted.\n")
        assert [path for path in sorted(copied.rglob("*")) if path.name != "export"] == before

    def test_inside_tensorflow_a_stop_takes_effect_when_that_is_left(self, tmp_path: Path) -> None:
        library = tmp_path / "tensorflow" / "library.py"
        library.parent.mkdir()
        library.write_text(
            "import contextlib, os, signal\n"
            "def work(done, error=None):\n"
            "    with contextlib.ExitStack() as stack:\n"
            "        stack.callback(os.kill, os.getpid(), signal.SIGINT)\n"
            "    helped(done)\n"
            "    if error: raise error\n"
            "def helped(done):\n"
            "    done.append('helped')\n"
        )
        work = runpy.run_path(str(library))["work"]
        done: list[str] = []

        def stopped(error: Exception | None) -> None:
            with raise_on_signal():
                work(done, error)
                done.append("gone on")

        for error in (None, ValueError("half an operation")):
            with pytest.raises(KeyboardInterrupt):
                stopped(error)
            assert sys.getprofile() is None
        assert done == ["helped", "helped"]

    def test_an_error_that_a_library_has_made_of_a_stop_is_one(self) -> None:
        def loses(number: int) -> None:
            with raise_on_signal():
                with contextlib.suppress(KeyboardInterrupt):
                    os.kill(os.getpid(), number)
                raise ValueError("of another kind")

        with pytest.raises(KeyboardInterrupt):
            loses(signal.SIGTERM)
        with pytest.raises(ValueError, match="another"):
            loses(0)

    def test_a_training_says_how_to_go_on_even_if_a_library_made_another_error_of_the_stop(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def loses(*_: Any) -> Any:
            with contextlib.suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            raise SystemError("of another kind")

        monkeypatch.setattr("seqapp.api.train.train", loses)
        message = seqapp(*kills.TRAIN, "--out", "run", code=130).stderr
        assert message == "Interrupted. Continue with: seqapp train recall --out run --resume\n"

    def test_a_background_job_of_a_script_goes_on_when_the_script_is_interrupted(self) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with defer_signals() as caught:
                os.kill(os.getpid(), signal.SIGINT)
                assert caught == []
                os.kill(os.getpid(), signal.SIGTERM)
                assert caught == [signal.SIGTERM]
        finally:
            signal.signal(signal.SIGINT, before)

    def test_a_training_that_is_stopped_while_it_reads_its_data(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("seqapp.api.train.check_dataset", lambda _: os.kill(os.getpid(), signal.SIGTERM))
        assert seqapp(*kills.TRAIN, "--out", "run", code=130).stderr == "Interrupted.\n"
        assert not Path("run").exists()

    def test_a_training_that_is_stopped_while_its_record_is_written_says_how_to_go_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        update = Run.update

        def stopped(self: Run, **changes: Any) -> Run:
            if changes == {"begun": False}:
                os.kill(os.getpid(), signal.SIGINT)
            return update(self, **changes)

        with monkeypatch.context() as patched:
            patched.setattr(Run, "update", stopped)
            message = seqapp(*kills.TRAIN, "--out", "run", code=130).stderr
        assert message == "Interrupted. Continue with: seqapp train recall --out run --resume\n"
        seqapp("train", "recall", "--out", "run", "--resume")
        assert open_run("run").record["finished"]

    def test_a_training_that_is_stopped_at_its_very_end_is_saved_and_gone_on_with(
        self, place: Path, straight: Path, copied: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from seqapp.training.loop import Trainer

        validate = Trainer.validate

        def stopped(self: Trainer) -> Any:
            os.kill(os.getpid(), signal.SIGINT)
            return validate(self)

        monkeypatch.setattr(Trainer, "validate", stopped)
        message = seqapp("train", "recall", "--out", copied, ON, "--epochs", 3, code=130).stderr
        assert message.endswith(f"Interrupted. Continue with: seqapp train recall --out {copied} --resume\n")
        record = open_run(copied).record
        assert not record["finished"]
        assert lifecycle.finished_epochs(open_run(copied)) == 3
        monkeypatch.undo()
        assert "training already finished after 3 epochs" in jobs.run(place, "train", "recall", "--out", copied, ON)
        assert open_run(copied).record["finished"]


def full(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """A disk that has room for n more files."""
    real, left = os.fsync, after

    def fsync(descriptor: int) -> None:
        nonlocal left
        if not Path(os.readlink(f"/proc/self/fd/{descriptor}")).is_dir():
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


class TestDisks:
    @pytest.mark.slow
    def test_a_training_on_a_full_disk_goes_on_when_there_is_room(
        self, place: Path, straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = tmp_path / "run"
        full(monkeypatch, after=15)
        result = seqapp(*kills.TRAIN, "--out", run, code=1)
        assert result.stderr == (
            f"Error: No space left on device: {run / 'checkpoints' / 'last.npz'} was not written. "
            f"Free some and continue with: seqapp train recall --out {run} --resume\n"
        )
        monkeypatch.undo()
        assert list(kills.torn(run)) == []
        assert drafts(run) == []
        jobs.run(place, "train", "recall", "--out", run, ON)
        assert list(kills.different(straight, run)) == []

    def test_an_evaluation_and_an_export_on_a_full_disk(self, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (copied / "metrics.json").write_text("{}\n")
        for command, name in (("evaluate", "metrics.json"), ("export", "export/1")):
            full(monkeypatch, after=0)
            assert seqapp(command, copied, code=1).stderr == (
                f"Error: No space left on device: {copied / name} was not written. Free some and rerun the command.\n"
            )
            monkeypatch.undo()
        assert (copied / "metrics.json").read_text() == "{}\n"
        assert list((copied / "export").iterdir()) == []

    @pytest.mark.parametrize(
        ("number", "advice"), [(errno.EFBIG, "Raise the limit (ulimit -f)"), (errno.EIO, "Fix this")]
    )
    def test_each_error_of_a_disk_has_its_remedy(self, number: int, advice: str) -> None:
        message = files.describe_os_error(OSError(number, os.strerror(number), "a/b"))
        assert message == f"{os.strerror(number)}: a/b. {advice} and rerun the command."

    def test_an_error_that_a_library_has_in_words_only_is_understood(self, tmp_path: Path) -> None:
        def write(path: Path) -> None:
            raise RuntimeError("UNKNOWN: x/y; No space left on device [Op:SaveV2]")

        with pytest.raises(files.NotWritten, match=r"^No space left on device: .*/a\.npz was not written$"):
            publish(tmp_path / "a.npz", write)

    def test_other_errors_stay_what_they_are(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError):
            publish(tmp_path / "a.npz", lambda _: 1 / 0)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.slow
    def test_real_disks_that_are_full_and_read_only(self, straight: Path, tmp_path: Path) -> None:
        if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
            pytest.skip("this system lets no ordinary user mount a file system of their own")
        (tmp_path / "disk").mkdir()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = ["unshare", "-rm", sys.executable, "-c", DISKS, str(straight)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        full, again = "Error: No space left on device: disk/run/", "was not written. Free some and"
        frozen, resume = (
            "Error: Read-only file system: disk/run/",
            "continue with: seqapp train recall --out disk/run --resume",
        )
        assert [line for line in done.stderr.splitlines() if not line.startswith("Note: ")] == [
            f"{full}export/1 {again} rerun the command.",
            f"{full}metrics.json {again} rerun the command.",
            f"{full}checkpoints/last.npz {again} {resume}",
            f"{frozen}metrics.json was not written. Make it writable and rerun the command.",
            f"{frozen}export/1 was not written. Make it writable and rerun the command.",
            f"{frozen}run.json was not written. Make it writable and {resume}",
        ]
        assert done.stdout.split() == ["1"] * 6


DISKS = """
import os, shutil, subprocess, sys
from seqapp.cli import main

def mount(*options):
    subprocess.run(["mount", *options, "disk"], check=True)

def seqapp(*words):
    try:
        main(words, prog_name="seqapp")
    except SystemExit as end:
        print(end.code)

mount("-t", "tmpfs", "tmpfs")
shutil.copytree(sys.argv[1], "disk/run")
held = os.statvfs("disk")
used = (held.f_blocks - held.f_bfree) * held.f_frsize
mount("-o", f"remount,size={used + 8192}")
seqapp("export", "disk/run")
mount("-o", f"remount,size={used}")
seqapp("evaluate", "disk/run")
mount("-o", f"remount,size={used + 8192}")
seqapp("train", "recall", "--out", "disk/run", "--resume", "--epochs", "3")
mount("-o", "remount,ro")
seqapp("evaluate", "disk/run")
seqapp("export", "disk/run")
seqapp("train", "recall", "--out", "disk/run", "--resume")
"""


class TestDrafts:
    def test_what_cannot_be_written_leaves_what_was_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "file.json"
        file.write_text("old")
        full(monkeypatch, after=0)
        with pytest.raises(files.NotWritten):
            publish(file, lambda path: path.write_text("new"))
        assert (file.read_text(), list(tmp_path.iterdir())) == ("old", [file])

    def test_the_file_is_on_the_disk_before_its_name_and_its_name_before_the_next(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flushed: list[tuple[str, bool]] = []
        file = tmp_path / "new" / "file.json"

        def fsync(descriptor: int) -> None:
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            flushed.append((path.name, file.exists()))

        monkeypatch.setattr(os, "fsync", fsync)
        publish(file, lambda path: path.write_text("new"))
        assert flushed == [(tmp_path.name, False), ("file.json", False), ("new", True)]

    def test_leftovers_of_the_dead_are_swept_and_drafts_of_the_living_stay(self, tmp_path: Path) -> None:
        dead = tmp_path / ".file.0123abcd.partial"
        dead.mkdir()
        (dead / "file.json").write_text("ha")
        (tmp_path / ".mine.partial").mkdir()
        with draft(tmp_path / "living.json") as living:
            publish(tmp_path / "file.json", lambda path: path.write_text("new"))
            assert living.is_dir()
        assert {path.name for path in tmp_path.iterdir()} == {"file.json", ".mine.partial"}

    def test_many_writers_of_one_file_do_not_disturb_each_other(self, tmp_path: Path) -> None:
        file, failures = tmp_path / "file.json", []

        def write(number: int) -> None:
            try:
                for _ in range(30):
                    publish(file, lambda path: path.write_text(str(number) * 5000))
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 7)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            if file.exists():
                assert len(file.read_text()) == 5000
                assert len(set(file.read_text())) == 1
        assert failures == []
        assert list(tmp_path.iterdir()) == [file]


class TestTwoAtOnce:
    def test_a_lock_outlives_no_process_even_one_that_is_killed(self, tmp_path: Path) -> None:
        script = "import sys, time; from pathlib import Path; from seqapp.system.locks import locked\n"
        script += "with locked(Path(sys.argv[1])): print('mine', flush=True); time.sleep(60)"
        command = [sys.executable, "-c", script, str(tmp_path)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"mine\n"
            assert in_use(tmp_path)
            with pytest.raises(
                BadInput,
                match=r"another process is training in this folder\. Wait for it to finish, or pass a different",
            ):
                locked(tmp_path).__enter__()
            holder.kill()
        with locked(tmp_path):
            assert in_use(tmp_path)

    def test_a_look_at_a_folder_keeps_no_training_out(self, tmp_path: Path) -> None:
        looking = idle(tmp_path)
        assert looking.__enter__()
        threading.Timer(0.2, lambda: looking.__exit__(None, None, None)).start()
        with locked(tmp_path):
            pass

    def test_what_another_training_began_meanwhile_is_not_overwritten(
        self, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = tmp_path / "other"
        monkeypatch.setattr("seqapp.api.train._announce", lambda *_: shutil.copytree(copied, run))
        assert refused(*kills.TRAIN, "--out", run).startswith(f"Error: {run} already exists. Use --resume")
        assert list(kills.different(copied, run)) == []

    def test_an_evaluation_beside_a_training_is_said_and_not_kept(self, copied: Path) -> None:
        with locked(copied):
            result = seqapp("evaluate", copied)
        assert result.stderr == "Note: the run was trained further meanwhile; metrics.json is not written.\n"
        assert result.stdout.startswith("recall with simple_rnn")
        assert not (copied / "metrics.json").exists()

    def test_an_evaluation_of_weights_that_were_replaced_is_not_kept(self, copied: Path) -> None:
        before = evaluate._state(open_run(copied))
        evaluate._keep(open_run(copied), {}, before)
        assert (copied / "metrics.json").read_text() == "{}\n"
        publish(copied / "model.keras", lambda path: path.write_bytes(b"other"))
        evaluate._keep(open_run(copied), {"a": 1}, before)
        assert (copied / "metrics.json").read_text() == "{}\n"

    def test_exports_at_once_are_as_many_versions(self, copied: Path, place: Path) -> None:
        with jobs.Job(place, "export", copied) as one, jobs.Job(place, "export", copied) as two:
            assert (one.ended(), two.ended()) == (0, 0)
            message = one.text() + two.text()
        assert sorted(message.split()) == [str(copied / "export" / "1"), str(copied / "export" / "2")]
        assert list(kills.torn(copied)) == []

    def test_a_version_that_another_export_took_is_left_to_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "to" / "1").mkdir(parents=True)
        (tmp_path / "to" / "1" / "saved_model.pb").write_text("theirs")
        (tmp_path / "made").mkdir()
        (tmp_path / "made" / "saved_model.pb").write_text("ours")
        numbers = iter([1, 2])
        monkeypatch.setattr(export, "_next_version", lambda _: next(numbers))
        assert export._publish(tmp_path / "made", tmp_path / "to") == tmp_path / "to" / "2"
        contents = [(tmp_path / "to" / name / "saved_model.pb").read_text() for name in "12"]
        assert contents == ["theirs", "ours"]


class TestVersions:
    @pytest.mark.parametrize(
        ("result", "message"),
        [
            (0, "{folder}: run format 0 of seqapp 0.0.1; this is seqapp 0.2.0, which reads format 1. Train again with --force."),
            (2, "{folder}: run format 2 of seqapp 0.0.1; this is seqapp 0.2.0, which reads format 1. Use a newer seqapp, or train again with --force."),
            ("1", '{folder}/run.json: format: expected the number 1, got "1". Train again with --force.'),
            (True, "{folder}/run.json: format: expected the number 1, got true. Train again with --force."),
            (1.0, "{folder}/run.json: format: expected the number 1, got 1.0. Train again with --force."),
            (None, "{folder}/run.json: format: expected the number 1, got null. Train again with --force."),
        ],
    )  # fmt: skip
    def test_a_run_of_another_format_is_refused_with_what_to_do(self, result: Any, message: str, copied: Path) -> None:
        edit(copied, format=result, seqapp="0.0.1")
        for question in (["predict", copied], ["train", "recall", "--out", copied, ON]):
            assert refused(*question) == f"Error: {message.format(folder=copied)}"

    def test_a_run_without_a_format_is_refused(self, copied: Path) -> None:
        (copied / "run.json").write_text('{"dataset": "recall"}')
        message = refused("predict", copied)
        assert (
            message == f"Error: {copied / 'run.json'}: not readable as the record of a run. Train again with --force."
        )
