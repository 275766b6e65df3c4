"""What changes a run: start, edit, stop, clear the figures, change a user class."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import gevent
from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from gevent.lock import RLock

from gregaria.errors import CommandError, GregariaError
from gregaria.runner.state import STATE_RUNNING, STATE_SPAWNING
from gregaria.stats.masking import texts_of
from gregaria.typed import check_host
from gregaria.users.check import check_user_class
from gregaria.web.before import Before
from gregaria.web.form import WrongFieldError
from gregaria.web.order import RULES_SOURCE, Order, read_order

__all__ = ["Control"]

logger = logging.getLogger("gregaria.web")

View = Callable[..., Any]

#: the header that says which field a refusal is about: the body is Locust's to the letter
_WRONG_FIELD = "X-Wrong-Field"
#: seconds that a start gets to be refused before it is answered
_FIRST_LOOK_S = 1.0
#: attributes of a user class that may be changed, beside those that its ``json()`` tells of
_ATTRIBUTES = frozenset({"host", "weight", "fixed_count", "tasks"})


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
        headers: dict[str, str] = {}
        with self._turn:
            try:
                told = self._swarm(request.form.to_dict(flat=False))
            except (ValueError, GregariaError) as error:
                logger.error("%s", error)
                told = {"success": False, "message": str(error)}
                if isinstance(error, WrongFieldError) and error.field is not None:
                    headers[_WRONG_FIELD] = quote(error.field)
        return jsonify({"host": self._environment.host, **told}), 200, headers

    def _swarm(self, fields: dict[str, list[str]]) -> dict[str, Any]:
        runner = self._environment.runner
        if runner is None:
            raise WrongFieldError("No runner")
        is_running = runner.state in (STATE_SPAWNING, STATE_RUNNING)
        # Everything is looked at before anything is changed.
        order = read_order(self._environment, fields, self._picks_classes, is_running)
        told: dict[str, Any] = {"success": True, "message": "Swarming started"}
        if order.shape is not None:
            told["message"] = f"Swarming started using shape class '{type(order.shape).__name__}'"
        elif order.run_time_s is not None:
            told["run_time"] = order.run_time_s
        if self._picks_classes:
            told["user_classes"] = sorted(user_class.__name__ for user_class in order.classes)
        if is_running:
            self._edit(order)
        else:
            self._start(order)
        return {"host": self._environment.host, **told}

    def _start(self, order: Order) -> None:
        environment, runner = self._environment, self._environment.runner
        for user_class in order.classes:
            check_user_class(user_class)
        before = self._before = Before(environment)

        def give_back() -> None:
            # Unless somebody has given other values meanwhile.
            if self._before is before:
                before.give_back()
                runner.stop_after(None)

        self._take_over(order, {} if order.shape is not None else {"run_time": order.run_time_s})
        environment.max_rps = order.max_rps
        environment.judge.replace_rules(order.rules, RULES_SOURCE)
        if self._picks_classes:
            # In place: the runner looks at this very list.
            environment.user_classes[:] = order.classes
        environment.shape_class = order.shape
        if order.shape is not None:
            order.shape.runner = runner
        runner.stop_after(order.run_time_s)
        load = order.load
        self._begin(runner.start_shape if load is None else lambda: runner.start(*load), give_back)

    def _edit(self, order: Order) -> None:
        environment, runner = self._environment, self._environment.runner
        before = self._before = Before(environment)

        def give_back() -> None:
            if self._before is before:
                before.give_back()

        # Whoever changes the load of a test has not asked for more time than it had.
        is_timed_anew = order.has_run_time and order.shape is None
        self._take_over(order, {"run_time": self._whole_run_time_s(order.run_time_s)} if is_timed_anew else {})
        if order.load is not None:
            user_count, rate = order.load
            only = order.classes if self._picks_classes else None
            self._begin(lambda: runner.start(user_count, rate, user_classes=only), give_back)
        if order.max_rps != environment.max_rps:
            runner.cap(order.max_rps)
        if is_timed_anew:
            runner.stop_after(order.run_time_s)

    def _whole_run_time_s(self, left_s: float | None) -> float | None:
        """How long the test that runs will have taken when it ends so many seconds from now."""
        began_epoch_s = self._environment.runner.test_started_epoch_s
        return left_s if left_s is None or began_epoch_s is None else round(time.time() - began_epoch_s) + left_s

    def _take_over(self, order: Order, more: Mapping[str, Any]) -> None:
        """Have the environment and its options be as they are asked for, options of ``more`` too."""
        environment = self._environment
        environment.host = order.host
        values = {**order.options, **more, "host": order.host}
        if order.load is not None:
            values["num_users"], values["spawn_rate"] = order.load
        if order.profile is not None:
            environment.profile = values["profile"] = order.profile
        if environment.parsed_options is not None:
            for name, value in values.items():
                setattr(environment.parsed_options, name, value)
        errors = environment.stats.errors
        secret = [name for name, option in environment.custom_options.items() if option.is_secret]
        errors.mask = errors.mask.and_these(text for name in secret for text in texts_of(order.options.get(name)))

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
