"""Settings are reset by name, and lists of percentiles are checked before a test begins."""

import pytest

from gregaria.errors import CommandError, ExitCode
from gregaria.settings import Settings, check_numbers, check_percentiles


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


@pytest.mark.parametrize("value", [0, 999_999, "1 GB", 1e9, True])
def test_memory_for_the_timeline_that_makes_no_sense_is_refused(value: object) -> None:
    chosen = Settings()
    chosen.timeline_bytes = value  # type: ignore[assignment]
    with pytest.raises(CommandError, match="write a whole number from 1000000 on") as found:
        check_numbers(chosen)
    assert found.value.exit_code == ExitCode.SETTINGS
