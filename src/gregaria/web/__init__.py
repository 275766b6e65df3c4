"""The web interface: the page, Locust's endpoints, and what the page asks for beside them.

``WebUI`` and ``MetricsServer`` are resolved on first use, as the cluster's names are: Flask takes longer to load than a
local run to start.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gregaria.web.metrics import MetricsServer as MetricsServer
    from gregaria.web.ui import WebUI as WebUI

_HOMES = {"MetricsServer": "gregaria.web.metrics", "WebUI": "gregaria.web.ui"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"gregaria.web has no {name!r}; it has {' and '.join(_HOMES)}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
