"""A host for containers that are processes, and a target for what they send."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.containers import Host
from tests.support.bucket import bucket
from tests.support.servers import counting_process
from tests.support.servers import server as target

__all__ = ["bucket", "counting_process", "host", "target"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    machine = Host(tmp_path / "root")
    try:
        yield machine
    finally:
        machine.end()
