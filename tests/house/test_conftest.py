"""The suite's own ground: what one test changes, the next does not see; what is missing is told."""

import pytest

from gregaria.events import EventHook, events
from gregaria.settings import Settings, settings

pytest_plugins = ["pytester"]

USES_A_PROGRAM_NOBODY_HAS = """
    import pytest

    @pytest.mark.needs("a-program-nobody-has")
    def test_it(): pass
"""


@pytest.mark.parametrize("turn", ["first", "second"])
def test_settings_and_listeners_changed_by_one_test_are_back_for_the_next(turn: str) -> None:
    assert settings == Settings()
    assert not events.test_start.listeners
    assert EventHook.errors == 0
    settings.max_names = 3
    settings.percentiles_to_report.append(0.123)
    events.test_start.add_listener(print)
    EventHook.errors += 1


@pytest.mark.parametrize(("ci", "outcome"), [("", "skipped"), ("true", "errors")])
def test_a_missing_program_skips_a_test_here_and_fails_it_under_ci(
    pytester: pytest.Pytester, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: str
) -> None:
    monkeypatch.setenv("CI", ci)
    pytester.makeini("[pytest]\nmarkers = needs(*programs): of the suite")
    pytester.makeconftest((request.config.rootpath / "tests" / "conftest.py").read_text())
    pytester.makepyfile(USES_A_PROGRAM_NOBODY_HAS)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist")
    assert result.parseoutcomes() == {outcome: 1}
