"""A short piece of what ``make soak`` does for minutes."""

from pathlib import Path

import pytest

from tests.cluster.chaos import run


@pytest.mark.timeout(180)
def test_a_little_chaos_changes_no_total(tmp_path: Path) -> None:
    # Of this seed the master and a worker are killed, another one is frozen, and a line is cut.
    told = run(tmp_path, 4, 240)
    assert "(kill_master, cut, freeze, kill_worker)" in told
