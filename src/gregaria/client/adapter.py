"""requests' adapter over connections that users may share."""

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager


class LocustHttpAdapter(HTTPAdapter):
    """requests' adapter over connections that users may share.

    Args:
        pool_manager: whose connections are used; None for its own.
    """

    def __init__(self, pool_manager: PoolManager | None = None, *args: Any, **kwargs: Any) -> None:
        self._shared = pool_manager
        super().__init__(*args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by HTTPAdapter; makes a pool unless there is a shared one."""
        if self._shared is not None:
            self.poolmanager = self._shared
        else:
            super().init_poolmanager(*args, **kwargs)
