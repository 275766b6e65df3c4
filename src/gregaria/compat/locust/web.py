from typing import TYPE_CHECKING

from gregaria.compat._explain import LATER, explain
from gregaria.compat._writable import make_writable

HOST_IS_REQUIRED: bool
DEFAULT_CACHE_TIME: float

__all__ = ["DEFAULT_CACHE_TIME", "HOST_IS_REQUIRED"]

if not TYPE_CHECKING:
    _later = f"{LATER}, which has no web interface yet; `environment.web_ui` is None, as in a headless run."
    __getattr__ = explain(
        __name__,
        dict.fromkeys(("WebUI", "InputField", "CustomForm", "AuthProvider", "AuthArgs"), _later),
    )

make_writable(__name__, {"HOST_IS_REQUIRED": "host_is_required", "DEFAULT_CACHE_TIME": "web_cache_time_s"})
