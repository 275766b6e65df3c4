import logging
import socket
from collections.abc import Callable
from typing import Any

from gregaria.logs import LastLines as LogReader
from gregaria.logs import last_lines as get_logs
from gregaria.logs import set_up_logging as setup_logging

HOSTNAME = socket.gethostname().split(".")[0]

__all__ = ["HOSTNAME", "LogReader", "get_logs", "greenlet_exception_logger", "setup_logging"]


def greenlet_exception_logger(logger: logging.Logger, level: int = logging.CRITICAL) -> Callable[[Any], None]:
    """What ``greenlet.link_exception`` calls so that the exception is logged."""

    def log(greenlet: Any) -> None:
        logger.log(level, "An exception escaped %s", greenlet, exc_info=greenlet.exc_info)

    return log
