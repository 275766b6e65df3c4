"""What the articles' locustfiles talk to."""

from tests.support.bucket import bucket
from tests.support.postgres import postgres
from tests.support.servers import file_sizes, shop, target

__all__ = ["bucket", "file_sizes", "postgres", "shop", "target"]
