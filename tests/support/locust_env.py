"""The Locust that the benchmarks measure, for tests in which the two work together."""

import os
import subprocess

import pytest

from benchmarks.locust_env import LOCUST_VERSION, locust_program

__all__ = ["locust"]


@pytest.fixture(scope="session")
def locust() -> str:
    """The command ``locust``."""
    try:
        return str(locust_program())
    except subprocess.CalledProcessError as error:
        reason = f"Locust {LOCUST_VERSION} cannot be installed here: {error.stderr.strip()[-500:]}"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
