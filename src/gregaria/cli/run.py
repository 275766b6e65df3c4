"""One run of the command: prepare, start, wait for an end, stop everything, tell it, decide how to exit.

Without a web interface there is one test, and its end is the end. With one, tests begin and end until a person has had
enough.
"""

import logging
import os
import sys
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gevent
from gevent import GreenletExit
from gevent.event import Event

from gregaria import web
from gregaria.cli.cluster import MASTER, Part, runner_maker
from gregaria.cli.exit_code import exit_code_of, failures_beside_rules
from gregaria.cli.keys import Keys
from gregaria.cli.limits import raise_file_limit
from gregaria.cli.otel import new_telemetry
from gregaria.cli.processes import LocalWorkers
from gregaria.cli.reports import Reports
from gregaria.cli.series import Series
from gregaria.cli.signals import Signals, Watchdog, terminate_self
from gregaria.cli.start import check_classes, fire_init
from gregaria.cli.unhandled import Unhandled
from gregaria.environment import Environment
from gregaria.errors import CommandError, ExitCode, FeedError, NoHost
from gregaria.report.stream import Stream
from gregaria.runner.state import STATE_STOPPED
from gregaria.settings import settings
from gregaria.stats.summary import Summary
from gregaria.version import VERSION

logger = logging.getLogger("gregaria.cli.run")

#: seconds between two words about workers that are still waited for, and between two looks whether they can still come
_TELL_WORKERS_S = 5.0
_LOOK_FOR_WORKERS_S = 0.2

#: seconds that the workers of a test that is gone on with have to come back
_KNOWN_WORKERS_S = 10.0

#: seconds that an end may take beyond what the options grant it, before the process is ended by force
_PATIENCE_S = 20.0

#: seconds after runner.stop() in which a locustfile may start another test before the run is over
_PAUSE_BETWEEN_TESTS_S = 1.0


