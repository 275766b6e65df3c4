"""What the tests of the clients share."""

from collections.abc import Iterator

import pytest

from gregaria.client.requests import HttpSession
from tests.support.echo import Echo, echo_server
from tests.support.http_session import Books, new_session


@pytest.fixture(scope="session")
def echo() -> Iterator[Echo]:
    with echo_server() as server:
        yield server


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def session(echo: Echo, books: Books) -> Iterator[HttpSession]:
    with new_session(echo.url, books=books) as session:
        yield session
