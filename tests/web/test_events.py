"""The stream of events, as the real command sends it and as a feed makes it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import gevent.event
import gevent.socket
import pytest

from gregaria.web import feed as feed_module
from gregaria.web.feed import Feed
from gregaria.web.server import Server as WebServer
from tests.support.servers import Server
from tests.web.conftest import Events, Site, Starter


def test_a_hello_has_everything_and_ticks_what_has_changed(site: Site) -> None:
    with Events(site) as events:
        kind, hello = events.next()
        assert kind == "hello"
        assert hello["schema"] == "gregaria.web/1"
        parts = "version server now_epoch_s run fractions names rows total recent points marks workers notes counts"
        assert {*parts.split(), "generator"} <= set(hello)
        site.swarm()
        begun = events.until("hello", lambda data: data["run"]["state"] in ("spawning", "running"))
        assert begun["run"]["number"] == hello["run"]["number"] + 1
        tick = events.until("tick", lambda data: data.get("points") and data.get("rows"))
        assert len(tick["rows"][0]) == 13
        assert len(tick["points"][0]) == 9
        site.post("/stop")
        stopped = events.until("tick", lambda data: data.get("run", {}).get("state") == "stopped")
        assert "names" not in stopped
        quiet = events.until("tick", lambda data: set(data) == {"now_epoch_s"})
        assert quiet["now_epoch_s"] > tick["now_epoch_s"]


def test_who_comes_late_gets_the_whole_history(site: Site) -> None:
    site.swarm()
    with Events(site) as early:
        early.until("tick", lambda data: data.get("points"))
        early.until("tick", lambda data: data.get("points"))
        late = site.hello()
        assert len(late["points"]) >= 2
        assert [mark[1] for mark in late["marks"]][:1] == ["start"]
        assert {name for _, _, name in late["names"]} == {"/look", "/sell", "/status/500"}


def test_rows_add_up_to_what_the_target_has_counted(starter: Starter, target: Server) -> None:
    before = _counted(target)
    site = starter.start("-H", target.url)
    site.swarm()
    site.until(lambda: site.requests_of() > 20)
    site.post("/stop")
    hello = site.hello()
    assert sum(row[1] for row in hello["rows"]) == hello["total"][0] == _counted(target) - before
    assert sum(point[3] for point in hello["points"]) == hello["total"][0]


def _counted(target: Server) -> int:
    counts = target.get_json("/__count")
    assert isinstance(counts, dict)
    return sum(counts.values())


def test_a_page_that_comes_back_gets_what_it_has_missed(site: Site) -> None:
    site.swarm()
    with Events(site) as events:
        events.until("tick", lambda data: data.get("points"))
        seen = events.last_id
        missed = events.until("tick", lambda data: data.get("points"))
    with Events(site, seen) as events:
        assert events.next() == ("tick", missed)


@pytest.mark.parametrize("last_id", ["nonsense", "0-1-1", "abc-1.2-x", "-"])
def test_a_page_of_another_server_is_greeted(site: Site, last_id: str) -> None:
    with Events(site, last_id) as events:
        assert events.next()[0] == "hello"


def test_a_page_that_comes_back_after_another_test_is_greeted(site: Site) -> None:
    site.swarm()
    with Events(site) as events:
        events.next()
        last_id = events.last_id
    site.post("/stop")
    site.swarm()
    with Events(site, last_id) as events:
        assert events.next()[0] == "hello"


class Ticking:
    """Something to tell of that changes each time."""

    def __init__(self) -> None:
        self.key = "1"
        self.count = 0
        self.size = 10

    def changes(self) -> dict[str, Any]:
        self.count += 1
        return {"count": self.count, "text": "x" * self.size}

    def whole(self) -> dict[str, Any]:
        return {"all": self.count}

    def forget(self) -> None:
        self.count = 0


@pytest.fixture
def make_feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Ticking], Feed]]:
    """Feeds that tick fifty times a second."""
    monkeypatch.setattr(feed_module, "_TICK_S", 0.02)
    monkeypatch.setattr(feed_module, "_SOONEST_S", 0.01)
    made: list[Feed] = []

    def make(picture: Ticking) -> Feed:
        made.append(Feed(picture))
        return made[-1]

    yield make
    for feed in made:
        feed.close()


def _read(events: Iterator[bytes]) -> tuple[str, str, dict[str, Any]]:
    lines = dict(line.split(": ", 1) for line in next(events).decode().strip().splitlines())
    return lines["id"], lines["event"], json.loads(lines["data"])


def test_all_pages_are_told_the_same_bytes(make_feed: Callable[[Ticking], Feed]) -> None:
    feed = make_feed(Ticking())
    pages = [feed.events(None) for _ in range(3)]
    for page in pages:
        assert next(page).startswith(b"retry: ")
    for page in pages:
        assert _read(page)[1] == "hello"
    assert len({next(page) for page in pages}) == 1
    for page in pages:
        page.close()


def test_nothing_is_computed_while_nobody_listens(make_feed: Callable[[Ticking], Feed]) -> None:
    picture = Ticking()
    feed = make_feed(picture)
    page = feed.events(None)
    next(page)
    assert _read(page)[1] == "hello"
    page.close()
    gevent.sleep(0.1)
    count = picture.count
    gevent.sleep(0.1)
    assert picture.count == count


def test_a_page_that_reads_too_slowly_is_dropped_and_the_others_are_not(make_feed: Callable[[Ticking], Feed]) -> None:
    feed = make_feed(Ticking())
    dropped = gevent.event.Event()

    def slow() -> None:
        page = feed.events(None)
        next(page)
        try:
            # Its connection takes no more.
            gevent.sleep(30)
        finally:
            page.close()
            dropped.set()

    gevent.spawn(slow)
    fast = feed.events(None)
    next(fast)
    read = 0
    with gevent.Timeout(10):
        while not dropped.is_set():
            _read(fast)
            read += 1
    assert read >= feed_module._MOST_WAITING
    _read(fast)
    fast.close()


def test_the_connection_of_a_page_that_reads_nothing_is_closed(make_feed: Callable[[Ticking], Feed]) -> None:
    picture = Ticking()
    picture.size = 1_000_000
    feed = make_feed(picture)

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return feed.events(None)

    server = WebServer("127.0.0.1", 0, app, None)
    server.listen()
    gevent.spawn(server.serve_forever)
    with gevent.socket.create_connection(("127.0.0.1", server.server_port)) as page, gevent.Timeout(15):
        page.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert page.recv(100).startswith(b"HTTP/1.1 200")
        while feed._pages or not picture.count:
            gevent.sleep(0.05)
        # Nothing waits for it any more, and the end of the connection is there to be read.
        while page.recv(1_000_000):
            pass
    server.stop()


def test_another_run_greets_every_page(make_feed: Callable[[Ticking], Feed]) -> None:
    picture = Ticking()
    feed = make_feed(picture)
    page = feed.events(None)
    next(page)
    assert [_read(page)[1] for _ in range(2)] == ["hello", "tick"]
    picture.key = "2"
    kinds = [_read(page)[1] for _ in range(3)]
    assert "hello" in kinds
    page.close()


def test_what_is_remembered_has_its_bounds(
    make_feed: Callable[[Ticking], Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_MOST_REMEMBERED_BYTES", 5000)
    picture = Ticking()
    picture.size = 1000
    feed = make_feed(picture)
    page = feed.events(None)
    next(page)
    first = _read(page)[0]
    for _ in range(10):
        last = _read(page)[0]
    page.close()
    # Too long ago to be told again.
    again = feed.events(first)
    next(again)
    assert _read(again)[1] == "hello"
    again.close()
    recent = feed.events(last)
    next(recent)
    assert _read(recent)[1] == "tick"
    recent.close()


def test_there_are_only_so_many_pages(starter: Starter) -> None:
    site = starter.start()
    pages = [Events(site) for _ in range(50)]
    answer = site.get("/api/events")
    assert answer.status_code == 503
    assert "too many pages" in answer.text
    for page in pages:
        page.__exit__()

    def is_let_in() -> bool:
        with site.session.get(f"{site.url}/api/events", stream=True, timeout=10) as answer:
            return answer.status_code == 200

    site.until(is_let_in)
