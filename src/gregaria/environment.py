"""Environment: what belongs to one test, its users, events, statistics and runner, and what makes each."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from gregaria import cluster, web
from gregaria.client.allowed import AllowedHosts
from gregaria.context import CustomOption
from gregaria.engine.throttle import Throttle
from gregaria.errors import CommandError, ExitCode, RunnerAlreadyExistsError
from gregaria.events import Events
from gregaria.rules.grammar import parse as parse_rule
from gregaria.rules.judge import Judge
from gregaria.runner.dispatch import UsersDispatcher
from gregaria.runner.local import LocalRunner
from gregaria.runner.roles import DistributedRunner
from gregaria.runner.runner import Runner
from gregaria.runner.shape import LoadTestShape
from gregaria.runner.shared import SharedData
from gregaria.stats.table import RequestStats
from gregaria.users.declare import check_shares, filter_tasks_by_tags, where
from gregaria.users.sequential import SequentialTaskSet
from gregaria.users.taskset import TaskSet

logger = logging.getLogger("gregaria.environment")

#: the tags that tasks must have one of, and those that they must have none of; None for any
_Filter = tuple[set[str] | None, set[str] | None]


class Environment:
    """One test and all that belongs to it. Users reach it as ``self.environment``, listeners as an argument.

    Attributes:
        user_classes: the classes there are users of, without those that have neither weight nor fixed count.
        shape_class: the load as a function of time, an instance of a ``LoadTestShape``; None for a fixed load.
        tags, exclude_tags: only tasks with one of these tags, and without any of those, are run; None for all.
        locustfile: the file that the users were read from, as given.
        host: replaces the host of every user class.
        events: the hooks that this test fires.
        reset_stats: whether the statistics begin anew once all users are there.
        stop_timeout: seconds that users have to finish their task when they are stopped.
        catch_exceptions: whether a user goes on after an exception in a task.
        parsed_options: the command's options; None without a command.
        custom_options: those among them that locustfiles have added, by name; a master's workers get their values.
        parsed_locustfiles, available_user_classes, available_shape_classes, available_user_tasks: what the locustfiles
            hold, for the web page.
        dispatcher_class: decides how many users of which class there are at each moment of a ramp.
        profile: a name for this kind of run.
        allowed_hosts: the hosts that the HTTP clients may ask, and that may be tested; None for any.
        max_rps: requests that the HTTP clients may start in a second, of all users and workers together, as from the
            next test; None for any number.
        throttle: holds those of this process up.
        stats: what was measured.
        judge: whether that is good enough.
        runner: the one runner, once it has been made.
        web_ui: the web page, once there is one.
        process_exit_code: what the command exits with, when set.
        shared_data: a dictionary for everybody in the test.
        worker_logs: {worker: its last log lines}.

    Args:
        allow_hosts: entries of ``allowed_hosts``, as ``--allow-host`` takes them; none for any host.

    Raises:
        ValueError: two user classes have the same name, all have weight 0, the shape is none, or an entry is no host.
    """

    def __init__(
        self,
        *,
        user_classes: Iterable[type[Any]] | None = None,
        shape_class: LoadTestShape | None = None,
        tags: Collection[str] | None = None,
        locustfile: str | None = None,
        exclude_tags: Collection[str] | None = None,
        events: Events | None = None,
        host: str | None = None,
        reset_stats: bool = False,
        stop_timeout: float | None = None,
        catch_exceptions: bool = True,
        parsed_options: Any = None,
        parsed_locustfiles: list[str] | None = None,
        available_user_classes: dict[str, type[Any]] | None = None,
        available_shape_classes: dict[str, LoadTestShape] | None = None,
        available_user_tasks: dict[str, list[Any]] | None = None,
        dispatcher_class: Callable[..., Any] = UsersDispatcher,
        profile: str | None = None,
        allow_hosts: Iterable[str] = (),
        max_rps: float | None = None,
    ) -> None:
        self.user_classes = _runnable(list(user_classes or []))
        self.shape_class = _checked_shape(shape_class)
        self.tags = tags
        self.exclude_tags = exclude_tags
        self.locustfile = locustfile
        self.events = events or Events()
        self.host = host
        self.reset_stats = reset_stats
        if stop_timeout is None:
            stop_timeout = getattr(parsed_options, "stop_timeout", None)
        self.stop_timeout: float = stop_timeout or 0.0
        self.catch_exceptions = catch_exceptions
        self.parsed_options = parsed_options
        self.custom_options: Mapping[str, CustomOption] = {}
        self.parsed_locustfiles = parsed_locustfiles
        self.available_user_classes = available_user_classes
        self.available_shape_classes = available_shape_classes
        self.available_user_tasks = available_user_tasks
        self.dispatcher_class = dispatcher_class
        self.profile = profile
        self.stats = RequestStats()
        self.events.request.stats = self.stats
        self.judge = Judge(self.stats, self._started_epoch_s, self._stop_test)
        self.allow_hosts(allow_hosts)
        self.max_rps = max_rps
        self.throttle = self.events.request.throttle = Throttle()
        self.runner: Runner | None = None
        self.web_ui: Any = None
        self.process_exit_code: int | None = None
        self.shared_data = SharedData()
        self.worker_logs: dict[str, list[str]] = {}
        self._filter: _Filter = (None, None)
        # What it has taken away: tasks of users and task sets, before and after; user classes that had no others.
        self._filtered: list[tuple[Any, list[Any], list[Any]]] = []
        self._idle_classes: list[Any] = []
        self._filtered_classes: list[Any] = []

    @property
    def user_classes_by_name(self) -> dict[str, type[Any]]:
        """The user classes by their names."""
        return {user_class.__name__: user_class for user_class in self.user_classes}

    @property
    def allowed_hosts(self) -> AllowedHosts | None:
        """The hosts that may be asked; None for any."""
        allowed: AllowedHosts | None = self.events.request.allowed_hosts  # type: ignore[assignment]
        return allowed

    def allow_hosts(self, entries: Iterable[str]) -> None:
        """Have these be the hosts that may be asked, by users that start from now on; without any, all may.

        Raises:
            ValueError: an entry is no host.
        """
        allowed = AllowedHosts(entries)
        self.events.request.allowed_hosts = allowed if allowed.texts else None

    def check_host(self, host: str | None) -> None:
        """Refuse to test a host that may not be asked.

        Raises:
            CommandError: it is not among the allowed ones; the message says which are, and what to write.
        """
        refusal = self.allowed_hosts.refusal_of_url(host) if host and self.allowed_hosts is not None else None
        if refusal is not None:
            raise CommandError(refusal)

    def check_hosts(self) -> None:
        """The same of all hosts that this test is meant for.

        Raises:
            CommandError: one is not among the allowed ones.
        """
        for host in (self.host, *(user_class.host for user_class in self.user_classes if not self.host)):
            self.check_host(host)

    def create_local_runner(self) -> LocalRunner:
        """Make the runner that runs all users in this process.

        Raises:
            RunnerAlreadyExistsError: there is a runner already.
        """
        self._check_no_runner()
        runner = self.runner = LocalRunner(self)
        self._introduce(runner)
        return runner

    def create_master_runner(
        self, master_bind_host: str = "*", master_bind_port: int = 5557, **more: Any
    ) -> "cluster.MasterRunner":
        """Make the runner that shares the test out to workers.

        Args:
            master_bind_host: where to listen for them; ``*`` is everywhere.
            master_bind_port: 0 takes any, which ``runner.port`` then tells.
            more: further arguments of ``MasterRunner``.

        Raises:
            RunnerAlreadyExistsError: there is a runner already.
            CommandError: the address cannot be listened on.
        """
        self._check_no_runner()
        runner = self.runner = cluster.MasterRunner(self, master_bind_host, master_bind_port, **more)
        self._introduce(runner)
        return runner

    def create_worker_runner(self, master_host: str, master_port: int, **more: Any) -> "cluster.WorkerRunner":
        """Make the runner that runs users for a master; it looks for it in the background, for minutes if need be.

        Args:
            master_host, master_port: where the master listens.
            more: further arguments of ``WorkerRunner``.

        Raises:
            RunnerAlreadyExistsError: there is a runner already.
        """
        self._check_no_runner()
        # A worker's own statistics are those of its reports; the percentiles of the last seconds are its master's.
        runner = self.runner = cluster.WorkerRunner(self, master_host, master_port, **more)
        return runner

    def create_web_ui(
        self,
        host: str = "",
        port: int = 8089,
        web_base_path: str | None = None,
        web_login: bool = False,
        tls_cert: str | None = None,
        tls_key: str | None = None,
        stats_csv_writer: Any = None,
        delayed_start: bool = False,
        userclass_picker_is_active: bool = False,
        build_path: str | None = None,
        **more: Any,
    ) -> "web.WebUI":
        """Make the web interface; it answers at once unless ``delayed_start``.

        Args:
            host, port: where to listen; an empty host is everywhere, port 0 any.
            web_base_path: what comes before all paths.
            web_login: let nobody in who has not logged in.
            tls_cert, tls_key: PEM files; with them it speaks HTTPS.
            stats_csv_writer: a ``StatsCSVFileWriter`` whose history can be downloaded.
            delayed_start: listen only when its ``start`` is called.
            userclass_picker_is_active: the form chooses user classes and shape.
            build_path: a folder with another build of the page.
            more: further arguments of ``gregaria.web.ui.WebUI``, which this returns.

        Raises:
            CommandError: an argument cannot be used, or the port cannot be taken.
        """
        web_ui = self.web_ui = web.WebUI(
            self,
            host=host,
            port=port,
            web_base_path=web_base_path,
            web_login=web_login,
            tls_cert=tls_cert,
            tls_key=tls_key,
            stats_csv_writer=stats_csv_writer,
            delayed_start=delayed_start,
            userclass_picker_is_active=userclass_picker_is_active,
            build_path=build_path,
            **more,
        )
        return web_ui

    def fail_if(self, rule: str) -> None:
        """Have the run fail if something is so, as ``--fail-if`` does: ``environment.fail_if("p95 > 500ms")``.

        Rules may be added until the test has ended; those with a window look at what comes from then on. On a worker
        nothing is judged: its master's locustfile says the same.

        Args:
            rule: see docs/rules.md.

        Raises:
            RuleError: it is none; the message shows the character that is wrong.
        """
        if isinstance(self.runner, DistributedRunner) and not isinstance(self.runner, cluster.MasterRunner):
            parse_rule(rule)
        else:
            self.judge.add_rule(rule, "fail_if()")

    def update_user_class(self, user_settings: dict[str, Any]) -> None:
        """Change attributes of a user class, for users that start from now on.

        Args:
            user_settings: ``user_class_name``, and new values of any attributes; ``tasks`` are names of tasks that
                ``available_user_tasks`` lists for the class.

        Raises:
            KeyError: there is no such class or task.
        """
        changes = dict(user_settings)
        name = changes.pop("user_class_name")
        user_class = (self.available_user_classes or self.user_classes_by_name)[name]
        task_names = changes.pop("tasks", None)
        if task_names is not None:
            by_name = {task.__name__: task for task in self._known_tasks(name, user_class)}
            user_class.tasks = [by_name[task_name] for task_name in task_names]
        for attribute, value in changes.items():
            setattr(user_class, attribute, value)

    def update_worker_logs(self, worker_log_report: dict[str, Any]) -> None:
        """Keep a worker's latest log lines: ``{"worker_id": ..., "logs": [...]}``."""
        if worker_log_report.get("worker_id"):
            self.worker_logs[worker_log_report["worker_id"]] = worker_log_report["logs"]

    def assign_equal_weights(self) -> None:
        """Give all user classes the same weight, and all tasks of a user or task set.

        Task sets stay what they are, and sequences keep their order.
        """
        for user_class in self.user_classes:
            user_class.weight = 1
            _weigh_tasks_equally(user_class, set())

    def filter_tasks_by_tags(self) -> None:
        """Take the tasks away that ``tags`` and ``exclude_tags`` rule out; done when a test starts.

        When they, or the user classes, are others than the last time, what was taken away then is there again before.

        Raises:
            CommandError: no user class has a task left.
        """
        tags = set(self.tags) if self.tags else None
        exclude_tags = set(self.exclude_tags) if self.exclude_tags else None
        is_same_choice = self.user_classes == self._filtered_classes
        if (tags, exclude_tags) == self._filter and (is_same_choice or self._filter == (None, None)):
            return
        if not is_same_choice:
            # Who chose others has not chosen those that had no tasks left.
            self._idle_classes = []
        self._undo_filter()
        before: dict[Any, list[Any]] = {}
        for user_class in self.user_classes:
            _find_tasks(user_class, before)
        decided: dict[Any, bool] = {}
        idle: list[Any] = []
        for user_class in self.user_classes:
            had_tasks = bool(user_class.tasks)
            filter_tasks_by_tags(user_class, tags, exclude_tags, decided)
            if had_tasks and not user_class.tasks:
                logger.warning("%s has no tasks left with these tags; it gets no users", where(user_class))
                idle.append(user_class)
        self._filtered = [(holder, tasks, holder.tasks) for holder, tasks in before.items()]
        if len(idle) == len(self.user_classes):
            self._undo_filter()
            raise CommandError(
                f"no task is left with {_told(self.tags, self.exclude_tags)}: check the tags' spelling, "
                "--show-task-ratio shows the tasks",
                ExitCode.NO_USERS,
            )
        # In place: the runner and the dispatcher look at this very list.
        self.user_classes[:] = [user_class for user_class in self.user_classes if user_class not in idle]
        self._filtered_classes = list(self.user_classes)
        self._idle_classes, self._filter = idle, (tags, exclude_tags)

    _filter_tasks_by_tags = filter_tasks_by_tags

    def _undo_filter(self) -> None:
        for holder, before, after in self._filtered:
            # Unless it has been given others since.
            if holder.tasks is after:
                holder.tasks = before
        self.user_classes += self._idle_classes
        self._filtered, self._idle_classes, self._filter = [], [], (None, None)

    def _started_epoch_s(self) -> float | None:
        return None if self.runner is None else self.runner.test_started_epoch_s

    def _stop_test(self, reason: str) -> None:
        if self.runner is not None:
            self.runner.stop_test(reason)

    def _check_no_runner(self) -> None:
        if self.runner is not None:
            raise RunnerAlreadyExistsError(f"Environment.runner exists already ({type(self.runner).__name__})")

    def _introduce(self, runner: Any) -> None:
        # Before anything is reported.
        runner.after_test.insert(0, self.judge.end)
        # What shapes inherit from is left alone: the shape knows its runner before it is followed.
        if self.shape_class is not None:
            self.shape_class.runner = runner

    def _known_tasks(self, name: str, user_class: type[Any]) -> list[Any]:
        tasks: list[Any] = (self.available_user_tasks or {}).get(name) or user_class.tasks
        return tasks


