"""``python -m gregaria.compat script.py ...`` runs a script with Locust's import paths in place."""

import os
import runpy
import sys
from pathlib import Path

from gregaria.compat import FOLDER, enable
from gregaria.errors import CommandError
from gregaria.patching import patch_all

USAGE = """\
usage: python -m gregaria.compat SCRIPT.py [ARGUMENTS]   run a script in which `import locust` means Gregaria
       python -m gregaria.compat -m MODULE [ARGUMENTS]   the same for a module
       python -m gregaria.compat --path                  print the folder that type checkers and editors need"""


def main(arguments: list[str]) -> None:
    """Run what ``arguments`` (without the program's name) ask for.

    Raises:
        SystemExit: the script ended the process, or could not be started.
    """
    match arguments:
        case ["--path"]:
            print(FOLDER)
        case ["-m", module, *rest]:
            _prepare([module, *rest], Path.cwd())
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [script, *_] if not script.startswith("-"):
            if not Path(script).exists():
                raise SystemExit(f"There is no {script} here; give the path of a Python script.\n{USAGE}")
            _prepare(arguments, Path(script).resolve().parent)
            runpy.run_path(script, run_name="__main__")
        case ["-h" | "--help"]:
            print(USAGE)
        case _:
            raise SystemExit(USAGE)


def _prepare(argv: list[str], folder: Path) -> None:
    if not os.environ.get("LOCUST_SKIP_MONKEY_PATCH"):
        patch_all()
    sys.argv = argv
    sys.path[0] = str(folder)
    try:
        enable()
    except CommandError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(sys.argv[1:])
