"""A short piece of what ``make soak`` does for minutes."""

from pathlib import Path

import pytest

from tests.cluster.chaos import run


@pytest.mark.timeout(180)
def test_some_seconds_of_chaos_change_no_total(tmp_path: Path) -> None:
    run(tmp_path, 12, 2)