def _told(tags: Iterable[str] | None, exclude_tags: Iterable[str] | None) -> str:
    """The tags as they were given on the command line."""
    return " ".join(
        f"{option} {' '.join(names)}" for option, names in (("--tags", tags), ("--exclude-tags", exclude_tags)) if names
    )


def _runnable(user_classes: list[type[Any]]) -> list[type[Any]]:
    doubles = [name for name, count in Counter(cls.__name__ for cls in user_classes).items() if count > 1]
    for name in doubles:
        homes = " and ".join(where(user_class) for user_class in user_classes if user_class.__name__ == name)
        raise ValueError(f"Two user classes are named {name}: {homes}. Rename one, each needs a name of its own.")
    runnable = []
    for user_class in user_classes:
        check_shares(user_class)
        if user_class.weight == 0 and not user_class.fixed_count:
            logger.warning("%s has weight 0 and no fixed_count, so there are no users of it", where(user_class))
        else:
            runnable.append(user_class)
    if user_classes and not runnable:
        raise ValueError("All user classes have weight 0: give at least one of them a weight or a fixed_count")
    return runnable


def _checked_shape(shape: Any) -> LoadTestShape | None:
    if shape is None or isinstance(shape, LoadTestShape):
        return shape
    name = getattr(shape, "__name__", type(shape).__name__)
    hint = f"give an instance, {name}()" if isinstance(shape, type) else "derive it from LoadTestShape"
    raise ValueError(f"shape_class must be an instance of a LoadTestShape, which {name} is not: {hint}")


def _find_tasks(holder: Any, found: dict[Any, list[Any]]) -> None:
    """Put the tasks of a user or task set into ``found``, and those of all task sets among them."""
    if holder not in found:
        found[holder] = holder.tasks
        for task in holder.tasks:
            if getattr(task, "tasks", None):
                _find_tasks(task, found)


def _weigh_tasks_equally(holder: Any, visited: set[Any]) -> None:
    if holder in visited:
        return
    visited.add(holder)
    # In a sequence a task that is there twice is run twice: that is an order, no weight.
    if not issubclass(holder, SequentialTaskSet):
        holder.tasks = list(dict.fromkeys(holder.tasks))
    for task in holder.tasks:
        if isinstance(task, type) and issubclass(task, TaskSet):
            _weigh_tasks_equally(task, visited)
