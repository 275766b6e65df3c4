"""Locust's further clients; ``fasthttp`` is here, the others say what to do instead."""

import importlib

importlib.import_module(f"{__name__}.fasthttp")
