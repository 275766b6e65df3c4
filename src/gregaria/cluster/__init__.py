"""Many processes, one test: a master that shares it out and adds up, and workers that run the users.

The names below are what higher floors take from here, as ``cluster.MasterRunner``. They are resolved on first use, as
those of the package itself are, so that a local run starts without the cluster and without ZeroMQ.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gregaria.cluster.archive import unpack as unpack
    from gregaria.cluster.fetch import fetch_files as fetch_files
    from gregaria.cluster.files import TestFiles as TestFiles
    from gregaria.cluster.files import python_files as python_files
    from gregaria.cluster.journal import Journal as Journal
    from gregaria.cluster.keys import Keys as Keys
    from gregaria.cluster.master import MasterRunner as MasterRunner
    from gregaria.cluster.worker import WorkerRunner as WorkerRunner

#: name -> the module that defines it
_HOMES = {
    "Journal": "gregaria.cluster.journal",
    "Keys": "gregaria.cluster.keys",
    "MasterRunner": "gregaria.cluster.master",
    "TestFiles": "gregaria.cluster.files",
    "WorkerRunner": "gregaria.cluster.worker",
    "fetch_files": "gregaria.cluster.fetch",
    "python_files": "gregaria.cluster.files",
    "unpack": "gregaria.cluster.archive",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"gregaria.cluster has no {name!r}; its names are {', '.join(_HOMES)}")
    value = globals()[name] = getattr(import_module(home), name)
    return value
