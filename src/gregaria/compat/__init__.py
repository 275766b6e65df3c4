"""Locust's import paths: after ``enable()``, ``from locust import HttpUser`` finds the facade beside this file."""

import importlib
import sys
from pathlib import Path

from gevent import monkey

from gregaria.errors import CommandError, ExitCode
from gregaria.users.cooperative import make_cooperative

__all__ = ["FOLDER", "enable"]

#: the folder that ``enable`` puts first on ``sys.path``; also what type checkers and editors need as an extra path
FOLDER = Path(__file__).resolve().parent


def enable() -> None:
    """Make ``locust`` importable and import it, so that no folder of that name can come before it later.

    Importing the facade patches gevent into the standard library, as locustfiles rely on, unless the environment
    variable ``LOCUST_SKIP_MONKEY_PATCH`` is set; libraries in C that have a hook for gevent then get it, too. Calling
    this again changes nothing.

    Raises:
        CommandError: another ``locust`` has already been imported in this process.
    """
    loaded = sys.modules.get("locust")
    if loaded is None:
        sys.path.insert(0, str(FOLDER))
        importlib.import_module("locust")
    elif not _is_ours(getattr(loaded, "__file__", None)):
        raise CommandError(
            f"Another locust is already imported in this process, from {getattr(loaded, '__file__', 'somewhere')}. "
            "Call gregaria.compat.enable() before anything imports locust, or run the script as "
            "`python -m gregaria.compat SCRIPT`.",
            ExitCode.LOCUSTFILE_BROKEN,
        )
    if monkey.is_module_patched("socket"):
        make_cooperative()


def _is_ours(file: str | None) -> bool:
    return file is not None and Path(file).resolve().is_relative_to(FOLDER)
