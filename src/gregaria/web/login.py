"""The login that a locustfile brings: Flask-Login in front of every route, and a page that shows its form."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, abort, session
from flask_login import LoginManager, current_user, login_required

from gregaria.errors import CommandError, ExitCode

__all__ = ["check_login", "login_arguments", "new_login_manager", "only_known", "secret_of"]

View = Callable[..., Any]

#: one of them has to be there, or nobody could log in
_WAYS_IN = ("username_password_callback", "auth_providers", "custom_form")

_EXAMPLE = """\
    @events.init.add_listener
    def add_login(environment, web_ui, **_):
        if web_ui:
            web_ui.app.secret_key = os.environ["LOGIN_SECRET"]
            web_ui.login_manager.user_loader(lambda user_id: User(user_id))
            web_ui.auth_args = {"username_password_callback": "/login_submit"}
"""


def new_login_manager(app: Flask) -> LoginManager:
    """What the locustfile gives a ``user_loader``."""
    manager = LoginManager()
    manager.init_app(app)
    manager.login_view = "locust.login"
    return manager


def only_known(view: View, *, is_page: bool = True) -> View:
    """The view, for those who have logged in: others are sent to the login page, or answered 401 if it is no page."""
    if is_page:
        checked: View = login_required(view)
        return checked

    @wraps(view)
    def let_in(*arguments: Any, **named: Any) -> Any:
        if not current_user.is_authenticated:
            abort(401, "Log in first.")
        return view(*arguments, **named)

    return let_in


def check_login(app: Flask, manager: Any, auth_args: dict[str, Any]) -> None:
    """See at the start that somebody can log in.

    Raises:
        CommandError: something is missing; the message says what, and shows what to write.
    """
    missing = []
    if not app.secret_key:
        missing.append('web_ui.app.secret_key (or app.config["SECRET_KEY"]) is not set')
    if manager._user_callback is None and manager._request_callback is None:
        missing.append("web_ui.login_manager has no user_loader")
    if not any(auth_args.get(way) for way in _WAYS_IN):
        missing.append(f"web_ui.auth_args has none of {', '.join(_WAYS_IN)}")
    if missing:
        raise CommandError(
            f"--web-login needs a listener of init in the locustfile: {'; '.join(missing)}. For example:\n\n{_EXAMPLE}",
            ExitCode.WEB,
        )


def secret_of(app: Flask) -> list[str]:
    """The texts with which whoever reads them could make himself a session: they are masked."""
    key: str | bytes | None = app.secret_key
    return [] if not key else [key if isinstance(key, str) else key.decode("latin-1")]


def login_arguments(auth_args: dict[str, Any]) -> dict[str, Any]:
    """What the login page shows: the locustfile's form, and what it has left in the session for it."""
    told = dict(auth_args)
    for name in ("error", "info"):
        if text := session.pop(f"auth_{name}", None):
            told[name] = text
    return told
