"""What comes before the first user, in a run and in a worker."""

from typing import Any

from gregaria.environment import Environment
from gregaria.errors import CommandError, ExitCode
from gregaria.events import FLOW, EventHook
from gregaria.users.check import check_user_class

__all__ = ["check_classes", "fire_init"]


def fire_init(environment: Environment, runner: Any, web_ui: Any = None) -> None:
    """Tell listeners that the runner is there, and the web interface if there is one.

    Raises:
        CommandError: one of them raised.
    """
    before = EventHook.errors
    try:
        environment.events.init.fire(environment=environment, runner=runner, web_ui=web_ui)
    except FLOW as error:
        raise CommandError(f"a listener of init raised {error!r}", ExitCode.INIT_FAILED) from error
    if EventHook.errors > before:
        raise CommandError("a listener of init raised, see above; the run is not started", ExitCode.INIT_FAILED)


def check_classes(environment: Environment) -> None:
    """Refuse user classes that cannot work, and give those that can the host that was asked for.

    Raises:
        WrongDeclarationError: one cannot work.
        CommandError: a host is to be tested that may not be asked.
    """
    for user_class in environment.user_classes:
        check_user_class(user_class)
        if environment.host:
            user_class.host = environment.host
    environment.check_hosts()
