"""Baselines of a text: single-token frequencies, and the best Kneser-Ney n-gram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline
from seqapp.data.vocabulary import START_ID
from seqapp.heads import CategoryRecord
from seqapp.tasks.text.ngrams import NGram
from seqapp.tasks.text.split import TextSplit
from seqapp.tasks.text.task import TextTask

COUNTED_TOKENS = 10_000_000  # maximum number of tokens from which n-grams are counted: the last ones before validation
ORDERS = {"char": 8, "byte": 8, "word": 5}  # maximum order of the n-gram


def text_baselines(
    task: TextTask, train: TextSplit, validation: TextSplit, test: TextSplit
) -> dict[str, Baseline[CategoryRecord]]:
    """Return the unigram, and the n-gram of the order that is best on validation.

    Args:
        task: has the vocabulary.
        train: n-grams are counted on it.
        validation: follows `train`; decides the order.
        test: the split to predict.
    """
    orders, counted, tuning = ORDERS[task.level], train.ids(COUNTED_TOKENS), validation.ids()
    model = NGram(counted, orders, len(task.tokens))
    on_validation = _score(model, counted[-orders:], tuning, task.ends)
    on_test = _score(model, tuning[-orders:], test.ids(), task.ends)
    best = int(np.argmax([predictions.logs.mean() for predictions in on_validation]))
    note = "" if len(counted) < COUNTED_TOKENS else f" counted on the last {COUNTED_TOKENS:,} training tokens"
    return {
        "unigram": Baseline(on_test[0], "single-token frequencies"),
        "ngram": Baseline(on_test[best], f"a Kneser-Ney {best + 1}-gram{note}"),
    }


def _score(model: NGram, before: NDArray[np.int32], ids: NDArray[np.int32], ends: bool) -> list[CategoryRecord]:
    """Predict `ids` after the ids `before`, by order; without the document starts that the network does not predict."""
    by_order = model.score(np.concatenate([before, ids]), len(before))
    if ends:
        return by_order
    scored = by_order[0].actual != START_ID
    return [CategoryRecord(each.actual[scored], each.predicted[scored], each.logs[scored]) for each in by_order]
