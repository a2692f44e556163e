"""Bidirectional: what its files are called; tests/layers/test_regularization.py has its outputs in a network."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import h5py
import keras

from seqapp.layers import LSTM, Bidirectional


def test_a_file_has_the_names_of_seqapp_0_1(tmp_path: Path) -> None:
    inputs = keras.Input((None, 3))
    forward, backward = (
        LSTM(2, return_sequences=True, return_state=True, go_backwards=backwards) for backwards in (False, True)
    )
    model = keras.Model(inputs, Bidirectional(forward, backward)(inputs)[0])
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        layer = json.loads(archive.read("config.json"))["config"]["layers"][1]
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
            assert {"forward", "backward"} <= set(weights["layers/both_ways"])
            assert "0" in weights["layers/both_ways/backward/cell/vars"]
    assert (layer["class_name"], layer["registered_name"]) == ("BothWays", "seqapp>BothWays")
    assert {"forward", "backward", "finish"} <= layer["config"].keys()
