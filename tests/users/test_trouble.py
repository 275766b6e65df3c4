"""What the log is told of mistakes in users' code."""

import itertools
import logging

import pytest

from gregaria.users import trouble
from gregaria.users.trouble import ErrorLog


def test_the_first_of_a_kind_is_told_in_full_and_later_ones_in_a_line_that_counts(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(1000.0, 1.0)
    monkeypatch.setattr(trouble.time, "monotonic", lambda: next(seconds))
    log = ErrorLog()
    for _ in range(11):
        try:
            raise KeyError("k")
        except KeyError as error:
            log.tell(error, error.__traceback__, "Shopper")
    assert all(record.levelno == logging.ERROR for record in caplog.records)
    first, second, third = (record.getMessage() for record in caplog.records)
    assert first.startswith("Shopper: 'k'\nTraceback")
    for later in (second, third):
        assert "\n" not in later
        assert "Shopper: KeyError: 'k'" in later
        assert "test_trouble.py:" in later
        assert later.endswith("and 4 more like it")
