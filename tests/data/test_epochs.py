"""Batches: every window once, all of one shape; and how many steps a call takes changes no result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import SMALL, seqapp
from hypothesis import given, settings
from hypothesis import strategies as st

from seqapp.contract import Windows
from seqapp.data.epochs import LENGTHS, batches
from seqapp.runs.run import open_run
from seqapp.training import loop


def numbered(count: int, longest: bool = False) -> Windows:
    """Windows whose inputs are their own number; `longest`: as many steps as the largest number in the batch."""

    def gather(indices: Any) -> tuple[Any, Any, Any]:
        steps = tf.reduce_max(indices) + 1 if longest else 3
        inputs = tf.repeat(indices[:, tf.newaxis], steps, axis=1)
        return inputs, inputs + 1, tf.ones_like(inputs, tf.float32)

    return Windows(count, gather)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 40), size=st.integers(1, 50), done=st.integers(0, 39))
def test_every_window_counts_once_and_all_batches_have_one_shape(count: int, size: int, done: int) -> None:
    order = np.random.default_rng(count).permutation(count)[min(done, count - 1) :]
    made = [[part.numpy() for part in batch] for batch in batches(numbered(count), order, size)]
    assert {inputs.shape for inputs, _, _ in made} == {(min(size, count), 3)}
    counted = np.concatenate([inputs[weights[:, 0] > 0, 0] for inputs, _, weights in made])
    np.testing.assert_array_equal(counted, order)


def test_windows_of_changing_length_are_filled_up_with_weight_0() -> None:
    for inputs, targets, weights in batches(numbered(40, longest=True), np.arange(40), 8):
        assert inputs.shape[1] == targets.shape[1] == weights.shape[1]
        assert inputs.shape[1] % LENGTHS == 0
        real = int(inputs.numpy().max()) + 1
        assert (weights.numpy()[:, :real] == 1).all()
        assert (weights.numpy()[:, real:] == 0).all()


def test_a_resumed_epoch_ends_with_the_same_batch() -> None:
    order = np.random.default_rng(0).permutation(21)
    straight, resumed = (list(batches(numbered(21, longest=True), part, 8))[-1] for part in (order, order[8:]))
    for one, two in zip(straight, resumed, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("dataset", ["recall", pytest.param("text", marks=pytest.mark.slow)])
def test_how_many_steps_a_call_takes_changes_no_bit(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name, moment in (("one", 0.0), ("many", 1e9)):
        monkeypatch.setattr(loop, "MOMENT", moment)
        seqapp("train", dataset, *SMALL[dataset], "--out", tmp_path / name)
        opened = open_run(tmp_path / name)
        found.append([np.asarray(variable) for variable in opened.load_network(opened.task()).model.variables])
    for one, many in zip(*found, strict=True):
        np.testing.assert_array_equal(one, many)