class Run:
    """The life of one run.

    Args:
        environment: with the users that shall run, and no runner yet.
        options: of the command.
        locustfiles: absolute paths, for the reports.
        part: local, or master.
        arguments: the command line, which workers of this machine get, too.
    """

    def __init__(
        self, environment: Environment, options: Any, locustfiles: list[str], part: Part, arguments: Sequence[str]
    ) -> None:
        self._environment = environment
        self._options = options
        self._locustfiles = locustfiles
        self._part = part
        self._arguments = arguments
        self._workers: LocalWorkers | None = None
        self._web_ui: Any = None
        self._over = Event()
        self._stop_error: CommandError | None = None
        self._unhandled = Unhandled()
        self._is_freed = False
        self._watchdog = Watchdog()
        self._signals = Signals(self._stop_by_signal, self._stop_at_once)

    def run(self) -> int:
        """Run until the end; returns the exit code.

        Raises:
            CommandError: the run cannot begin.
        """
        logger.info("Starting Gregaria %s", VERSION)
        self._prepare()
        self._keys.start()
        self._reports.start()
        self._signals.start()
        try:
            self._start()
            self._over.wait()
        except SystemExit as end:
            # sys.exit() in a greenlet or a listener of the locustfile; a task's is seen to by its user.
            self._exit_wished(end)
        finally:
            self._keys.stop()
            self._stop_users()
        return self._finish()

    # -- the beginning ---------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        environment, options = self._environment, self._options
        self._runner = runner_maker(self._part, options, [Path(path) for path in self._locustfiles])(environment)
        self._runner.iterations = options.iterations
        # Absent when the locustfile has an option of its own of that name.
        environment.stats.recorder.keeps_phases = getattr(options, "keeps_phases", False)
        if not options.headless:
            self._web_ui = self._new_web_ui()
        self._metrics_server = self._new_metrics_server()
        self._stream = self._new_stream()
        if self._starts_itself and options.num_users is None and environment.shape_class is None:
            options.num_users = 1
        if options.equal_weights:
            environment.assign_equal_weights()
        # First, as a listener that steers or leaves keeps those behind it from being called.
        environment.events.user_error.listeners.insert(0, self._note_error)
        environment.events.test_stop.listeners.insert(0, self._note_stop)
        fire_init(environment, self._runner, self._web_ui)
        check_classes(environment)
        # Now that the locustfile has had its say about where spans go.
        self._telemetry = new_telemetry(environment, options)
        if self._starts_itself:
            self._warn_of_shape()
        raise_file_limit(options.num_users if environment.shape_class is None else None)
        self._reports: Reports | Series
        if self._web_ui is None:
            self._reports = Reports(self._runner, options, self._locustfiles, options.run_time)
        else:
            self._reports = Series(self._runner, options, self._locustfiles)
            self._web_ui.start()
        terminal = sys.stdin.fileno() if _has_descriptor(sys.stdin) else -1
        self._keys = Keys(self._runner, terminal, self._reports.redraw_below, self._open_page)

    @property
    def _starts_itself(self) -> bool:
        """Whether the test begins without a person's doing, or has begun under a master before this one."""
        goes_on = self._part.role == MASTER and self._runner.continues_after_s is not None
        return bool(self._options.headless or self._options.autostart or goes_on)

    def _new_web_ui(self) -> Any:
        options = self._options
        return self._environment.create_web_ui(
            host=options.web_host,
            port=options.web_port,
            web_base_path=options.web_base_path,
            web_login=options.web_login,
            tls_cert=options.tls_cert,
            tls_key=options.tls_key,
            delayed_start=True,
            userclass_picker_is_active=options.class_picker,
            build_path=options.build_path,
            display_name=options.web_host_display_name,
            cors_origins=getattr(options, "web_cors_origin", None) or (),
            runs_dir=getattr(options, "runs_dir", None),
            metrics_token=getattr(options, "prometheus_token", None) or None,
            has_exporter_names=not getattr(options, "no_exporter_names", False),
            history_path=lambda: self._reports.history_path if isinstance(self._reports, Series) else None,
        )

    def _new_metrics_server(self) -> Any:
        options = self._options
        # All of these may be options of the locustfile's own.
        port = getattr(options, "prometheus_port", None)
        if not isinstance(port, int):
            return None
        server = web.MetricsServer(
            self._environment,
            getattr(options, "prometheus_host", "") or "",
            port,
            display_name=options.web_host_display_name,
            tls_cert=options.tls_cert,
            tls_key=options.tls_key,
            token=getattr(options, "prometheus_token", None) or None,
            has_exporter_names=not getattr(options, "no_exporter_names", False),
        )
        logger.info("Prometheus is answered at %s", server.url)
        return server

    def _new_stream(self) -> Stream | None:
        path = getattr(self._options, "stream_file", None)
        if not isinstance(path, str) or not path:
            return None
        if path == "-" and self._options.json:
            raise CommandError(
                "--stream - and --json both write to standard output: name a file for --stream", ExitCode.USAGE
            )
        return Stream(self._runner, path)

    def _open_page(self) -> None:
        """Show the page in the person's browser, which may take its time to start."""
        if self._web_ui is not None:
            gevent.get_hub().threadpool.spawn(webbrowser.open_new_tab, self._web_ui.url)

    def _warn_of_shape(self) -> None:
        shape = self._environment.shape_class
        if shape is None or shape.use_common_options:
            return
        if self._options.num_users is not None or self._options.spawn_rate is not None:
            logger.warning(
                "%s decides how many users there are; -u and -r have no effect, as it does not set use_common_options",
                type(shape).__name__,
            )

    def _start(self) -> None:
        gevent.spawn(self._wait_for_quit)
        self._start_workers()
        if not self._starts_itself:
            return
        options, runner = self._options, self._runner
        if options.run_time:
            logger.info("Run time limit set to %s seconds", options.run_time)
            for told in self._environment.judge.without_data_within(options.run_time):
                logger.warning("The run time of %s s is too short: %s", options.run_time, told)
            if self._part.role != MASTER:
                runner.stop_after(options.run_time)
                if self._web_ui is None:
                    self._watchdog.arm(options.run_time + self._patience_s(), terminate_self)
        elif options.iterations is None and self._environment.shape_class is None:
            logger.info("No run time limit set, use CTRL+C to interrupt")
        # In a greenlet of its own, so that a listener of test_start that waits can be interrupted.
        gevent.spawn(self._start_test).link_exception(self._note_failed_start)

    def _start_test(self) -> None:
        try:
            if self._part.role == MASTER:
                self._wait_for_workers()
            if self._options.run_time and self._part.role == MASTER:
                # The time begins when the workers are there, or has begun under a master before this one.
                self._runner.stop_after(max(self._options.run_time - (self._runner.continues_after_s or 0.0), 1.0))
            if self._environment.shape_class is not None:
                self._runner.start_shape()
            else:
                self._runner.start(self._options.num_users, self._options.spawn_rate or 1)
        except CommandError as error:
            logger.error("%s", error)
            self._end_with(error)

    def _start_workers(self) -> None:
        """Start the worker processes of ``--processes``."""
        if not self._part.processes:
            return
        host = self._options.master_bind_host
        self._workers = LocalWorkers(
            self._arguments,
            self._part.processes,
            host if self._options.master and host not in ("*", "0.0.0.0", "::") else "127.0.0.1",
            self._runner.port,
            replaces=self._options.replace_workers,
            is_over=lambda: self._over.is_set() or self._runner.is_quitting,
        )
        self._workers.start()

    def _wait_for_workers(self) -> None:
        """A master's test begins when as many workers are there as are expected."""
        expected, longest_s = self._part.expect_workers, self._options.expect_workers_max_wait or None
        if self._runner.num_known_workers:
            logger.info("Going on with the test of the journal; waiting for its workers to come back")
            self._runner.wait_for_workers(self._runner.num_known_workers, _KNOWN_WORKERS_S)
            # Those that do not come are replaced by those that did: the test goes on.
            expected = 1
        began_s = told_s = time.monotonic()
        while not self._runner.wait_for_workers(expected, _LOOK_FOR_WORKERS_S):
            now_s = time.monotonic()
            waited_s = now_s - began_s
            if longest_s is not None and waited_s >= longest_s:
                raise CommandError(
                    f"{self._runner.worker_count} of {expected} expected workers have come in {waited_s:.0f} s "
                    "(--expect-workers-max-wait): the test is not started",
                    ExitCode.FAILURES,
                )
            if self._workers is not None and not self._workers.is_any_left:
                raise CommandError(
                    "all worker processes have ended, see above; the test is not started", ExitCode.CLUSTER
                )
            if now_s - told_s >= _TELL_WORKERS_S:
                told_s = now_s
                logger.info("%d of %d expected workers are there", self._runner.worker_count, expected)

    # -- what ends it ----------------------------------------------------------------------------------------------

    def _wait_for_quit(self) -> None:
        self._runner.greenlet.join()
        self._over.set()

    def _note_failed_start(self, greenlet: gevent.Greenlet) -> None:
        self._end_with(CommandError(f"the test could not be started: {greenlet.exception}", ExitCode.SETTINGS))

    def _end_with(self, error: CommandError) -> None:
        self._stop_error = self._stop_error or error
        self._over.set()

    def _note_error(self, exception: BaseException, **_: Any) -> None:
        if isinstance(exception, NoHost | FeedError) and self._stop_error is None:
            if self._web_ui is None:
                self._stop_error = exception
            self._runner.stop_test(str(exception))

    def _note_stop(self, **_: Any) -> None:
        if self._web_ui is None:
            gevent.spawn_later(_PAUSE_BETWEEN_TESTS_S, self._end_if_still_stopped)
        elif self._options.autoquit >= 0:
            logger.info("--autoquit: ending in %d seconds, unless another test begins", self._options.autoquit)
            gevent.spawn_later(self._options.autoquit, self._end_if_still_stopped)

    def _end_if_still_stopped(self) -> None:
        if self._runner.state == STATE_STOPPED:
            self._over.set()

    def _stop_by_signal(self, name: str) -> None:
        logger.info("Got %s, ending the run; once more to end it at once", name)
        self._watchdog.arm(self._patience_s(), terminate_self)
        self._over.set()

    def _stop_at_once(self) -> None:
        """Called by a signal handler, in whatever greenlet was running."""
        if self._reports.are_begun and not self._reports.are_written:
            return
        me = gevent.getcurrent()
        if me is gevent.get_hub():
            gevent.spawn(self._leave_at_once)
        elif me in self._runner.user_greenlets and not self._is_freed:
            # A task that never waits holds up the end that was asked for before; without it there is one.
            self._is_freed = True
            self._runner.user_greenlets.kill(block=False)
            raise GreenletExit
        else:
            self._leave_at_once()

    # -- the end ---------------------------------------------------------------------------------------------------

    def _patience_s(self) -> float:
        return float(self._environment.stop_timeout) + settings.stop_grace_s + _PATIENCE_S

    def _stop_users(self) -> None:
        while True:
            try:
                self._runner.quit()
                return
            except SystemExit as end:
                self._exit_wished(end)

    def _finish(self) -> int:
        environment = self._environment
        if self._workers is not None:
            self._workers.stop()
        summary = self._reports.finish()
        # What listeners still have to do may take its time.
        self._watchdog.off()
        self._runner.cpu_log_warning()
        self._fire_quitting()
        code = self._exit_code(summary)
        if code == self._options.exit_code_on_error and (told := failures_beside_rules(summary, code)):
            logger.warning("%s", told)
        logger.info("Shutting down (exit code %d)", code)
        self._runner.fire(environment.events.quit, exit_code=code)
        if self._stream is not None:
            self._stream.close()
        if self._telemetry is not None:
            self._telemetry.end()
        for server in (self._web_ui, self._metrics_server):
            if server is not None:
                server.stop()
        self._signals.stop()
        return code

    def _exit_wished(self, end: SystemExit) -> None:
        if end.code is not None and not isinstance(end.code, int):
            logger.error("%s", end.code)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        self._environment.process_exit_code = code

    def _fire_quitting(self) -> None:
        try:
            self._runner.fire(self._environment.events.quitting, environment=self._environment, reverse=True)
        except SystemExit as end:
            self._exit_wished(end)

    def _exit_code(self, summary: Summary) -> int:
        return exit_code_of(
            summary,
            wished=self._environment.process_exit_code,
            code_on_error=self._options.exit_code_on_error,
            stop_error=self._stop_error or self._reports.error or self._runner.failure,
            unhandled=self._unhandled.count() + self._runner.num_unhandled_elsewhere,
        )

    def _leave_at_once(self) -> None:
        self._keys.stop()
        logger.warning("Ending at once; requests on the wire are not waited for")
        others = [user for user in self._runner.user_greenlets if user is not gevent.getcurrent()]
        gevent.killall(others, block=False)
        if self._part.role == MASTER:
            self._runner.dismiss_workers()
        gevent.sleep(0)
        code = self._exit_code(self._reports.finish())
        sys.stdout.flush()
        sys.stderr.flush()
        logging.shutdown()
        os._exit(code)


def _has_descriptor(stream: Any) -> bool:
    try:
        return stream is not None and stream.fileno() >= 0
    except (OSError, ValueError, AttributeError):
        return False
