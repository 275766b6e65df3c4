"""Every tunable in one object, with its unit; what Locust keeps as module constants is a view on this.

The module answers for the object, whose name it bears: ``from gregaria import settings`` gives either.
"""

import dataclasses
import difflib
import shutil
import sys
from types import ModuleType
from typing import Any

from gregaria.errors import CommandError, ExitCode

#: each list of percentiles, with the name Locust's users know it by
PERCENTILES = {
    "percentiles_to_report": "locust.stats.PERCENTILES_TO_REPORT",
    "percentiles_to_statistics": "locust.stats.PERCENTILES_TO_STATISTICS",
    "percentiles_to_chart": "locust.stats.PERCENTILES_TO_CHART",
    "percentiles_for_html_report": "locust.html.PERCENTILES_FOR_HTML_REPORT",
}
#: lines that a chart of response times can show without becoming a tangle
MAX_CHART_PERCENTILES = 6


def _name_width() -> int:
    columns = shutil.get_terminal_size((160, 24)).columns
    return max(min(columns - 80, 80), 0) or 80


@dataclasses.dataclass
class Settings:
    """The process's tunables. Assign to an attribute to change one; ``reset(name)`` restores its default."""

    #: seconds between two tables on the console
    console_stats_interval_s: float = 2
    #: seconds between two points of the history
    history_stats_interval_s: float = 5
    #: seconds between two rewrites of the CSV files
    csv_stats_interval_s: float = 1
    #: without effect, as nothing is held back; the name is Locust's
    csv_stats_flush_interval_s: float = 5
    #: seconds that "current" percentiles and rates look back
    current_window_s: int = 10
    #: percentiles (0..1) of the console and the CSV files, of the UI's table and chart, of the HTML report
    percentiles_to_report: list[float] = dataclasses.field(
        default_factory=lambda: [0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0]
    )
    percentiles_to_statistics: list[float] = dataclasses.field(default_factory=lambda: [0.95, 0.99])
    percentiles_to_chart: list[float] = dataclasses.field(default_factory=lambda: [0.50, 0.95])
    percentiles_for_html_report: list[float] = dataclasses.field(
        default_factory=lambda: [0.50, 0.60, 0.70, 0.80, 0.90, 0.95, 0.99, 1.0]
    )
    #: characters of the console table's first two columns; whether they follow the terminal's width
    stats_name_width: int = dataclasses.field(default_factory=_name_width)
    stats_type_width: int = 8
    stats_autoresize: bool = True

    #: names, groups of failures and groups of exceptions that are counted apart; the rest is one row ``(other)``
    max_names: int = 1000
    max_failures: int = 200
    max_exceptions: int = 200
    #: of each group of failures, the exchanges that are kept, and the bytes of each body
    kept_exchanges: int = 5
    kept_body_bytes: int = 4096
    #: points kept by the history; when full, every second one is dropped and the interval doubles
    max_history_points: int = 1200
    #: bytes of memory for what was counted when, by name; when full, the oldest is kept less finely
    timeline_bytes: int = 256 * 1024 * 1024

    #: seconds that requests on the wire get after the end of the test, at least
    stop_grace_s: float = 1.0
    #: seconds for connecting (TLS included), and of silence, before a request fails (FastHttpUser's own win)
    connect_timeout_s: float = 60.0
    network_timeout_s: float = 60.0
    #: the same silence for HttpUser, where requests itself would wait for ever
    http_user_timeout_s: float = 300.0
    #: seconds that a request with ``Expect: 100-continue`` waits for the server's word before it sends its body
    expect_timeout_s: float = 1.0
    #: whether the kernel is asked when answers came (Linux); read when a connection is opened
    kernel_stamps: bool = True
    #: largest response head and body in bytes
    max_head_bytes: int = 256 * 1024
    max_body_bytes: int = 1024 * 1024 * 1024

    #: distributed runs, as Locust names them
    heartbeat_interval_s: float = 1
    heartbeat_liveness: int = 3
    heartbeat_dead_internal_s: float = -60
    master_heartbeat_timeout_s: float = 60
    worker_report_interval_s: float = 3.0
    worker_log_report_interval_s: float = 10
    connect_retry_timeout_s: float = 5
    connect_retry_count: int = 60
    fallback_interval_s: float = 5
    #: seconds between two samples of the process's own CPU, and the share of a core that is warned about
    cpu_monitor_interval_s: float = 10.0
    cpu_warning_threshold: float = 90
    #: milliseconds by which the event loop may be late before a second counts as late
    late_limit_ms: float = 50
    #: threads that gregaria.offload() may use at once
    offload_threads: int = 4
    #: whether the web page insists on a host
    host_is_required: bool = False
    #: seconds that the web interface may answer from its cache
    web_cache_time_s: float = 2.0
    #: runs that the web interface keeps, and the bytes that they may have together
    max_kept_runs: int = 100
    kept_runs_bytes: int = 1024 * 1024 * 1024

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _names():
            raise _no_setting(name)
        super().__setattr__(name, value)

    def reset(self, name: str) -> None:
        """Put one tunable back to its default.

        Raises:
            AttributeError: there is no tunable of that name.
        """
        for field in dataclasses.fields(self):
            if field.name == name:
                if field.default is not dataclasses.MISSING:
                    setattr(self, name, field.default)
                elif field.default_factory is not dataclasses.MISSING:
                    setattr(self, name, field.default_factory())
                return
        raise AttributeError(name)


