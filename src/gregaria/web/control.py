"""What changes a run: start, edit, stop, clear the figures, change a user class."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from gevent.lock import RLock

from gregaria.errors import CommandError, GregariaError
from gregaria.runner.dispatch import check_load
from gregaria.runner.state import STATE_RUNNING, STATE_SPAWNING
from gregaria.stats.masking import texts_of
from gregaria.typed import check_host
from gregaria.users.check import check_user_class
from gregaria.web.before import Before
from gregaria.web.form import WrongFieldError, as_host, as_rate, as_run_time_s, as_user_count, as_value

__all__ = ["NO_SHAPE", "Control"]

logger = logging.getLogger("gregaria.web")

View = Callable[..., Any]

#: what the form calls a load without a shape
NO_SHAPE = "Default"

#: seconds that a start gets to be refused before it is answered
_FIRST_LOOK_S = 1.0
#: attributes of a user class that may be changed, beside those that its ``json()`` tells of
_ATTRIBUTES = frozenset({"host", "weight", "fixed_count", "tasks"})
_MISSING_LOAD = "Missing or invalid user_count or spawn_rate from /swarm request"


class Control:
    """Starts and changes tests.

    Args:
        environment: whose runner is steered.
        picks_classes: whether the form chooses user classes and shape.
    """

    def __init__(self, environment: Any, picks_classes: bool) -> None:
        self._environment = environment
        self._picks_classes = picks_classes
        self._turn = RLock()
        # How everything was before the last start.
        self._before: Before | None = None

    def add_routes(self, blueprint: Blueprint, guarded: Callable[[View], View]) -> None:
        """Add Locust's endpoints, each let in by ``guarded``; in older versions, GET stopped and cleared, too."""
        for path, name, view, methods in (
            ("/swarm", "swarm", self.swarm, ["POST"]),
            ("/stop", "stop", self.stop, ["GET", "POST"]),
            ("/stats/reset", "reset_stats", self.reset, ["GET", "POST"]),
            ("/user", "user", self.user, ["POST"]),
        ):
            blueprint.add_url_rule(path, name, guarded(view), methods=methods)

    # -- start and edit --------------------------------------------------------------------------------------------

    def swarm(self) -> ResponseReturnValue:
        """Start a test, or change the load of the one that runs."""
        with self._turn:
            try:
                told = self._swarm(request.form.to_dict(flat=False))
            except (ValueError, GregariaError) as error:
                logger.error("%s", error)
                told = {"success": False, "message": str(error)}
        return jsonify({"host": self._environment.host, **told})

    def _swarm(self, fields: dict[str, list[str]]) -> dict[str, Any]:
        environment = self._environment
        runner = environment.runner
        if runner is None:
            raise WrongFieldError("No runner")
        one = {name: values[-1] for name, values in fields.items()}
        is_running = runner.state in (STATE_SPAWNING, STATE_RUNNING)
        # Everything is looked at before anything is changed.
        classes, shape = environment.user_classes, environment.shape_class
        if self._picks_classes:
            classes, shape = self._chosen(fields, is_running)
        user_count, rate = as_user_count(one), as_rate(one)
        run_time_s = as_run_time_s(one["run_time"]) if one.get("run_time", "").strip() else None
        host = as_host(one["host"]) if "host" in one else environment.host
        if shape is not None and is_running:
            raise WrongFieldError("Editing is disabled: the shape decides how many users there are")
        environment.check_host(host)
        values = self._values(fields)
        told: dict[str, Any] = {"success": True, "message": "Swarming started"}
        if shape is None:
            if user_count is None or rate is None:
                raise WrongFieldError(_MISSING_LOAD)
            check_load(user_count, rate)
            if run_time_s is not None:
                told["run_time"] = run_time_s
            values |= {"num_users": user_count, "spawn_rate": rate}
        else:
            told["message"] = f"Swarming started using shape class '{type(shape).__name__}'"
            run_time_s = None
        if self._picks_classes:
            told["user_classes"] = sorted(user_class.__name__ for user_class in classes)
        # Whoever changes the load of a test has not asked for more time than it had.
        is_timed_anew = not is_running or "run_time" in one
        if is_timed_anew and shape is None:
            values["run_time"] = self._whole_run_time_s(run_time_s) if is_running else run_time_s
        if not is_running:
            for user_class in classes:
                check_user_class(user_class)
        before = self._before = Before(environment)

        def give_back() -> None:
            # Unless somebody has given other values meanwhile.
            if self._before is before:
                before.give_back()
                if not is_running:
                    runner.stop_after(None)

        self._take_over(values, host, one.get("profile"))
        if not is_running:
            self._pick(classes, shape)
            runner.stop_after(run_time_s)
        if shape is not None:
            self._begin(runner.start_shape, give_back)
        else:
            only = classes if is_running and self._picks_classes else None
            self._begin(lambda: runner.start(user_count, rate, user_classes=only), give_back)
        if is_running and is_timed_anew:
            runner.stop_after(run_time_s)
        return {"host": environment.host, **told}

    def _whole_run_time_s(self, left_s: float | None) -> float | None:
        """How long the test that runs will have taken when it ends so many seconds from now."""
        began_epoch_s = self._environment.runner.test_started_epoch_s
        return left_s if left_s is None or began_epoch_s is None else round(time.time() - began_epoch_s) + left_s

    def _values(self, fields: Mapping[str, list[str]]) -> dict[str, Any]:
        """The custom options that the form gives, each as its type and its choices allow.

        No others, for a page is not to choose where files are written.

        Raises:
            WrongFieldError: one cannot be what the form says.
        """
        options = self._environment.parsed_options
        if options is None:
            return {}
        values = {}
        for name, option in self._environment.custom_options.items():
            # A page does not know what a secret is: left empty it stays.
            if name in fields and hasattr(options, name) and (fields[name][-1] or not option.is_secret):
                try:
                    values[name] = as_value(option, fields[name], getattr(options, name))
                except WrongFieldError as error:
                    raise WrongFieldError(f"{name}: {error}") from None
        return values

    def _take_over(self, values: Mapping[str, Any], host: str | None, profile: str | None) -> None:
        environment = self._environment
        environment.host = host
        if profile is not None:
            environment.profile = profile
            values = {**values, "profile": profile}
        if environment.parsed_options is not None:
            for name, value in {**values, "host": host}.items():
                setattr(environment.parsed_options, name, value)
        errors = environment.stats.errors
        secret = [name for name, option in environment.custom_options.items() if option.is_secret]
        errors.mask = errors.mask.and_these(text for name in secret for text in texts_of(values.get(name)))

    def _chosen(self, fields: Mapping[str, list[str]], is_running: bool) -> tuple[list[Any], Any]:
        """The user classes and the shape that the form chooses; all of them, or the present ones of a running test."""
        environment = self._environment
        available = environment.available_user_classes or environment.user_classes_by_name
        if not available:
            raise WrongFieldError("UserClass picker is active but there are no available UserClasses")
        names = fields.get("user_classes") or []
        unknown = [name for name in names if name not in available]
        if unknown:
            raise WrongFieldError(f"There is no user class {unknown[0]}: there are {', '.join(available)}")
        classes = [available[name] for name in dict.fromkeys(names)]
        if not classes:
            classes = list(environment.user_classes if is_running else available.values())
        shape = environment.shape_class
        if name := (fields.get("shape_class") or [""])[-1]:
            shapes = environment.available_shape_classes or {}
            if name != NO_SHAPE and name not in shapes:
                raise WrongFieldError(f"There is no shape {name}: there are {', '.join([NO_SHAPE, *shapes])}")
            shape = _instance_of(shapes.get(name))
        return classes, shape

    def _pick(self, classes: list[Any], shape: Any) -> None:
        environment = self._environment
        if self._picks_classes:
            # In place: the runner looks at this very list.
            environment.user_classes[:] = classes
        environment.shape_class = shape
        if shape is not None:
            shape.runner = environment.runner

    def _begin(self, start: Callable[[], object], give_back: Callable[[], object]) -> None:
        """Have a test begin, or raise why it cannot: its first listener may take its time, which nobody waits for.

        Args:
            start: begins it, or raises.
            give_back: called when it raises, before that is told.

        Raises:
            ValueError, GregariaError: it cannot be started.
        """
        failures: list[Exception] = []

        def begin() -> None:
            try:
                start()
            except (ValueError, GregariaError) as error:
                give_back()
                failures.append(error)

        def tell(_: object) -> None:
            if failures:
                logger.error("The test could not be started: %s", failures[0])

        greenlet = gevent.spawn(begin)
        greenlet.join(_FIRST_LOOK_S)
        if failures:
            raise failures[0]
        # The answer has gone by then.
        greenlet.link(tell)

    # -- the rest --------------------------------------------------------------------------------------------------

    def stop(self) -> ResponseReturnValue:
        """End the test, and answer when it is over."""
        if self._environment.runner is not None:
            self._environment.runner.stop()
        return jsonify({"success": True, "message": "Test stopped"})

    def reset(self) -> ResponseReturnValue:
        """Begin to count anew; the rows stay, at zero."""
        environment = self._environment
        environment.events.reset_stats.fire()
        if environment.runner is not None:
            environment.runner.reset_stats()
        return "ok"

    def user(self) -> ResponseReturnValue:
        """Change attributes of a user class, for users that start from now on."""
        told = request.get_json(force=True, silent=True)
        changes: dict[str, Any] = told if isinstance(told, dict) else {}
        environment = self._environment
        available = environment.available_user_classes or environment.user_classes_by_name
        name = changes.get("user_class_name")
        if not isinstance(name, str) or name not in available:
            abort(400, f"The body is a JSON object, whose user_class_name is one of {', '.join(available)}")
        user_class = available[name]
        known = _ATTRIBUTES | set(user_class.json())
        unknown = sorted(set(changes) - known - {"user_class_name"})
        if unknown:
            abort(400, f"{unknown[0]} cannot be changed: of {name} there are {', '.join(sorted(known))}")
        if wrong := _wrong_attribute(changes):
            abort(400, wrong)
        if changes.get("tasks") == [] and user_class.tasks:
            abort(400, f"{name} needs at least one task: users of it would have nothing to do")
        try:
            environment.check_host(changes.get("host"))
            environment.update_user_class(changes)
        except CommandError as error:
            abort(400, str(error))
        except KeyError as error:
            abort(400, f"{name} has no task {error.args[0]}")
        return jsonify({}), 201


def _instance_of(shape: Any) -> Any:
    """Shapes are given as instances by the command and may be classes in a script."""
    return shape() if isinstance(shape, type) else shape


def _wrong_attribute(changes: Mapping[str, Any]) -> str | None:
    """Why these are no attributes of a user class, in words; None if they can be."""
    for name in ("weight", "fixed_count"):
        value = changes.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            return f"{name} is a number that is not below zero, not {value!r}"
    tasks = changes.get("tasks", [])
    if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks):
        return "tasks is a list of names"
    host = changes.get("host")
    if not isinstance(host, str | None):
        return "host is a text or null"
    try:
        check_host(host or "")
    except ValueError as error:
        return f"host: {error}"
    return None
