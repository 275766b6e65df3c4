from typing import TYPE_CHECKING

from gregaria.compat._explain import LATER, explain
from gregaria.compat._writable import make_writable
from gregaria.report.locust_api import StatsCSV as StatsCSV
from gregaria.report.locust_api import StatsCSVFileWriter as StatsCSVFileWriter
from gregaria.report.locust_api import get_error_report_summary as get_error_report_summary
from gregaria.report.locust_api import get_percentile_stats_summary as get_percentile_stats_summary
from gregaria.report.locust_api import get_stats_summary as get_stats_summary
from gregaria.report.locust_api import print_error_report as print_error_report
from gregaria.report.locust_api import print_percentile_stats as print_percentile_stats
from gregaria.report.locust_api import print_stats as print_stats
from gregaria.report.locust_api import print_stats_json as print_stats_json
from gregaria.report.locust_api import save_stats_json as save_stats_json
from gregaria.report.locust_api import stats_history as stats_history
from gregaria.report.locust_api import stats_printer as stats_printer
from gregaria.report.locust_api import update_stats_history as update_stats_history
from gregaria.settings import check_percentiles, settings
from gregaria.stats.entry import StatsEntry as StatsEntry
from gregaria.stats.failures import StatsError as StatsError
from gregaria.stats.response_times import avg as avg
from gregaria.stats.response_times import bucket_response_time as bucket_response_time
from gregaria.stats.response_times import calculate_response_time_percentile as calculate_response_time_percentile
from gregaria.stats.response_times import diff_response_time_dicts as diff_response_time_dicts
from gregaria.stats.response_times import get_readable_percentiles as get_readable_percentiles
from gregaria.stats.response_times import sort_stats as sort_stats
from gregaria.stats.table import RequestStats as RequestStats

CONSOLE_STATS_INTERVAL_SEC: float
HISTORY_STATS_INTERVAL_SEC: float
CSV_STATS_INTERVAL_SEC: float
CSV_STATS_FLUSH_INTERVAL_SEC: float
CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW: int
PERCENTILES_TO_REPORT: list[float]
PERCENTILES_TO_STATISTICS: list[float]
PERCENTILES_TO_CHART: list[float]
STATS_NAME_WIDTH: int
STATS_TYPE_WIDTH: int
STATS_AUTORESIZE: bool

__all__ = [
    "CONSOLE_STATS_INTERVAL_SEC",
    "CSV_STATS_FLUSH_INTERVAL_SEC",
    "CSV_STATS_INTERVAL_SEC",
    "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW",
    "HISTORY_STATS_INTERVAL_SEC",
    "PERCENTILES_TO_CHART",
    "PERCENTILES_TO_REPORT",
    "PERCENTILES_TO_STATISTICS",
    "STATS_AUTORESIZE",
    "STATS_NAME_WIDTH",
    "STATS_TYPE_WIDTH",
    "RequestStats",
    "RequestStatsAdditionError",
    "StatsCSV",
    "StatsCSVFileWriter",
    "StatsEntry",
    "StatsError",
    "avg",
    "bucket_response_time",
    "calculate_response_time_percentile",
    "diff_response_time_dicts",
    "get_error_report_summary",
    "get_percentile_stats_summary",
    "get_readable_percentiles",
    "get_stats_summary",
    "print_error_report",
    "print_percentile_stats",
    "print_stats",
    "print_stats_json",
    "save_stats_json",
    "sort_stats",
    "stats_history",
    "stats_printer",
    "update_stats_history",
    "validate_stats_configuration",
]


class RequestStatsAdditionError(Exception):
    """Two statistics could not be added; Gregaria's always can."""


def validate_stats_configuration() -> None:
    """Raise when the lists of percentiles make no sense."""
    check_percentiles(settings)


if not TYPE_CHECKING:
    __getattr__ = explain(
        __name__,
        {
            "CachedResponseTimes": f"{LATER}; use entry.get_current_response_time_percentile(0.95).",
            "median_from_dict": "was dropped by Locust; use entry.median_response_time.",
        },
    )

make_writable(
    __name__,
    {
        "CONSOLE_STATS_INTERVAL_SEC": "console_stats_interval_s",
        "HISTORY_STATS_INTERVAL_SEC": "history_stats_interval_s",
        "CSV_STATS_INTERVAL_SEC": "csv_stats_interval_s",
        "CSV_STATS_FLUSH_INTERVAL_SEC": "csv_stats_flush_interval_s",
        "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW": "current_window_s",
        "PERCENTILES_TO_REPORT": "percentiles_to_report",
        "PERCENTILES_TO_STATISTICS": "percentiles_to_statistics",
        "PERCENTILES_TO_CHART": "percentiles_to_chart",
        "STATS_NAME_WIDTH": "stats_name_width",
        "STATS_TYPE_WIDTH": "stats_type_width",
        "STATS_AUTORESIZE": "stats_autoresize",
    },
    inert={
        "response_time_histogram": "it never was a setting of Locust; response times are kept to 1 % from 1 us to 1 h.",
        "bucket_response_time": "response times are kept to 1 % from 1 us to 1 h, finer than any rounding.",
    },
)
