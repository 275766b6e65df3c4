"""The web interface: the page, Locust's endpoints, and what the page asks for beside them.

``WebUI`` is resolved on first use, as the cluster's names are: Flask takes longer to load than a local run to start.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gregaria.web.ui import WebUI as WebUI


def __getattr__(name: str) -> Any:
    if name != "WebUI":
        raise AttributeError(f"gregaria.web has no {name!r}; it has WebUI")
    value = globals()[name] = import_module("gregaria.web.ui").WebUI
    return value
