"""Where the time of one request went."""

from typing import NamedTuple

#: the phases in the order in which they follow each other
PHASES = ("name_lookup", "connect", "tls", "sending", "first_byte", "receiving")


class Phases(NamedTuple):
    """The parts of a request's time in microseconds; together they are the whole.

    Attributes:
        name_lookup_us, connect_us, tls_us: making the connection; 0 on one that was open already.
        sending_us: until the operating system had taken the whole request.
        first_byte_us: from then until the answer began.
        receiving_us: from then until it was whole; 0 when only its head was waited for.
    """

    name_lookup_us: int
    connect_us: int
    tls_us: int
    sending_us: int
    first_byte_us: int
    receiving_us: int

    @property
    def total_us(self) -> int:
        """The whole time."""
        return sum(self)

    def plus(self, other: "Phases") -> "Phases":
        """The phases of two requests that are one in the statistics, as the steps of a redirect are."""
        return Phases(*(mine + its for mine, its in zip(self, other, strict=True)))

    def as_ms(self) -> dict[str, float]:
        """``{phase: milliseconds}``, with the names of ``PHASES``."""
        # Written out, as it is done for every request that somebody listens to.
        lookup_us, connect_us, tls_us, sending_us, first_byte_us, receiving_us = self
        return {
            "name_lookup": lookup_us / 1000,
            "connect": connect_us / 1000,
            "tls": tls_us / 1000,
            "sending": sending_us / 1000,
            "first_byte": first_byte_us / 1000,
            "receiving": receiving_us / 1000,
        }
