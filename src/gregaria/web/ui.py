"""WebUI: the web interface of one environment, its server's life, and what locustfiles may add to it."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
from flask import Blueprint, Flask, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from gevent import Greenlet
from werkzeug.exceptions import HTTPException

from gregaria.engine.names import is_loopback
from gregaria.errors import CommandError, ExitCode
from gregaria.report.json import DOCUMENT_BYTES, document
from gregaria.report.moment import host_of, summary_of
from gregaria.runner.state import STATE_MISSING
from gregaria.settings import settings
from gregaria.stats.masking import MASK
from gregaria.version import VERSION
from gregaria.web.api import Api
from gregaria.web.control import Control
from gregaria.web.feed import Feed
from gregaria.web.figures import is_master
from gregaria.web.form import extra_option
from gregaria.web.guard import Guard, allow_login
from gregaria.web.locust_api import LocustApi, file_name
from gregaria.web.login import check_login, login_arguments, new_login_manager, only_known, secret_of
from gregaria.web.metrics import metrics_view
from gregaria.web.order import NO_SHAPE
from gregaria.web.page import Page
from gregaria.web.picture import Picture
from gregaria.web.report import report_response
from gregaria.web.runs import Runs
from gregaria.web.server import Server, shown_host, tls_context

__all__ = ["WebUI"]

logger = logging.getLogger("gregaria.web")


class WebUI:
    """The web interface.

    Args:
        environment: whose test it starts and shows.
        host, port: where to listen; an empty host or ``*`` is everywhere, port 0 any.
        web_login: let nobody in who has not logged in, see ``login_manager``.
        tls_cert, tls_key: PEM files; with them it speaks HTTPS.
        stats_csv_writer: a ``StatsCSVFileWriter`` whose history can be downloaded.
        delayed_start: listen only when ``start`` is called.
        userclass_picker_is_active: the form chooses user classes and shape.
        build_path: a folder with another build of the page.
        web_base_path: what comes before all paths, such as ``/load``.
        display_name: under what name the machine is known; without one, requests under foreign names are refused as
            long as only this machine can be asked.
        cors_origins: sites whose pages may do everything.
        runs_dir: a folder in which runs are kept; None for one that is removed at the end.
        history_path: tells where the full history of the current test is written; None where nobody does.
        metrics_token: lets Prometheus in at ``/metrics``, and without it only who has logged in; None for no token.
        has_exporter_names: ``/metrics`` tells figures under locust_exporter's names, too.

    Attributes:
        app: the Flask app, for routes and blueprints.
        auth_args: what the login page shows.
        login_manager: Flask-Login's; only with ``web_login``.
        template_args: what the page is given; ``update_template_args`` brings it up to date.
        greenlet, server: the server's, once it has been started.
        runs: those that are over.

    Raises:
        CommandError: an argument cannot be used, or the port cannot be taken.
    """

    def __init__(
        self,
        environment: Any,
        host: str = "",
        port: int = 8089,
        web_login: bool = False,
        tls_cert: str | None = None,
        tls_key: str | None = None,
        stats_csv_writer: Any = None,
        delayed_start: bool = False,
        userclass_picker_is_active: bool = False,
        build_path: str | None = None,
        web_base_path: str | None = None,
        *,
        display_name: str | None = None,
        cors_origins: Sequence[str] = (),
        runs_dir: str | None = None,
        history_path: Callable[[], Path | None] | None = None,
        metrics_token: str | None = None,
        has_exporter_names: bool = True,
    ) -> None:
        self.environment = environment
        self.host = "" if host == "*" else host
        self.port = port
        self.web_login = web_login
        self.stats_csv_writer = stats_csv_writer
        self.userclass_picker_is_active = userclass_picker_is_active
        self.web_base_path = _checked_base_path(web_base_path or "")
        self.auth_args: dict[str, Any] = {}
        self.template_args: dict[str, Any] = {}
        self.greenlet: Greenlet | None = None
        self._display_name = display_name
        self._metrics_token = metrics_token
        self._has_exporter_names = has_exporter_names
        self._tls = tls_context(tls_cert, tls_key)
        self._history_path = history_path or self._history_of_writer
        self.runs = Runs(runs_dir)
        self._picture = Picture(environment, lambda: self.runs.number)
        self._feed = Feed(self._picture)
        self._page = Page(_checked_build_path(build_path or ""))
        self.app = self._new_app(cors_origins)
        self.server = Server(self.host, port, self.app, self._tls)
        environment.events.test_start.listeners.insert(0, self._note_start)
        if not delayed_start:
            self._listen()

    # -- the server's life -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen, and answer in the background.

        Raises:
            CommandError: the port cannot be taken, or nobody could log in.
        """
        if self.web_login:
            check_login(self.app, self.login_manager, self.auth_args)
            errors = self.environment.stats.errors
            errors.mask = errors.mask.and_these(secret_of(self.app))
        self._listen()

    def _listen(self) -> None:
        self.server.listen()
        self.port = self.server.server_port
        self.greenlet = gevent.spawn(self.server.serve_forever)
        logger.info("Starting web interface at %s", self.url)
        if not self._page.is_built:
            logger.warning("The page itself has not been built (make web, with Node.js); the endpoints work without it")
        if not self.web_login and not is_loopback(self.host):
            logger.warning(
                "Whoever reaches port %d can start and stop tests, as there is no login: add --web-host 127.0.0.1 to be"
                " reached from this machine only, or --web-login",
                self.port,
            )

    def stop(self) -> None:
        """Answer no more, and remove what was kept for as long as this."""
        self._feed.close()
        self.server.stop()
        self.runs.close()
        listeners = self.environment.events.test_start.listeners
        if self._note_start in listeners:
            listeners.remove(self._note_start)

    @property
    def url(self) -> str:
        """Where a person opens it."""
        name = shown_host(self.host, self._display_name)
        return f"{'https' if self._tls else 'http'}://{name}:{self.port}{self.web_base_path}"

    # -- for locustfiles -------------------------------------------------------------------------------------------

    def auth_required_if_enabled(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """A decorator for routes of locustfiles: with ``web_login``, they need a login, too."""
        return only_known(view) if self.web_login else view

    def update_template_args(self) -> None:
        """Bring ``template_args`` up to date; what others have put there stays."""
        environment = self.environment
        runner, options, shape = environment.runner, environment.parsed_options, environment.shape_class
        classes = environment.available_user_classes or environment.user_classes_by_name
        is_distributed = is_master(runner)
        self.template_args |= {
            "locustfile": environment.locustfile,
            "state": STATE_MISSING if runner is None else runner.state,
            "is_distributed": is_distributed,
            "user_count": 0 if runner is None else runner.user_count,
            "version": VERSION,
            "host": environment.host or host_of(environment) or "",
            "history": [],
            "override_host_warning": False,
            "missing_host_warning": host_of(environment) is None,
            "num_users": getattr(options, "num_users", None),
            "spawn_rate": getattr(options, "spawn_rate", None),
            "worker_count": runner.worker_count if is_distributed else 0,
            "hide_common_options": shape is not None and not shape.use_common_options,
            "shape_use_common_options": bool(shape is not None and shape.use_common_options),
            "stats_history_enabled": bool(getattr(options, "stats_history_enabled", False)),
            "tasks": "{}",
            "extra_options": self._extra_options(),
            "run_time": getattr(options, "run_time", None),
            "show_userclass_picker": self.userclass_picker_is_active,
            "available_user_classes": sorted(classes),
            "available_shape_classes": [NO_SHAPE, *sorted(environment.available_shape_classes or {})],
            "available_user_tasks": {
                name: [getattr(task, "__name__", repr(task)) for task in tasks]
                for name, tasks in (environment.available_user_tasks or {}).items()
            },
            "users": {name: user_class.json() for name, user_class in classes.items()},
            "percentiles_to_chart": settings.percentiles_to_chart,
            "percentiles_to_statistics": settings.percentiles_to_statistics,
            "is_host_required": settings.host_is_required,
            "profile": environment.profile,
        }

    def _extra_options(self) -> dict[str, Any]:
        options = self.environment.parsed_options
        return {
            name: extra_option(option, MASK if option.is_secret else getattr(options, name, option.default))
            for name, option in self.environment.custom_options.items()
            if option.is_shown
        }

    # -- routes ----------------------------------------------------------------------------------------------------

    def _new_app(self, cors_origins: Sequence[str]) -> Flask:
        app = Flask("gregaria.web", static_folder=None)
        app.config.update(
            SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=self._tls is not None
        )
        names = [self._display_name] if self._display_name else []
        origins = [_checked_origin(origin) for origin in cors_origins]
        Guard(self.host, names, origins, self.web_base_path, ("locust", "gregaria")).watch(app)
        app.register_error_handler(Exception, _tell_error)
        self._page.prepare(app, self.web_base_path)
        if self.web_login:
            self.login_manager = new_login_manager(app)
        known = (lambda view: only_known(view, is_page=False)) if self.web_login else None
        metrics = metrics_view(self.environment, self._metrics_token, self._has_exporter_names, known)
        picks_classes = self.userclass_picker_is_active
        control = Control(self.environment, picks_classes)
        telling = LocustApi(self.environment, self._history_path)
        locusts = Blueprint("locust", __name__)
        locusts.add_url_rule("/", "index", self.auth_required_if_enabled(self._index))
        locusts.add_url_rule("/login", "login", self._login)
        locusts.add_url_rule("/assets/<path:path>", "assets", self._page.asset)
        locusts.add_url_rule("/metrics", "metrics", metrics)
        locusts.add_url_rule("/stats/report", "stats_report", self.auth_required_if_enabled(self._report))
        control.add_routes(locusts, self.auth_required_if_enabled)
        telling.add_routes(locusts, self.auth_required_if_enabled)
        app.register_blueprint(locusts, url_prefix=self.web_base_path or None)
        own = Blueprint("gregaria", __name__)
        api = Api(self.environment, self._picture, self._feed, self.runs, picks_classes)
        api.add_routes(own, known or (lambda view: view))
        app.register_blueprint(own, url_prefix=f"{self.web_base_path}/api")
        return app

    def _index(self) -> ResponseReturnValue:
        self.update_template_args()
        return self._page.html("index.html", template_args=self.template_args)

    def _login(self) -> ResponseReturnValue:
        if not self.web_login:
            return redirect(url_for("locust.index"))
        return allow_login(self._page.html("login.html", auth_args=login_arguments(self.auth_args)))

    def _report(self) -> ResponseReturnValue:
        if self.environment.runner is None:
            abort(404, "There is no runner.")
        summary = summary_of(self.environment.runner, document_bytes=DOCUMENT_BYTES)
        return report_response(document(summary), file_name(self.environment, "", "html"))

    # -- tests that come and go ------------------------------------------------------------------------------------

    def _note_start(self, **_: Any) -> None:
        self.runs.begin()
        # Here, as the runner may be younger than this.
        after_test = self.environment.runner.after_test
        if self._keep not in after_test:
            after_test.append(self._keep)

    def _keep(self) -> None:
        runner = self.environment.runner
        summary = summary_of(runner, document_bytes=DOCUMENT_BYTES)
        # A test may be too short for its course to have seen all of them.
        points = summary.course.points if summary.course is not None else ()
        seen = [runner.target_user_count, *(point.user_count for point in points)]
        try:
            self.runs.add(summary, max(seen))
        except OSError as error:
            logger.error("The run could not be kept: %s", error)

    def _history_of_writer(self) -> Path | None:
        writer = self.stats_csv_writer
        return Path(writer.stats_history_file_name()) if getattr(writer, "full_history", False) else None


def _checked_base_path(path: str) -> str:
    if path and not path.startswith("/"):
        raise CommandError(f"--web-base-path {path}: it begins with a slash, such as /{path}", ExitCode.USAGE)
    return path.rstrip("/")


def _checked_build_path(path: str) -> str:
    if path and not Path(path, "index.html").is_file():
        raise CommandError(f"--build-path {path}: there is no index.html in it; `make web` builds one", ExitCode.USAGE)
    return path


def _checked_origin(origin: str) -> str:
    parts = urlsplit(origin)
    if origin != "*" and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/")):
        raise CommandError(
            f"--web-cors-origin {origin}: it is scheme and host, such as https://example.com, or * for every site",
            ExitCode.USAGE,
        )
    return origin


def _tell_error(error: Exception) -> ResponseReturnValue:
    """What went wrong as a sentence, never with a traceback: that goes to the log."""
    if isinstance(error, HTTPException):
        if error.response is not None:
            return error.response
        code = error.code or 500
        logger.log(logging.DEBUG if code <= 404 else logging.ERROR, "%s %s: %d", request.method, request.path, code)
        response = Response(f"{error.description}\n", code, mimetype="text/plain")
        for name, value in error.get_headers():
            response.headers.setdefault(name, value)
        return response
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return Response(f"This failed ({type(error).__name__}); the log has more.\n", 500, mimetype="text/plain")
