"""What real nodes load: a server that counts, with its counts at zero."""

from tests.support.servers import counting_process
from tests.support.servers import server as target

__all__ = ["counting_process", "target"]
