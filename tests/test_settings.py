"""Settings are reset by name, and lists of percentiles are checked before a test begins."""

from typing import Any

import pytest

from gregaria import settings as module
from gregaria.errors import CommandError, ExitCode
from gregaria.settings import Settings, check_numbers, check_percentiles, settings


def test_the_defaults_are_fine() -> None:
    check_percentiles(Settings())


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("percentiles_to_report", [0.5, 95], "locust.stats.PERCENTILES_TO_REPORT) contains 95; write 0.95"),
        ("percentiles_to_statistics", 0.95, "write a list such as"),
        ("percentiles_to_chart", ["0.5"], "contains '0.5'; write fractions between 0 and 1"),
        ("percentiles_to_chart", [True], "contains True"),
        ("percentiles_to_chart", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], "has 7 percentiles; a chart shows 6 at most"),
        ("percentiles_for_html_report", [0.5, 0.5], "names a percentile twice"),
        ("percentiles_to_report", [float("nan")], "contains nan"),
        ("percentiles_to_report", [-0.1], "contains -0.1"),
    ],
)
def test_a_list_of_percentiles_that_makes_no_sense_is_refused(name: str, value: object, told: str) -> None:
    chosen = Settings()
    setattr(chosen, name, value)
    with pytest.raises(CommandError) as refusal:
        check_percentiles(chosen)
    assert told in str(refusal.value)
    assert refusal.value.exit_code == ExitCode.SETTINGS


def test_one_setting_is_reset_without_touching_the_others() -> None:
    chosen = Settings(csv_stats_interval_s=9, percentiles_to_chart=[0.1])
    chosen.reset("percentiles_to_chart")
    assert chosen.percentiles_to_chart == Settings().percentiles_to_chart
    assert chosen.csv_stats_interval_s == 9
    with pytest.raises(AttributeError):
        chosen.reset("no_such_setting")


def test_the_module_of_that_name_answers_for_the_object() -> None:
    assert module is not settings
    module.max_names = 7  # type: ignore[attr-defined]
    assert settings.max_names == 7
    settings.max_names = 8
    assert module.max_names == 8  # type: ignore[attr-defined]


@pytest.mark.parametrize("holder", [module, settings])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("PERCENTILES_TO_REPORT", "there is no setting 'PERCENTILES_TO_REPORT'; write settings.percentiles_to_report"),
        ("max_name", "there is no setting 'max_name'; write settings.max_names"),
        ("colour", "there is no setting 'colour'; docs/settings.md lists those there are"),
    ],
)
def test_a_setting_that_does_not_exist_is_refused_with_what_to_write(holder: Any, name: str, told: str) -> None:
    with pytest.raises(AttributeError) as refusal:
        setattr(holder, name, 1)
    assert str(refusal.value) == told
    assert not hasattr(holder, name)


@pytest.mark.parametrize("value", [0, 999_999, "1 GB", 1e9, True])
def test_memory_for_the_timeline_that_makes_no_sense_is_refused(value: object) -> None:
    chosen = Settings()
    chosen.timeline_bytes = value  # type: ignore[assignment]
    with pytest.raises(CommandError, match="write a whole number from 1000000 on") as found:
        check_numbers(chosen)
    assert found.value.exit_code == ExitCode.SETTINGS
