"""Why a master cannot be reached, in the words of the system."""

import socket

__all__ = ["why_not"]

_LONGEST_S = 1.0


def why_not(host: str, port: int) -> str:
    """In brackets and with a blank before, what the system says of a connection there."""
    try:
        with socket.create_connection((host, port), timeout=_LONGEST_S):
            return " (something accepts connections there, but does not answer as a master)"
    except OSError as error:
        return f" ({error.strerror or error})"
