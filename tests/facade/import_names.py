"""Imports every dotted name given on standard input as a locustfile would; prints {name: error or null} as JSON."""

import importlib
import json
import sys


def imported(dotted: str) -> object:
    """The object, by importing the longest part that is a module and asking for the rest."""
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module_name = ".".join(parts[:length])
        try:
            found: object = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if not module_name.startswith(error.name or "?"):
                raise
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(dotted)


def main() -> None:
    answers = {}
    for dotted in sys.stdin.read().split():
        try:
            imported(dotted)
            answers[dotted] = None
        except Exception as error:
            answers[dotted] = f"{type(error).__name__}: {error}"
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
