"""The way to a master, and why it cannot be reached, in the words of the system."""

import socket

import zmq

from gregaria.engine.names import place_of
from gregaria.errors import CommandError, ExitCode

__all__ = ["connect", "why_not"]

_LONGEST_S = 1.0


def connect(dealer: "zmq.Socket[bytes]", host: str, port: int) -> None:
    """Have a socket connect to a master, as soon as there is one.

    Raises:
        CommandError: that is no address (exit code USAGE).
    """
    try:
        dealer.connect(f"tcp://{place_of(host, port)}")
    except zmq.ZMQError:
        raise CommandError(f"--master-host: {host!r} is no name or address of a machine", ExitCode.USAGE) from None


def why_not(host: str, port: int) -> str:
    """In brackets and with a blank before, what the system says of a connection there."""
    try:
        with socket.create_connection((host, port), timeout=_LONGEST_S):
            return " (something accepts connections there, but does not answer as a master)"
    except OSError as error:
        return f" ({error.strerror or error})"
