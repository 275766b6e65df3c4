from typing import TYPE_CHECKING, Any, TypedDict

from gregaria import web
from gregaria.compat._writable import make_writable

if TYPE_CHECKING:
    from gregaria.web import WebUI as WebUI

HOST_IS_REQUIRED: bool
DEFAULT_CACHE_TIME: float

__all__ = ["DEFAULT_CACHE_TIME", "HOST_IS_REQUIRED", "AuthArgs", "AuthProvider", "CustomForm", "InputField", "WebUI"]


class InputField(TypedDict, total=False):
    """A field of a form of one's own on the login page."""

    label: str
    name: str
    type: str
    default_value: bool | str | None
    choices: list[str] | None
    is_multiple: bool
    is_secret: bool
    is_required: bool


class CustomForm(TypedDict, total=False):
    """A form of one's own on the login page."""

    inputs: list[InputField]
    callback_url: str
    submit_button_text: str


class AuthProvider(TypedDict, total=False):
    """A button on the login page that leads to somebody who knows the person."""

    label: str | None
    callback_url: str
    icon_url: str | None


class AuthArgs(TypedDict, total=False):
    """What ``web_ui.auth_args`` may have."""

    custom_form: CustomForm
    auth_providers: list[AuthProvider]
    username_password_callback: str
    title: str
    error: str
    info: str


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "WebUI":
            # Not before: a headless run that only sets a constant here does without Flask.
            return web.WebUI
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


make_writable(__name__, {"HOST_IS_REQUIRED": "host_is_required", "DEFAULT_CACHE_TIME": "web_cache_time_s"})
