"""A few minutes of what `make torture` does for an hour: kills and stops at random moments, and readers given anything."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.torture import fuzz, readers, torture

pytestmark = pytest.mark.slow
TIMES = {"train": 4, "force": 2, "export": 2, "evaluate": 2, "stops": 3}


@pytest.mark.parametrize("part", torture.PARTS)
def test_after_a_kill_or_a_stop_nothing_is_torn_and_the_end_is_the_same(part: str, tmp_path: Path) -> None:
    rows = list(torture.PARTS[part](tmp_path, TIMES[part], Random(part)))
    assert rows
    assert [failure for row in rows for failure in row.failures] == []
    assert sum(row.times for row in rows) >= TIMES[part]


@pytest.mark.parametrize("part", readers.PARTS)
def test_readers_take_any_input_in_time(part: str) -> None:
    count, _, failures = fuzz.fuzz(part, 1000, seed=1)
    assert count >= 900
    assert failures == []
