"""The servers that the articles' locustfiles talk to."""

from tests.support.servers import shop, target

__all__ = ["shop", "target"]
