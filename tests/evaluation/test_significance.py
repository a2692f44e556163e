"""Paired tests of metrics that are no means: by resampled cases."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqapp.contract import Metric, values
from seqapp.evaluation.significance import gains, holm

ERRORS = np.stack([np.arange(200) % 3, np.full(200, 10)], 1).astype(float)  # wrong letters and letters of each case


def rate(rows: Any) -> float:
    """Wrong letters in all over letters in all."""
    return float(rows[:, 0].sum() / rows[:, 1].sum())


def test_fewer_errors_are_better_and_more_are_worse() -> None:
    better, worse = (np.stack([ERRORS[:, 0] + more, ERRORS[:, 1]], 1) for more in (0.5, -0.5))
    assert gains(ERRORS, {"more": better, "fewer": worse, "same": ERRORS}, False, summarize=rate) == {
        "more": 1, "fewer": -1, "same": 0,
    }  # fmt: skip
    assert gains(ERRORS, {"more": better}, True, summarize=rate) == {"more": -1}


def test_a_difference_by_chance_decides_nothing() -> None:
    shuffled = np.random.default_rng(0).permutation(ERRORS)
    assert gains(ERRORS, {"other": shuffled}, False, summarize=rate) == {"other": 0}


def test_the_more_comparisons_the_surer_each_must_be() -> None:
    assert holm({"a": 0.01, "b": 0.04}) == {"a": True, "b": True}
    assert holm({"a": 0.03, "b": 0.04}) == {"a": False, "b": False}


def test_a_metric_that_a_record_does_not_have_is_left_out() -> None:
    metrics = [Metric("rate", lambda record: record, rate), Metric("other", lambda record: None)]
    assert values(metrics, ERRORS) == {"rate": rate(ERRORS)}
