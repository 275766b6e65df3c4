"""client/requests.py: what a session takes when there are thousands of them."""

import gc
import tracemalloc
from collections.abc import Callable
from contextlib import closing

import pytest

from gregaria.client.requests import HttpSession
from tests.support.echo import Echo
from tests.support.http_session import Books, new_session

SESSIONS = 60

OURS = ("*/gregaria/*", "*/requests/*", "*/cookiejar.py", "*/urllib3/*")


def nothing(session: HttpSession) -> None:
    """A session that has only been made."""


def one_request(session: HttpSession) -> None:
    assert session.get("/status/204").took_engine


def login(session: HttpSession) -> None:
    session.headers["Authorization"] = "Bearer token"
    session.cookies.set("session", "1234")
    session.post("/status/204", json={"a": 1})
    assert session.get("/status/204").took_engine


@pytest.mark.parametrize(("use", "most_bytes"), [(nothing, 1200), (one_request, 4500), (login, 10000)])
def test_a_session_is_small(echo: Echo, books: Books, use: Callable[[HttpSession], None], most_bytes: int) -> None:
    def made() -> HttpSession:
        session = new_session(echo.url, books=books)
        use(session)
        return session

    with closing(made()):
        # What is made once for all of them is here now.
        gc.collect()
    tracemalloc.start()
    try:
        sessions = [made() for _ in range(SESSIONS)]
        gc.collect()
        # Without what the server's threads take, which are of this process too.
        snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, file) for file in OURS])
        taken_bytes = sum(statistic.size for statistic in snapshot.statistics("filename"))
    finally:
        tracemalloc.stop()
    for session in sessions:
        session.close()
    assert taken_bytes / SESSIONS < most_bytes


def test_containers_are_made_when_they_are_asked_for_and_tell_of_changes_from_then_on(session: HttpSession) -> None:
    assert session.get("/").took_engine
    assert not vars(session)
    for name in ("headers", "params", "proxies", "hooks", "cookies", "adapters"):
        assert getattr(session, name) is getattr(session, name)
        before = session.changes
        container = getattr(session, name)
        container.clear()
        assert session.changes > before, name


def test_what_is_no_attribute_is_none(session: HttpSession) -> None:
    with pytest.raises(AttributeError, match="'HttpSession' object has no attribute 'nonsense'"):
        session.nonsense  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        session.get_adapter("http://x").nonsense  # noqa: B018
