"""Models by name: folders BASE/<number>/ watched for new versions, the highest loaded, warmed and swapped in.

A version that cannot be loaded is reported in the model's status and the one before it goes on serving; it is tried
again when its files change. Words and states are TF Serving's (get_model_status_impl.cc, server_core.cc).
"""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqapp.serving.models.memory import give_back
from seqapp.serving.models.version import Version
from seqapp.serving.rest.status import Refused, invalid

LONGEST = 500  # characters of what TensorFlow says of a broken version


@dataclass(frozen=True)
class State:
    """Where a version stands: START, LOADING, AVAILABLE, UNLOADING or END."""

    name: str
    error_code: str = "OK"
    error_message: str = ""


@dataclass
class Model:
    """One base folder, of which the `keep` highest versions are served. Only `poll` changes it."""

    name: str
    base: Path
    keep: int = 1
    labels: Mapping[str, int] = field(default_factory=dict)
    say: Callable[[str], None] = lambda text: None
    states: dict[int, State] = field(default_factory=dict)
    loaded: dict[int, Version] = field(default_factory=dict)  # replaced whole, so that readers need no lock
    _broken: dict[int, Any] = field(default_factory=dict)  # what their files looked like
    _leaving: list[tuple[int, weakref.ref[Version]]] = field(default_factory=list)  # taken out; requests may hold them

    def version(self, number: int | None = None, label: str | None = None) -> Version:
        """The version asked for; without number and label the highest.

        Raises:
            Refused: it is not loaded.
        """
        loaded = self.loaded
        asked = self._resolved(number, label)
        if asked is None and loaded:
            return loaded[max(loaded)]
        if asked is None or asked not in loaded:
            raise Refused("NOT_FOUND", f"Servable not found for request: {_request(self.name, asked)}")
        return loaded[asked]

    def status(self, number: int | None = None, label: str | None = None) -> list[dict[str, Any]]:
        """What GET /v1/models/NAME says, highest version first.

        Raises:
            Refused: the version was never seen, or no version at all.
        """
        asked, states = self._resolved(number, label), dict(self.states)
        if asked is not None and asked not in states:
            raise Refused("NOT_FOUND", f"Could not find version {asked} of model {self.name}")
        if not states:
            raise Refused("NOT_FOUND", f"Could not find any versions of model {self.name}")
        return [
            {
                "version": str(version),
                "state": states[version].name,
                "status": {"error_code": states[version].error_code, "error_message": states[version].error_message},
            }
            for version in sorted(states if asked is None else [asked], reverse=True)
        ]

    def poll(self) -> None:
        """Look at the folder once: load what is new and wanted, then let go of what is not wanted any more."""
        present = versions_in(self.base)
        for number in list(self._broken):
            if number not in present or _look(present[number]) != self._broken[number]:
                del self._broken[number]
        while True:
            wanted = sorted(present.keys() - self._broken.keys(), reverse=True)[: self.keep]
            missing = [number for number in wanted if number not in self.loaded]
            if not missing:
                break
            self._load(missing[0], present[missing[0]])
        if wanted:  # a folder that was emptied leaves what is loaded
            for number in self.loaded.keys() - set(wanted):
                self._take_out(number)
        self._let_go()

    def _resolved(self, number: int | None, label: str | None) -> int | None:
        if label is None:
            return number
        if label not in self.labels:
            raise invalid(f"Unrecognized servable version label: {label}")
        return self.labels[label]

    def _load(self, number: int, folder: Path) -> None:
        look = _look(folder)
        self.states[number] = State("LOADING")
        try:
            version = Version(folder, number)
            version.warm()
        except Exception as error:  # TensorFlow's own are of many kinds
            message = " ".join(str(error).split())[:LONGEST] or type(error).__name__
            self.states[number] = State("END", getattr(error, "code", "UNKNOWN"), message)
            self._broken[number] = look
            self.say(f"{self.name}: version {number} cannot be loaded: {message}")
            return
        give_back()
        self.loaded = self.loaded | {number: version}
        self.states[number] = State("AVAILABLE")
        self.say(f"{self.name}: version {number} is loaded")

    def _take_out(self, number: int) -> None:
        """Give a version to no more requests; those that are under way still hold it."""
        self.states[number] = State("UNLOADING")
        self._leaving.append((number, weakref.ref(self.loaded[number])))
        self.loaded = {kept: version for kept, version in self.loaded.items() if kept != number}

    def _let_go(self) -> None:
        """Free the versions that no request holds any more."""
        leaving, gone = self._leaving, []
        self._leaving = []
        for number, version in leaving:  # each is looked at once: it may go at any moment
            if version() is None:
                gone.append(number)
            else:
                self._leaving.append((number, version))
        if not gone:
            return
        gc.collect()  # a graph and its operations refer to each other
        give_back()
        for number in gone:
            if number not in self.loaded:  # else it has come back meanwhile
                self.states[number] = State("END")
            self.say(f"{self.name}: version {number} is unloaded")


class Watcher:
    """A thread that polls models."""

    def __init__(self, models: list[Model], seconds: float) -> None:
        self.models, self.seconds = models, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """Poll no more."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(self.seconds):
            for model in self.models:
                try:
                    model.poll()
                except OSError as error:  # the folder is being moved, or its disk is away
                    model.say(f"{model.name}: {error}")


def versions_in(base: Path) -> dict[int, Path]:
    """Folders with a SavedModel by their number, as TF Serving reads names: any integer, leading zeros allowed."""
    if not base.is_dir():
        return {}
    return {
        int(folder.name): folder
        for folder in sorted(base.iterdir())
        if folder.name.isascii() and folder.name.isdigit() and int(folder.name) < 2**63 and folder.is_dir()
    }


def _look(folder: Path) -> list[tuple[str, int, int]]:
    """What would differ if somebody mended the folder."""
    return sorted((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in folder.rglob("*"))


def _request(name: str, version: int | None) -> str:
    return f"Latest({name})" if version is None else f"Specific({name}, {version})"
