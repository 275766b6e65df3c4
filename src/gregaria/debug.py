"""run_single_user: one user in the foreground, every request on a line of its own, for a debugger's sake."""

import os
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

from gregaria.cli.config import resolve
from gregaria.cli.options import new_parser
from gregaria.environment import Environment
from gregaria.events import events
from gregaria.logs import set_up_logging
from gregaria.users.check import check_user_class
from gregaria.users.user import User

__all__ = ["PrintListener", "run_single_user"]

NAME_WIDTH = 50
TIME_WIDTH = 7
EXCEPTION_WIDTH = 9
LONGEST_EXCEPTION = 500


class PrintListener:
    """Prints a header, and from then on a line of tab-separated values for every request of ``environment``.

    Args:
        environment: whose requests.
        include_length, include_time, include_context, include_payload: columns to add: bytes of the response, local
            time of the request's start, the request's context, the request's body.
    """

    def __init__(
        self,
        environment: Any,
        include_length: bool = False,
        include_time: bool = False,
        include_context: bool = False,
        include_payload: bool = False,
    ) -> None:
        self._include_length = include_length
        self._include_time = include_time
        self._include_context = include_context
        self._include_payload = include_payload
        self._event = environment.events.request
        self._event.add_listener(self.on_request)
        self._print("time", "type", "name", "resp_ms", "length", "exception", "context", "payload")

    def close(self) -> None:
        """Print no more."""
        self._event.remove_listener(self.on_request)

    def on_request(
        self,
        request_type: str,
        name: str,
        response_time: float | None,
        response_length: int,
        exception: Any = None,
        context: Any = None,
        response: Any = None,
        start_time: float | None = None,
        **_: Any,
    ) -> None:
        """Print one request; -1 stands for no response time."""
        started = time.localtime(time.time() if start_time is None else start_time)
        self._print(
            time.strftime("%Y-%m-%d %H:%M:%S", started),
            request_type,
            name,
            "-1" if response_time is None else f"{response_time:.0f}",
            str(response_length),
            repr(exception)[:LONGEST_EXCEPTION] if exception else "",
            str(context or ""),
            _payload(response),
        )

    def _print(
        self,
        moment: str,
        kind: str,
        name: str,
        milliseconds: str,
        length: str,
        exception: str,
        context: str,
        payload: str,
    ) -> None:
        columns = [
            (self._include_time, moment),
            (True, kind),
            (True, name.ljust(NAME_WIDTH)),
            (True, milliseconds.ljust(TIME_WIDTH)),
            (self._include_length, length),
            (True, exception.ljust(EXCEPTION_WIDTH)),
            (self._include_context, context),
            (self._include_payload, payload),
        ]
        print("\t".join(text for included, text in columns if included), flush=True)


def run_single_user(
    user_class: type[User],
    include_length: bool = False,
    include_time: bool = False,
    include_context: bool = False,
    include_payload: bool = False,
    loglevel: str | None = "WARNING",
) -> None:
    """Run one user in the foreground until it ends, printing its requests.

    For the end of a locustfile, so that it can be started by a debugger:

        if __name__ == "__main__":
            run_single_user(WebsiteUser)

    The command line, environment variables and configuration files count as for the command (``--host``, say); what
    is unknown there is passed over, because it may be the debugger's. Listeners of ``init`` are told once per process,
    those of ``test_start`` at each call; there is no runner. ``environment.single_user_instance`` is the user.

    Args:
        user_class: whose user.
        include_length, include_time, include_context, include_payload: further columns, see ``PrintListener``.
        loglevel: of the log on standard error; None leaves logging alone.

    Raises:
        WrongDeclarationError: the class cannot work.
        Exception: what the user's constructor or ``on_start`` raises.
    """
    if loglevel:
        set_up_logging(loglevel)
    environment = _environment()
    if environment.host:
        user_class.host = environment.host
    check_user_class(user_class)
    environment.user_classes = [user_class]
    events.test_start.fire(environment=environment)
    listener = PrintListener(environment, include_length, include_time, include_context, include_payload)
    try:
        user = user_class(environment)
        environment.single_user_instance = user
        user.run()
    finally:
        listener.close()


@cache
def _environment() -> Any:
    parser = new_parser()
    events.init_command_line_parser.fire(parser=parser)
    options = resolve(parser, sys.argv[1:], os.environ, Path.cwd(), Path.home(), strict=False).options
    environment = Environment(events=events, host=options.host, parsed_options=options)
    events.init.fire(environment=environment, runner=None, web_ui=None)
    return environment


def _payload(response: Any) -> str:
    body = getattr(getattr(response, "request", None), "body", None)
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace")
    return "" if body is None else str(body)
