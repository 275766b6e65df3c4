"""Locust's small tools, for locustfiles and plugins that use them; Gregaria itself does not."""

import importlib

for _name in ("cache", "date", "directory", "exception_handler", "rounding", "timespan", "url"):
    importlib.import_module(f"{__name__}.{_name}")
