"""A master's rows when their source takes its time: what workers say meanwhile counts at once, and nothing is lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gevent
import pytest
from gevent.event import Event

from gregaria.cluster.rows import Rows
from gregaria.feed.server import FeedServer
from gregaria.feed.source import IterableSource


@dataclass
class Made:
    """A feed whose rows a function makes: the one called ``slow`` only when it may."""

    source: IterableSource
    name: str = "rows"
    strategy: str = "unique"
    at_end: str = "stop_user"
    seed: int | None = 1


class Served:
    """A master's rows, and what workers were sent: numbers of rows, in the order in which they went out."""

    def __init__(self, slow: int = -1, count: int = 8) -> None:
        self.may_go_on = Event()
        self.is_waiting = Event()

        def make() -> Iterator[dict[str, int]]:
            for number in range(count):
                if number == slow:
                    self.is_waiting.set()
                    self.may_go_on.wait()
                yield {"number": number}

        self.server = FeedServer([Made(IterableSource(make, "rows"))])
        self.sent: dict[str, list[dict[str, Any]]] = {}
        self.rows = Rows(self.server, lambda worker, told: self.sent.setdefault(worker, []).append(told[1]))
        self.rows.begin("run", [])

    def say(self, worker: str, **ask: Any) -> None:
        self.rows.take(worker, "rows", {"run": "run", "epoch": 1, **ask})
        gevent.sleep(0)

    def go_on(self) -> None:
        """Let the function make its rows, and return when they are handed out."""
        self.may_go_on.set()
        with gevent.Timeout(5):
            while self.rows._wanting["rows"]:
                gevent.sleep(0)

    def got(self, worker: str) -> list[int]:
        answers = self.sent.get(worker, [])
        return [row["number"] for answer in answers for _, row in answer.get("rows", ())]

    @property
    def figures(self) -> dict[str, int]:
        return self.server.pools["rows"].figures()


@pytest.fixture
def slow() -> Iterator[Served]:
    """One worker, ``a``, has the first two rows and waits for more, whose making takes its time."""
    served = Served(slow=4)
    served.say("a", want=2, waiting=2, opens=2)
    assert served.got("a") == [0, 1]
    served.say("a", want=4, waiting=1)
    assert served.is_waiting.is_set()
    yield served
    served.may_go_on.set()


def test_what_was_used_counts_before_the_rows_that_are_asked_for_are_there(slow: Served) -> None:
    slow.say("a", used=[1])
    slow.say("a", returned=[2], want=3)
    assert slow.figures["used"] == 1
    another = Served()
    another.rows.restore(slow.rows.snapshot())
    assert another.figures["used"] == 1
    # The third, which is granted and has not been sent.
    assert another.figures["held"] == 1
    slow.go_on()
    assert slow.got("a")[:2] == [0, 1]
    # The returned one comes once more, and no other does.
    assert sorted(slow.got("a")) == [0, 1, 1, 2, 3, 4]


def test_what_is_noted_while_rows_are_made_lacks_none_of_them(slow: Served) -> None:
    another = Served()
    another.rows.restore(slow.rows.snapshot())
    another.say("a", sync=[1, 2], only_returns=False)
    another.say("b", want=8, waiting=8)
    assert another.got("b") == [2, 3, 4, 5, 6, 7]


def test_rows_that_are_made_for_a_worker_that_is_lost_meanwhile_go_to_others(slow: Served) -> None:
    slow.rows.lost("a")
    slow.say("b", want=8, waiting=8)
    slow.go_on()
    assert sorted(slow.got("b")) == [2, 3, 4, 5, 6, 7]
    # Of those that were open there nobody knows.
    assert slow.figures["doubtful"] == 2


def test_rows_that_are_made_for_a_worker_that_begins_again_meanwhile_are_not_sent_twice(slow: Served) -> None:
    slow.rows.take("a", "rows", {"run": "run", "epoch": 2, "sync": [1, 2], "only_returns": False})
    slow.rows.take("a", "rows", {"run": "run", "epoch": 2, "want": 6, "waiting": 1})
    slow.go_on()
    answers = [answer for answer in slow.sent["a"] if answer["epoch"] == 2]
    assert sorted(row["number"] for answer in answers for _, row in answer.get("rows", ())) == [2, 3, 4, 5, 6, 7]
