"""Fixtures for tests with real nodes."""

from collections.abc import Iterator

import pytest

from tests.support.servers import Server, process_that_prints_its_port


@pytest.fixture
def target() -> Iterator[Server]:
    """A target of this test alone, that counts what it is asked."""
    with process_that_prints_its_port(["-m", "tests.support.target"]) as port:
        yield Server(f"http://127.0.0.1:{port}")
