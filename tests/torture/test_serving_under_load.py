"""A few seconds of what `make torture` does to a server for half an hour: load with hot swaps, and invalid requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import seqapp

from tests.torture.load import TRAININGS, load
from tests.torture.malformed import malformed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(trained: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small models, exported side by side."""
    folder = tmp_path_factory.mktemp("models")
    for name in TRAININGS:
        seqapp("export", trained(name), "--to", folder / name)
    return folder


def test_requests_that_are_none_get_no_5xx_and_hold_nobody_up(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = malformed(models, 2000, seed=1)
    assert not [failure for failure in failed if "memory" not in failure]  # too short a time to tell of memory
    assert "| 2,000 |" in capsys.readouterr().out


def test_no_request_fails_while_versions_come_and_one_is_broken(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = load(models, seconds=20, swaps=2, clients=3, seed=1)
    assert not [failure for failure in failed if "memory" not in failure]
    assert "| 0 | 2 | 1 |" in capsys.readouterr().out
