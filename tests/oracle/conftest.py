"""One set of servers for all cases."""

from collections.abc import Iterator

import pytest

from tests.oracle.places import Places


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    with Places() as places:
        yield places
