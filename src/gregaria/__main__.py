"""Entry point: answers --version at once, and has ``cli/command.py`` do everything else."""

import sys
from importlib import import_module

from gregaria.version import version_line


def main() -> int:
    """Entry point of ``gregaria`` and of ``python -m gregaria``; returns the exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        print(version_line())
        return 0
    # Imported here, so that the answer to --version waits for nothing.
    code: int = import_module("gregaria.cli.command").run(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
