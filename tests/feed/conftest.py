"""No feed of one test is seen by another."""

from collections.abc import Iterator

import pytest

from gregaria.feed.feeds import feeds


@pytest.fixture(autouse=True)
def no_feeds() -> Iterator[None]:
    feeds.clear()
    yield
    feeds.clear()
