"""Locust's documented constants are views on the settings."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest import mock

import pytest

from gregaria.compat._writable import make_writable
from gregaria.errors import ExitCode
from gregaria.settings import Settings, settings
from tests.facade.conftest import Script
from tests.support.command import run_gregaria


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


LOCUSTFILE = """
import locust.stats
from locust import User, constant, task

locust.stats.PERCENTILES_TO_REPORT = {percentiles}
locust.stats.CSV_STATS_INTERVAL_SEC = 0.2


class Idle(User):
    wait_time = constant(0.1)

    @task
    def fire(self):
        self.environment.events.request.fire(
            request_type="X", name="n", response_time=1, response_length=1, exception=None
        )
"""


def test_the_reports_follow_a_constant_that_a_locustfile_assigns(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE.format(percentiles=[0.5, 0.97]))
    run = run_gregaria("--csv", "figures", "-t", "1s", folder=tmp_path)
    assert run.exit_code == 0, run.output
    header = (tmp_path / "figures_stats.csv").read_text().splitlines()[0]
    assert header.endswith(",50%,97%")
    assert "97%" in run.output


def test_percentiles_that_make_no_sense_are_refused_before_the_test(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE.format(percentiles=[50, 97]))
    run = run_gregaria("-t", "1s", folder=tmp_path)
    assert run.exit_code == ExitCode.SETTINGS, run.output
    assert "locust.stats.PERCENTILES_TO_REPORT) contains 50; write 0.5" in run.stderr
    assert "Traceback" not in run.stderr
