"""Define a dataset: the data of one task, split, and how predictions on its test split are measured."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from seqapp.contract.examples import Examples
from seqapp.contract.metric import Baseline, Metric, Surprise
from seqapp.contract.network import Network
from seqapp.contract.task import Raw, Task
from seqapp.errors import BadInput

SPLITS = ("train", "validation", "test")
R = TypeVar("R")


class Dataset(abc.ABC, Generic[R]):
    """The data of one task. `R` is the record that model and baselines are measured by.

    Attributes:
        task: fitted on the training split.
        data: sha256 of the source, rows, source; `notes`, sentences for whoever trains on it.
        split: which rows, dates or sequences each split holds.
        latest: raw inputs that ask what comes after the last row, batch axis 1.
        overlap: how many consecutive test cases share a part of what they look at.
    """

    task: Task
    data: Mapping[str, Any]
    split: Mapping[str, Any]
    latest: Raw
    overlap: int = 1

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Values for the training options that the dataset file's DEFAULTS leave to the data, as None."""
        return {}

    @property
    def resolved_options(self) -> Mapping[str, Any]:
        """Values of the dataset's own options that were left to the data, as None."""
        return {}

    @abc.abstractmethod
    def examples(self, split: str) -> Examples:
        """Examples of "train", "validation" or "test". In the last two each scored case has its weight once."""

    @abc.abstractmethod
    def baselines(self) -> dict[str, Baseline[R]]:
        """Baselines by name, each over the test split's scored cases in the order of the examples."""

    @property
    @abc.abstractmethod
    def metrics(self) -> Sequence[Metric[R]]:
        """The metrics of a record of the test split, in the order in which they are shown."""

    def predict(self, network: Network, split: str) -> Any:
        """The record of a split, if that takes more than the network's outputs there; None: the head makes it."""
        return None

    def to_raw_units(self, record: Any) -> R:
        """Convert the network's record of the test split to the form in which baselines come."""
        converted: R = record
        return converted

    def calibrated(self, predicted: Callable[[str], Any]) -> Task:
        """The task, its `calibration` fitted to what the trained network predicts.

        Args:
            predicted: the record of a split by its name, "train" or "validation"; never "test".
        """
        return self.task

    def remarks(self, record: R) -> list[str]:
        """Sentences on the model's test predictions that belong to the verdict."""
        return []

    def pictures(self, model: str, record: R, baselines: Mapping[str, Baseline[R]]) -> dict[str, Callable[[Any], None]]:
        """Functions that draw on matplotlib's Axes, by the picture's name: `evaluate --plot` writes them."""
        return {}

    def surprise(self, record: R) -> Surprise | None:
        """How surprising each scored step of the test split was, from what `to_raw_units` gave."""
        return self.task.head.surprise(record)

    def with_test_data(self, source: str) -> Dataset[R]:
        """The same task on other data of the same form, whole, as the test split.

        Raises:
            BadInput: the data is not usable, or this kind of dataset is measured on its own test split only.
        """
        raise BadInput("this dataset is measured on its own test split only: leave the file out.")

    def solved(self, metrics: Mapping[str, float]) -> bool | None:
        """Whether these test metrics mean that the task is learned; None if that cannot be said."""
        return None

    def probes(self, functions: Mapping[str, Callable[..., Raw]]) -> dict[str, float]:
        """Further metrics that need the model itself, such as mistakes counted in generated text.

        Args:
            functions: the signatures of the SavedModel by name; each takes and gives NumPy arrays.
        """
        return {}
