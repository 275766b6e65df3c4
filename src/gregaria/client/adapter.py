"""requests' adapter over connections that users may share."""

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager


class LocustHttpAdapter(HTTPAdapter):
    """requests' adapter over connections that users may share.

    Args:
        pool_manager: whose connections are used; None for its own.

    Attributes:
        is_own: a session made it for itself.
    """

    is_own = False

    def __init__(self, pool_manager: PoolManager | None = None, *args: Any, **kwargs: Any) -> None:
        self._shared = pool_manager
        self._made_with: Any = (args, kwargs)

    def __getattr__(self, name: str) -> Any:
        # What requests needs is made when it is first needed: most sessions never use it.
        made_with = self.__dict__.get("_made_with")
        if made_with is None or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._made_with = None
        super().__init__(*made_with[0], **made_with[1])
        return getattr(self, name)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by HTTPAdapter; makes a pool unless there is a shared one."""
        if self._shared is not None:
            self.poolmanager = self._shared
        else:
            super().init_poolmanager(*args, **kwargs)

    def close(self) -> None:
        """Close the connections that are not shared."""
        if self._made_with is None:
            super().close()
