"""How often and how long, for both ends of a link."""

import zlib
from dataclasses import dataclass

from gregaria.settings import settings

__all__ = ["GOODBYE_S", "ROWS_S", "TICK_AT_S", "Timing", "report_at_s"]

#: seconds that a goodbye has to be heard, and that a master waits for those of its workers
GOODBYE_S = 3.0
#: seconds that workers have to get the first rows of their feeds, before users wait for them
ROWS_S = 60.0
#: Of each second of the clock: when a master takes what workers have reported in it as one second's figures. Their
#: reports come in the first part, each worker's at a moment of its own, and so never just before or just after that.
TICK_AT_S, _REPORTS_S = 0.7, 0.4


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds.

    Attributes:
        heartbeat_s: between two signs of life of a worker.
        lease_s: how long a worker's users may run after a sign of life that the master has answered.
        report_s: between two reports of what a worker has counted.
        ready_s: between two tries to be accepted.
        tell_s: between two words about a master that cannot be reached.
        give_up_s: after which a worker stops trying.
        retry_s: after which what was sent and has not been received is sent again.
    """

    heartbeat_s: float = 1.0
    lease_s: float = 5.0
    report_s: float = 1.0
    ready_s: float = 1.0
    tell_s: float = 5.0
    give_up_s: float = 300.0
    retry_s: float = 1.0

    @classmethod
    def usual(cls) -> "Timing":
        """What the settings say."""
        return cls(
            heartbeat_s=settings.heartbeat_interval_s,
            give_up_s=settings.connect_retry_timeout_s * settings.connect_retry_count,
        )


def report_at_s(node_id: str) -> float:
    """The part of each second of the clock at which a worker of that name reports; the same for the same name."""
    return zlib.crc32(node_id.encode()) / 2**32 * _REPORTS_S
