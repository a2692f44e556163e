"""Models: folders BASE/<number>/ polled for new versions, of which the highest are loaded, warmed up and served.

If a version cannot be loaded, the model's status says why and the previous version stays in service; loading is tried
again when its files change. States and messages are TF Serving's (get_model_status_impl.cc, server_core.cc).
"""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqapp.serving.models.memory import trim_heap
from seqapp.serving.models.version import Version
from seqapp.serving.status import StatusError, invalid_argument

MAX_MESSAGE = 500  # characters of TensorFlow's message about a version that cannot be loaded

Fingerprint = list[tuple[str, int, int]]


@dataclass(frozen=True)
class State:
    """The state of a version: LOADING, AVAILABLE, UNLOADING or END, with the error that ended it."""

    name: str
    error_code: str = "OK"
    error_message: str = ""


@dataclass
class Model:
    """A base folder and its versions in memory. Only `poll` changes it.

    Attributes:
        name: the model's name in paths.
        base: the folder that holds <number>/saved_model.pb.
        keep: how many of the highest versions are served.
        labels: version numbers by label.
        report: called with a line of text when a version is loaded or unloaded, or cannot be loaded.
        states: the state of every version seen so far, by number.
        loaded: the versions in service, by number. Replaced as a whole, so that readers need no lock.
    """

    name: str
    base: Path
    keep: int = 1
    labels: Mapping[str, int] = field(default_factory=dict)
    report: Callable[[str], None] = lambda text: None
    states: dict[int, State] = field(default_factory=dict)
    loaded: dict[int, Version] = field(default_factory=dict)
    _failures: dict[int, Fingerprint] = field(default_factory=dict)  # of versions that could not be loaded
    _unloading: list[tuple[int, weakref.ref[Version]]] = field(default_factory=list)  # requests may still use them

    def version(self, number: int | None = None, label: str | None = None) -> Version:
        """Return the version with a number or a label, or the highest one.

        Raises:
            StatusError: it is not loaded.
        """
        loaded, number = self.loaded, self._resolve(number, label)
        if number is None and loaded:
            return loaded[max(loaded)]
        if number is None or number not in loaded:
            request = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
            raise StatusError("NOT_FOUND", f"Servable not found for request: {request}")
        return loaded[number]

    def status(self, number: int | None = None, label: str | None = None) -> list[dict[str, Any]]:
        """Return the answer to GET /v1/models/NAME: the state of one version, or of all, highest first.

        Raises:
            StatusError: there has been no such version, or no version at all.
        """
        number, states = self._resolve(number, label), dict(self.states)
        if number is not None and number not in states:
            raise StatusError("NOT_FOUND", f"Could not find version {number} of model {self.name}")
        if not states:
            raise StatusError("NOT_FOUND", f"Could not find any versions of model {self.name}")
        return [
            {
                "version": str(version),
                "state": states[version].name,
                "status": {"error_code": states[version].error_code, "error_message": states[version].error_message},
            }
            for version in sorted(states if number is None else [number], reverse=True)
        ]

    def poll(self) -> None:
        """Compare the folder with what is loaded: load new versions, then unload those no longer wanted."""
        present = find_versions(self.base)
        for number, fingerprint in list(self._failures.items()):
            if number not in present or _fingerprint(present[number]) != fingerprint:
                del self._failures[number]
        while True:
            wanted = sorted(present.keys() - self._failures.keys(), reverse=True)[: self.keep]
            missing = [number for number in wanted if number not in self.loaded]
            if not missing:
                break
            self._load(missing[0], present[missing[0]])
        if wanted:  # otherwise the folder is empty, and what is loaded stays in service
            for number in self.loaded.keys() - set(wanted):
                self._retire(number)
        self._unload()

    def _resolve(self, number: int | None, label: str | None) -> int | None:
        if label is None:
            return number
        if label not in self.labels:
            raise invalid_argument(f"Unrecognized servable version label: {label}")
        return self.labels[label]

    def _load(self, number: int, folder: Path) -> None:
        fingerprint = _fingerprint(folder)
        self.states[number] = State("LOADING")
        try:
            version = Version(folder, number)
            version.warm_up()
        except Exception as error:  # TensorFlow raises many kinds
            message = " ".join(str(error).split())[:MAX_MESSAGE] or type(error).__name__
            self.states[number] = State("END", getattr(error, "code", "UNKNOWN"), message)
            self._failures[number] = fingerprint
            self.report(f"{self.name}: version {number} cannot be loaded: {message}")
            return
        trim_heap()
        self.loaded = self.loaded | {number: version}
        self.states[number] = State("AVAILABLE")
        self.report(f"{self.name}: version {number} is loaded")

    def _retire(self, number: int) -> None:
        """Send no more requests to a version; those in progress still use it."""
        self.states[number] = State("UNLOADING")
        self._unloading.append((number, weakref.ref(self.loaded[number])))
        self.loaded = {other: version for other, version in self.loaded.items() if other != number}

    def _unload(self) -> None:
        """Free the retired versions that no request uses any more."""
        unloading, freed = self._unloading, []
        self._unloading = []
        for number, version in unloading:  # each reference is read once: a version may be freed at any moment
            if version() is None:
                freed.append(number)
            else:
                self._unloading.append((number, version))
        if not freed:
            return
        gc.collect()  # a graph and its operations refer to each other
        trim_heap()
        for number in freed:
            if number not in self.loaded:  # otherwise it has been loaded again meanwhile
                self.states[number] = State("END")
            self.report(f"{self.name}: version {number} is unloaded")


class Watcher:
    """A thread that polls models every `seconds`."""

    def __init__(self, models: list[Model], seconds: float) -> None:
        self.models, self.seconds = models, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)

    def start(self) -> None:
        """Start polling."""
        self._thread.start()

    def stop(self) -> None:
        """Stop polling."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(self.seconds):
            for model in self.models:
                try:
                    model.poll()
                except OSError as error:  # the folder is being moved, or its disk is not mounted
                    model.report(f"{model.name}: {error}")


def find_versions(base: Path) -> dict[int, Path]:
    """Return a folder's versions by number, by TF Serving's rule for names: any integer, leading zeros allowed."""
    if not base.is_dir():
        return {}
    return {
        int(folder.name): folder
        for folder in sorted(base.iterdir())
        if folder.name.isascii() and folder.name.isdigit() and int(folder.name) < 2**63 and folder.is_dir()
    }


def _fingerprint(folder: Path) -> Fingerprint:
    """Return what changes when somebody repairs the folder: its files' names, times and sizes."""
    return sorted((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in folder.rglob("*"))