class _SettingsModule(ModuleType):
    """This module: names of settings are those of the object, read and assigned."""

    def __getattr__(self, name: str) -> Any:
        if name not in _names():
            raise _no_setting(name)
        return getattr(settings, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ or name.startswith("__"):
            super().__setattr__(name, value)
        else:
            setattr(settings, name, value)


def _names() -> list[str]:
    return [field.name for field in dataclasses.fields(Settings)]


def _no_setting(name: str) -> AttributeError:
    """What is wrong with a name, and what to write instead."""
    near = difflib.get_close_matches(name.lower(), _names(), n=1)
    advice = f"write settings.{near[0]}" if near else "docs/settings.md lists those there are"
    return AttributeError(f"there is no setting {name!r}; {advice}", name=name)


def check_percentiles(chosen: Settings) -> None:
    """Refuse lists of percentiles that no report could show; called once, when the locustfiles have been imported.

    Raises:
        CommandError: with the setting's name, the value and what to write instead.
    """
    for name, known_as in PERCENTILES.items():
        values = getattr(chosen, name)
        where = f"settings.{name} ({known_as})"
        if not isinstance(values, (list, tuple)):
            raise CommandError(f"{where} is {values!r}; write a list such as [0.5, 0.95].", ExitCode.SETTINGS)
        for value in values:
            _check_percentile(value, where)
        if len(set(values)) != len(values):
            raise CommandError(f"{where} names a percentile twice: {list(values)}.", ExitCode.SETTINGS)
    if len(chosen.percentiles_to_chart) > MAX_CHART_PERCENTILES:
        raise CommandError(
            f"settings.percentiles_to_chart ({PERCENTILES['percentiles_to_chart']}) has "
            f"{len(chosen.percentiles_to_chart)} percentiles; a chart shows {MAX_CHART_PERCENTILES} at most.",
            ExitCode.SETTINGS,
        )


def check_numbers(chosen: Settings) -> None:
    """Refuse limits that mean nothing; called once, when the locustfiles have been imported.

    Raises:
        CommandError: with the setting's name, the value and what to write instead.
    """
    limit = chosen.late_limit_ms
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 1 <= limit <= 60_000:
        raise CommandError(
            f"settings.late_limit_ms is {limit!r}; write milliseconds from 1 to 60000, such as 50.", ExitCode.SETTINGS
        )
    room = chosen.timeline_bytes
    if isinstance(room, bool) or not isinstance(room, int) or room < 1_000_000:
        raise CommandError(
            f"settings.timeline_bytes is {room!r}; write a whole number from 1000000 on, such as 256 * 1024 * 1024.",
            ExitCode.SETTINGS,
        )
    threads = chosen.offload_threads
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 1000:
        raise CommandError(
            f"settings.offload_threads is {threads!r}; write a whole number from 1 to 1000, such as 4.",
            ExitCode.SETTINGS,
        )


def _check_percentile(value: object, where: str) -> None:
    advice = "write fractions between 0 and 1"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if 0 <= value <= 1:
            return
        if 1 < value <= 100:
            advice = f"write {value / 100:g}"
    raise CommandError(f"{where} contains {value!r}; {advice}.", ExitCode.SETTINGS)


settings = Settings()
sys.modules[__name__].__class__ = _SettingsModule
