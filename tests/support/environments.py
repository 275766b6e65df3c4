"""An environment and a runner with nothing but what a user may ask of them (gregaria/context.py)."""

from typing import Any

from gevent.pool import Group

from gregaria.events import Events
from gregaria.users.taskset import TaskSet


class QuietRunner:
    """Counts what users tell it.

    Attributes:
        iterations_left: None, or the leaf tasks that users may still run.
        stopped: reasons for which the test was to be stopped.
    """

    def __init__(self, iterations_left: int | None = None) -> None:
        self.iterations_left = iterations_left
        self.stopped: list[str] = []

    @property
    def are_iterations_over(self) -> bool:
        return self.iterations_left is not None and self.iterations_left <= 0

    def take_iteration(self) -> bool:
        if self.iterations_left is None or self.iterations_left <= 0:
            return False
        self.iterations_left -= 1
        return True

    def stop_test(self, reason: str) -> None:
        self.stopped.append(reason)


class QuietEnvironment:
    """What a user needs around it.

    Attributes:
        stepwise: whether users go through their loop step by step, as where a step has been replaced.
        errors: the exceptions that ``user_error`` was fired with.
        error_events: all its arguments.
    """

    def __init__(
        self, runner: QuietRunner | None = None, *, catch_exceptions: bool = True, stepwise: bool = False
    ) -> None:
        self.stepwise = stepwise
        self.events = Events()
        self.runner = runner
        self.host: str | None = None
        self.catch_exceptions = catch_exceptions
        self.parsed_options = None
        self.shared_data: dict[Any, Any] = {}
        self.process_exit_code: int | None = None
        self.error_events: list[dict[str, Any]] = []
        self.events.user_error.add_listener(lambda **arguments: self.error_events.append(arguments))

    @property
    def errors(self) -> list[BaseException]:
        return [arguments["exception"] for arguments in self.error_events]


class StepwiseTaskSet(TaskSet):
    """A task set that has replaced a step of its loop, by one that does the same."""

    def _sleep(self, seconds: float) -> None:
        super()._sleep(seconds)


def made(user_class: Any, environment: QuietEnvironment) -> Any:
    """A user of the class, which goes through its own tasks as the environment says."""
    user = user_class(environment)
    if environment.stepwise:
        user._taskset_instance._sleep = lambda seconds: TaskSet._sleep(user._taskset_instance, seconds)
    return user


def live(user_class: Any, environment: QuietEnvironment, group: Group | None = None) -> Any:
    """Start a user as a runner does, let it run to its end, and return it."""
    user = made(user_class, environment)
    user.start(group if group is not None else Group()).join(timeout=10)
    assert user.greenlet.ready(), "the user did not end"
    return user
