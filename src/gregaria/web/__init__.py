"""The web interface: the page, Locust's endpoints, and what the page asks for beside them."""

import importlib
from typing import Any

__all__ = ["new_web_ui"]


def new_web_ui(environment: Any, **arguments: Any) -> Any:
    """Make the ``WebUI`` of an environment; the arguments are those of ``gregaria.web.ui.WebUI``.

    Flask takes as long to load as all the rest, and runs without a web interface do not need it.
    """
    return importlib.import_module("gregaria.web.ui").WebUI(environment, **arguments)
