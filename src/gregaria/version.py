"""Which Gregaria this is; pyproject.toml says the same."""

import os
import sys

VERSION = "0.1.0"


def version_line() -> str:
    """What ``--version`` prints."""
    package = os.path.dirname(os.path.realpath(__file__))
    return f"gregaria {VERSION} from {package} (Python {sys.version.split()[0]})"
