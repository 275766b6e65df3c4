from datetime import UTC, datetime

__all__ = ["format_duration", "format_safe_timestamp", "format_utc_timestamp"]

UNITS_S = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def format_utc_timestamp(unix_timestamp: float) -> str:
    """``2026-01-31T12:30:59Z``."""
    return datetime.fromtimestamp(int(unix_timestamp), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_safe_timestamp(unix_timestamp: float) -> str:
    """``2026-01-31-12h30`` in local time, for names of files."""
    return datetime.fromtimestamp(unix_timestamp).strftime("%Y-%m-%d-%Hh%M")


def format_duration(start_time: float, end_time: float) -> str:
    """``1 hour, 2 minutes and 5 seconds``."""
    rest = int(end_time - start_time)
    parts = []
    for unit, seconds in UNITS_S:
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    *most, last = parts or ["0 seconds"]
    return f"{', '.join(most)} and {last}" if most else last
