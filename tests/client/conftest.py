"""What the tests of the clients share."""

from collections.abc import Iterator

import pytest

from tests.support.echo import Echo, echo_server


@pytest.fixture(scope="session")
def echo() -> Iterator[Echo]:
    with echo_server() as server:
        yield server
