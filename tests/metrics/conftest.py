"""What the web interface's tests use: the real command, something to load, and a WebUI in this process."""

from tests.web.conftest import make_ui, starter, target

__all__ = ["make_ui", "starter", "target"]
