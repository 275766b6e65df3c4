"""What may be missing in the figures of a test when a worker was lost."""

from dataclasses import dataclass

from gregaria.settings import settings

__all__ = ["Loss"]


@dataclass(frozen=True, slots=True)
class Loss:
    """A worker that was lost, and has not come back.

    Attributes:
        index: its number.
        host: its machine.
        users: how many it had.
        requests_per_s: how many requests it made at most, as far as it had told.
        silent_s: for how long it had not been heard of.
    """

    index: int
    host: str
    users: int
    requests_per_s: float
    silent_s: float

    def told(self, requests_per_s_of_a_user: float) -> str:
        """A sentence with an upper bound: two heartbeats and the silence at its highest rate, and one a user."""
        rate = max(self.requests_per_s, self.users * requests_per_s_of_a_user)
        most = round(rate * (self.silent_s + 2 * settings.heartbeat_interval_s)) + self.users
        return (
            f"Worker {self.index} ({self.host}) was lost with {self.users} users: its figures are complete up to its "
            f"last report. At most about {most:,} requests that it made since are in no figure."
        )
