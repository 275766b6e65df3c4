"""The suite's own ground: what one test changes, the next does not see; what is missing is told."""

import pytest

from gregaria.events import EventHook, events
from gregaria.settings import Settings, settings

pytest_plugins = ["pytester"]

USES_WHAT_NOBODY_HAS = """
    import pytest

    @pytest.mark.needs("a-program-nobody-has")
    def test_a_program(): pass

    def test_a_package():
        pytest.importorskip("no_such_package", reason="no_such_package is not installed here")

    @pytest.mark.skip(reason="for another reason")
    def test_something_else(): pass
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


@pytest.mark.parametrize(("ci", "outcome"), [("", {"skipped": 3}), ("true", {"errors": 1, "failed": 1, "skipped": 1})])
def test_what_is_missing_skips_a_test_here_and_fails_it_under_ci(
    pytester: pytest.Pytester,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    ci: str,
    outcome: dict[str, int],
) -> None:
    monkeypatch.setenv("CI", ci)
    pytester.makeini("[pytest]\nmarkers = needs(*programs): of the suite")
    pytester.makeconftest((request.config.rootpath / "tests" / "conftest.py").read_text())
    pytester.makepyfile(USES_WHAT_NOBODY_HAS)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist")
    assert result.parseoutcomes() == outcome
