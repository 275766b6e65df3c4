"""Every tunable in one object, with its unit; what Locust keeps as module constants is a view on this."""

import dataclasses
import shutil


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
    #: seconds between two rewrites of the CSV files, and between two flushes to disk
    csv_stats_interval_s: float = 1
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
    #: points kept by the history; when full, every second one is dropped and the interval doubles
    max_history_points: int = 1200

    #: seconds that requests on the wire get after the end of the test, at least
    stop_grace_s: float = 1.0
    #: seconds for connecting (TLS included), and of silence, before a request fails (FastHttpUser's own win)
    connect_timeout_s: float = 60.0
    network_timeout_s: float = 60.0
    #: the same silence for HttpUser, where requests itself would wait for ever
    http_user_timeout_s: float = 300.0
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
    #: whether the web page insists on a host
    host_is_required: bool = False
    #: seconds that the web interface may answer from its cache
    web_cache_time_s: float = 2.0

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


settings = Settings()
