"""What the articles' locustfiles talk to."""

from tests.support.postgres import postgres
from tests.support.servers import shop, target

__all__ = ["postgres", "shop", "target"]
