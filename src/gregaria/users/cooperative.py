"""Libraries in C that wait without giving way: those that offer a hook get it when imported, the others are named."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import logging
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import gevent.socket

__all__ = ["BLOCKING", "make_cooperative"]

logger = logging.getLogger("gregaria.users.cooperative")

#: library -> what to say when it is seen to block; psycopg2 only does where its hook was taken away
BLOCKING = {
    "MySQLdb": "waits in C code without gevent: use PyMySQL, or gregaria.offload().",
    "_mysql_connector": "waits in C code without gevent: connect with use_pure=True, or use gregaria.offload().",
    "mysql": "waits in C code without gevent: connect with use_pure=True, or use gregaria.offload().",
    "mariadb": "waits in C code without gevent: use PyMySQL, or gregaria.offload().",
    "psycopg2": (
        "waits in C code while it has no wait callback: leave psycopg2.extensions.set_wait_callback() alone, or use"
        " gregaria.offload()."
    ),
    "pyodbc": "waits in C code without gevent: use gregaria.offload().",
    "cx_Oracle": "waits in C code without gevent: use oracledb without init_oracle_client(), or gregaria.offload().",
    "oracledb": "waits in C code after init_oracle_client(): leave that out, or use gregaria.offload().",
    "pymssql": "waits in C code without gevent: use python-tds, or gregaria.offload().",
    "ibm_db": "waits in C code without gevent: use gregaria.offload().",
    "sqlite3": "waits for its file in C code: use gregaria.offload().",
    "duckdb": "computes and waits in C code: use gregaria.offload().",
    "grpc": "waits in C code: call grpc.experimental.gevent.init_gevent(), or use gregaria.offload().",
    "confluent_kafka": "waits in C code: poll with a timeout of 0 and gevent.sleep(), or use gregaria.offload().",
    "pycurl": "waits in C code without gevent: use FastHttpUser, or gregaria.offload().",
    "zmq": "waits in C code without gevent: import zmq.green as zmq.",
}


def make_cooperative() -> None:
    """Give libraries their hook for gevent: now if they are imported already, else when they are.

    Calling this again changes nothing.
    """
    for name in _HOOKS:
        module = sys.modules.get(name)
        if module is not None:
            _apply_hook(name, module)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing itself: it lets the others find, and has the hook called once the module has been imported."""

    def __init__(self) -> None:
        self._searching: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname not in _HOOKS or fullname in self._searching:
            return None
        self._searching.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._searching.discard(fullname)
        if spec is not None and spec.loader is not None:
            _hook_after_import(spec.loader, fullname)
        return spec


def _hook_after_import(loader: Any, name: str) -> None:
    execute = loader.exec_module

    def execute_and_hook(module: ModuleType) -> None:
        execute(module)
        if module.__name__ == name:
            _apply_hook(name, module)

    # On the instance, which the import system makes anew for each module: loader and module stay what they are.
    loader.exec_module = execute_and_hook


def _apply_hook(name: str, module: ModuleType) -> None:
    try:
        _HOOKS[name](module)
    except Exception as error:
        # A release that has changed its hook; it can be used as before, and is named when it blocks.
        logger.warning("%s keeps other users waiting, its hook for gevent did not work: %r", name, error)


def _let_psycopg2_wait(extensions: Any) -> None:
    if extensions.get_wait_callback() is not None:
        # the locustfile's own, or psycogreen's
        return

    def wait(connection: Any, timeout: float | None = None) -> None:
        while True:
            state = connection.poll()
            if state == extensions.POLL_OK:
                return
            if state == extensions.POLL_READ:
                gevent.socket.wait_read(connection.fileno(), timeout=timeout)
            elif state == extensions.POLL_WRITE:
                gevent.socket.wait_write(connection.fileno(), timeout=timeout)
            else:
                raise sys.modules["psycopg2"].OperationalError(f"poll() answered {state!r}, which is unknown")

    extensions.set_wait_callback(wait)


def _let_grpc_wait(_: Any) -> None:
    # Calling it again, as locustfiles do that were written for elsewhere, does no harm.
    importlib.import_module("grpc.experimental.gevent").init_gevent()


#: module -> what to do with it once it has been imported
_HOOKS: dict[str, Callable[[Any], None]] = {
    "grpc": _let_grpc_wait,
    "psycopg2.extensions": _let_psycopg2_wait,
}
