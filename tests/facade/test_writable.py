"""Locust's documented constants are views on the settings."""

import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from unittest import mock

import pytest

from gregaria.compat._writable import make_writable
from gregaria.settings import Settings, settings
from tests.facade.conftest import Script


@pytest.fixture
def module() -> Iterator[ModuleType]:
    name = "stats_of_a_test"
    made = sys.modules[name] = ModuleType(name)
    made.__dict__["function"] = len
    make_writable(
        name,
        {"CONSOLE_STATS_INTERVAL_SEC": "console_stats_interval_s", "PERCENTILES_TO_REPORT": "percentiles_to_report"},
        inert={"never": "there never was such a thing."},
    )
    yield made
    del sys.modules[name]


def test_assigning_sets_the_setting_and_reading_gives_it(module: ModuleType) -> None:
    module.CONSOLE_STATS_INTERVAL_SEC = 15  # type: ignore[attr-defined]
    assert settings.console_stats_interval_s == 15
    settings.console_stats_interval_s = 16
    assert module.CONSOLE_STATS_INTERVAL_SEC == 16


def test_a_list_can_be_changed_in_place(module: ModuleType) -> None:
    module.PERCENTILES_TO_REPORT.append(0.123)
    assert settings.percentiles_to_report[-1] == 0.123


def test_deleting_restores_the_default_which_is_how_a_mock_undoes_itself(module: ModuleType) -> None:
    with mock.patch("stats_of_a_test.CONSOLE_STATS_INTERVAL_SEC", 99):
        assert settings.console_stats_interval_s == 99
    assert settings.console_stats_interval_s == Settings().console_stats_interval_s


def test_other_names_are_as_in_any_module(module: ModuleType) -> None:
    module.mine = 1  # type: ignore[attr-defined]
    assert module.mine == 1
    assert module.function is len
    del module.mine
    with pytest.raises(AttributeError, match="has no attribute 'mine'"):
        _ = module.mine
    assert "CONSOLE_STATS_INTERVAL_SEC" in dir(module)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("PERCENTILES_TO_REPROT", "Did you mean PERCENTILES_TO_REPORT?"),
        ("SOMETHING_ELSE", "Those there are: CONSOLE_STATS_INTERVAL_SEC, PERCENTILES_TO_REPORT"),
        ("never", "there never was such a thing."),
    ],
)
def test_a_name_that_does_nothing_is_warned_about(
    module: ModuleType, name: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        setattr(module, name, 1)
    assert told in caplog.text


def test_all_constants_of_locust_can_be_assigned_and_imported(run_script: Script) -> None:
    source = """
        import dataclasses
        import locust.html, locust.runners, locust.stats, locust.web
        from gregaria.settings import Settings, settings

        defaults = dataclasses.asdict(Settings())
        changed = 0
        for module in (locust.html, locust.runners, locust.stats, locust.web):
            for name, setting in type(module).views.items():
                assert getattr(module, name) == defaults[setting], name
                setattr(module, name, [0.5] if isinstance(defaults[setting], list) else 4711)
                assert getattr(settings, setting) in (4711, [0.5]), name
                changed += 1
        from locust.stats import PERCENTILES_TO_REPORT
        assert PERCENTILES_TO_REPORT == [0.5]
        assert changed == 25, changed
    """
    run_script(source)
