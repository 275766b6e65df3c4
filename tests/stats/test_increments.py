"""A worker tells everything once; the master has in the end what the workers have, and nothing of what is broken."""

import threading
import time
import zlib
from typing import Any

import msgpack
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from gregaria.engine.histogram import Histogram
from gregaria.engine.phases import Phases
from gregaria.engine.recorder import Entry
from gregaria.settings import settings
from gregaria.stats.exchanges import Exchange, Half
from gregaria.stats.failures import ExceptionTable, StatsError
from gregaria.stats.generator import HoldUp
from gregaria.stats.increments import Increments, add_report
from gregaria.stats.summary import Summary, summarize
from gregaria.stats.table import RequestStats
from tests.stats.generator_lines import second

NODE = "host_0123456789abcdef0123456789abcdef"


class Node:
    """The statistics of a process, and what it tells of them."""

    def __init__(self) -> None:
        self.stats = RequestStats()
        self.exceptions = ExceptionTable()
        self.increments = Increments(self.stats, self.exceptions)

    def tell(self) -> Any:
        """What is new, as it comes out at the other end."""
        report = self.increments.take()
        return None if report is None else msgpack.unpackb(msgpack.packb(report), strict_map_key=False)

    def add(self, report: Any, shift_s: int = 0) -> int:
        return add_report(report, self.stats, self.exceptions, NODE, shift_s)

    def clear(self) -> None:
        self.stats.clear_all()
        self.exceptions.clear()

    def summary(self) -> Summary:
        return summarize(self.stats, self.exceptions)

    def counts(self) -> Any:
        """Every count and every percentile."""
        rows = self.stats.recorder
        tables = self.stats.errors, self.stats.generator_errors
        return (
            {
                key: [histogram_of(row), row.num_requests, row.num_failures, row.total_bytes, row.num_generator_errors]
                for key, row in {**rows.entries, "total": rows.total}.items()
            },
            {key: histogram_of(row) for key, row in self.stats.outcomes.entries.items() if row.num_requests},
            [{key: (error.occurrences, error.sample) for key, error in table.items()} for table in tables],
            sorted((row["count"], row["msg"], row["traceback"]) for row in self.exceptions.values()),
        )

    def everything(self) -> Any:
        return self.counts(), self.summary().failures, self.stats.generator.freeze(0, None)


def histogram_of(row: Entry) -> bytes:
    times: Histogram = row.times
    return bytes(times.pack())


def answer(status: int = 503, body: bytes = b"busy") -> requests.Response:
    found = requests.Response()
    found.status_code, found.reason, found._content = status, "Unavailable", body
    found.headers["Content-Type"] = "text/plain"
    found.request = requests.Request("POST", "http://shop/cart?token=1", data=b"x=1").prepare()
    return found


def busy_node() -> Node:
    """A worker that has something of everything."""
    node = Node()
    for number in range(50):
        node.stats.log_request("GET", f"/{number % 3}", number, 10)
    node.stats.log_request("POST", "/cart", 12.5, 3)
    node.stats.log_error("POST", "/cart", "busy 12345", answer())
    node.stats.log_error("GET", "/1", ValueError("\ud800 half"))
    node.stats.log_generator_error("GET", "/1", OSError(24, "Too many open files"))
    node.stats.log_interrupted("GET", "/1")
    node.stats.outcomes.record("GET\tshop.example\t443\t503\t503", "/cart", 12_500, 0)
    node.exceptions.add("local", "boom", "Traceback: boom at 0x12345678")
    node.stats.generator.add_second(second(1))
    node.stats.generator.add_late(1_700_000_000.5, 1_700_000_001.5, 70_000)
    node.stats.generator.add_hold_up(HoldUp("task", "task T.t"), 70_000)
    node.stats.generator.add_look(None)
    return node


def test_a_master_has_what_its_worker_has() -> None:
    worker, master = busy_node(), Node()
    assert master.add(worker.tell()) == 51
    mine, theirs = master.summary(), worker.summary()
    assert [(row.name, row.num_requests, row.histogram_us) for row in mine.requests] == [
        (row.name, row.num_requests, row.histogram_us) for row in theirs.requests
    ]
    assert mine.total.num_requests == 51
    assert (mine.total.num_interrupted, mine.total.num_generator_errors) == (1, 1)
    assert mine.failures[1] == theirs.failures[1]
    (exchange,) = mine.failures[1].exchanges
    assert exchange.response is not None
    assert (exchange.status, exchange.response.body, exchange.request and exchange.request.body) == (
        503,
        b"busy",
        b"x=1",
    )
    (exception,) = mine.exceptions
    assert (exception.nodes, exception.count) == ((NODE,), 1)
    assert mine.generator is not None
    assert mine.generator.causes[0].what.name == "host_012345: task T.t"
    assert [error.sample for error in mine.generator_errors] == [error.sample for error in theirs.generator_errors]


def test_nothing_is_told_while_nothing_is_new_and_each_thing_once() -> None:
    worker = Node()
    assert worker.increments.take() is None
    worker = busy_node()
    assert set(worker.tell()) == {"rows", "outcomes", "failures", "generator_errors", "exceptions", "generator"}
    assert worker.increments.take() is None
    worker.stats.log_request("GET", "/", 1, 1)
    assert set(worker.tell()) == {"rows"}
    worker.exceptions.add("local", "boom", "Traceback: boom at 0xabcdef12")
    assert worker.tell() == {
        "exceptions": [{"message": "boom", "traceback": "Traceback: boom at 0x12345678", "count": 1}]
    }


STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(
            ["request", "failure", "outcome", "generator error", "exception", "take", "take", "reset", "clear"]
        ),
        st.integers(0, 3),
    ),
    max_size=50,
)


@given(STEPS)
def test_whatever_is_counted_reset_and_taken_adds_up_to_what_would_have_been_counted_directly(steps: list[Any]) -> None:
    workers, master, direct = [Node(), Node()], Node(), Node()
    untaken: list[list[Any]] = [[], []]

    def count(node: Node, kind: str, number: int) -> None:
        if kind == "request":
            node.stats.log_request("GET", f"/{number}", 1.7 * number, number)
        elif kind == "failure":
            node.stats.log_request("GET", f"/{number}", None, number)
            node.stats.log_error("GET", f"/{number}", f"kind {number}")
        elif kind == "generator error":
            node.stats.log_generator_error("GET", f"/{number}", f"limit {number}")
        elif kind == "outcome":
            node.stats.outcomes.record("GET\tshop\t80\t200\t", f"/{number}", 1000 * number, 0)
        else:
            node.exceptions.add("local", f"error {number}", f"Traceback {number}")

    def take(number: int) -> None:
        report = workers[number].tell()
        for kind, which in untaken[number]:
            count(direct, kind, which)
        untaken[number] = []
        if report is not None:
            master.add(report)

    for number, kind, which in steps:
        if kind == "take":
            take(number)
        elif kind == "clear":
            workers[number].clear()
            untaken[number] = []
        elif kind == "reset":
            # The exceptions stay.
            workers[number].stats.reset_all()
            untaken[number] = [each for each in untaken[number] if each[0] == "exception"]
        else:
            count(workers[number], kind, which)
            untaken[number].append((kind, which))
    take(0)
    take(1)
    assert master.counts() == direct.counts()


def test_a_thread_that_takes_all_the_time_loses_no_failure_and_no_exception() -> None:
    worker, master = Node(), Node()
    is_over = threading.Event()

    def count() -> None:
        try:
            for number in range(3_000):
                worker.stats.log_request("GET", "/", 1, 1)
                worker.stats.log_error("GET", "/", f"kind {number % 7}", answer())
                worker.exceptions.add("local", "boom", f"Traceback {number % 5}")
                if number % 50 == 0:
                    worker.stats.generator.add_second(second(number))
                    worker.stats.generator.add_hold_up(HoldUp("task", f"task {number % 3}"), 5)
        finally:
            is_over.set()

    counting = threading.Thread(target=count)
    counting.start()
    takes = 0
    while True:
        was_over = is_over.is_set()
        report = worker.tell()
        if report is not None:
            takes += 1
            master.add(report)
        if was_over:
            break
    counting.join()
    assert takes > 5
    assert master.counts() == worker.counts()
    assert [len(error.exchanges) for error in master.stats.errors.values()] == [settings.kept_exchanges] * 7
    found = master.stats.generator.freeze(0, None)
    assert found is not None
    assert found.seconds_watched == 60
    assert sum(cause.count for cause in found.causes) == 60


def test_kinds_beyond_the_limit_stay_together_at_the_master() -> None:
    settings.max_failures = settings.max_exceptions = 2
    worker = Node()
    for number in range(5):
        worker.stats.log_error("GET", "/", f"kind {number}")
        worker.exceptions.add("local", f"error {number}", f"Traceback {number}")
    settings.max_failures = settings.max_exceptions = 200
    master = Node()
    report = worker.tell()
    for _ in range(2):
        master.add(report)
    assert [(error.name, error.error, error.sample, error.occurrences) for error in master.stats.errors.values()] == [
        ("/", "kind 0", "kind 0", 2),
        ("/", "kind 1", "kind 1", 2),
        ("", "(other)", "GET /: kind 2", 6),
    ]
    assert [(row["msg"], row["count"]) for row in master.exceptions.values()] == [
        ("error 0", 2),
        ("error 1", 2),
        ("(other)", 6),
    ]


def test_a_long_text_is_of_the_same_kind_at_the_worker_and_at_the_master() -> None:
    worker, master = Node(), Node()
    for number in range(3):
        worker.stats.log_error("GET", "/", f"{'12345 ' * 900}{number}")
        master.add(worker.tell())
    assert master.stats.errors.keys() == worker.stats.errors.keys()
    assert [error.occurrences for error in master.stats.errors.values()] == [3]


def test_a_report_has_so_many_exchanges_and_the_next_one_more() -> None:
    worker, master = Node(), Node()
    for number in range(30):
        for _ in range(3):
            worker.stats.log_error("GET", f"/{number}", "busy", answer())
    sizes = []
    while (report := worker.tell()) is not None:
        sizes.append(sum(len(each.get("exchanges", ())) for each in report["failures"]))
        master.add(report)
    assert sizes == [50, 40]
    assert master.summary().failures == worker.summary().failures


def test_exchanges_of_failures_that_are_forgotten_make_no_group() -> None:
    worker, master = Node(), Node()
    for number in range(30):
        for _ in range(3):
            worker.stats.log_error("GET", f"/{number}", "busy", answer())
    master.add(worker.tell())
    master.clear()
    master.add(worker.tell())
    assert master.stats.errors == {}


def test_an_exchange_is_the_same_at_the_other_end() -> None:
    half = Half(("GET / HTTP/1.1", "Host: a"), 3, b"\x00\xff", 5, 3)
    whole = Exchange(5.5, "GET", "http://a/", "/", "no", 12, half, None, 200, Phases(1, 2, 3, 4, 5, 6))
    bare = Exchange(5.5, "GET", "http://a/", "/", "no", None, None, Half((), 0, None, 0, 0), None, None)
    for exchange in (whole, bare):
        assert Exchange.of(msgpack.unpackb(msgpack.packb(exchange.plain())), 0) == exchange


def test_moments_become_those_of_the_masters_clock() -> None:
    worker, master = Node(), Node()
    worker.stats.log_request("GET", "/", 1, 1)
    worker.stats.log_error("GET", "/", "no", answer())
    before_s = time.time()
    master.add(worker.tell(), shift_s=-3600)
    (error,) = master.stats.errors.values()
    moments = (error.first_seen, error.last_seen, error.exchanges[0].epoch_s, master.stats.last_request_timestamp)
    assert [moment and round(before_s - moment) for moment in moments] == [3600] * 4


# -- what is broken ----------------------------------------------------------------------------------------------------

GOOD = busy_node().tell()
FAILURE, EXCEPTION = GOOD["failures"][0], GOOD["exceptions"][0]
EXCHANGE = FAILURE["exchanges"][0]


def with_exchange(place: int, value: Any) -> dict[str, Any]:
    broken = list(EXCHANGE)
    broken[place] = value
    return {"failures": [FAILURE | {"exchanges": [broken]}]}


BROKEN: dict[str, dict[str, Any]] = {
    "rows that are text": {"rows": "text"},
    "rows not compressed": {"rows": b"not compressed"},
    "rows that are none": {"rows": zlib.compress(b"no rows")},
    "rows cut off": {"rows": GOOD["rows"][:-1]},
    "outcomes that are none": {"outcomes": zlib.compress(b"no rows")},
    "outcomes cut off": {"outcomes": GOOD["outcomes"][:-1]},
    "rows with a tail": {"rows": GOOD["rows"] + b"x"},
    "rows that are a bomb": {"rows": zlib.compress(bytes(64 * 1024 * 1024 + 1))},
    "failures that are no list": {"failures": {}},
    "a failure that is a number": {"failures": [3]},
    "a negative count": {"failures": [FAILURE | {"occurrences": -1}]},
    "a broken count": {"failures": [FAILURE | {"occurrences": 1.5}]},
    "a huge count": {"failures": [FAILURE | {"occurrences": 2**63}]},
    "no name": {"failures": [FAILURE | {"name": None}]},
    "a sample of bytes": {"failures": [FAILURE | {"sample": b"bytes"}]},
    "a moment that is none": {"failures": [FAILURE | {"first_seen": float("nan")}]},
    "a moment far away": {"failures": [FAILURE | {"last_seen": 1e300}]},
    "too many exchanges": {"failures": [FAILURE | {"exchanges": [EXCHANGE] * 51}]},
    "an exchange at no moment": with_exchange(0, "now"),
    "an exchange without a URL": with_exchange(2, 7),
    "an exchange before its beginning": with_exchange(5, -1),
    "a body of text": with_exchange(6, [["GET"], 0, "text", 0, 0]),
    "a head that is a number": with_exchange(7, [3, 0, b"", 0, 0]),
    "three phases": with_exchange(9, [1, 2, 3]),
    "an error of the generator that is a list": {"generator_errors": [[]]},
    "an exception that is counted as true": {"exceptions": [EXCEPTION | {"count": True}]},
    "an exception without a traceback": {"exceptions": [EXCEPTION | {"traceback": None}]},
    "an empty exception": {"exceptions": [{}]},
    "a generator that is a list": {"generator": []},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_report_with_anything_broken_is_refused_and_nothing_of_it_is_added(broken: dict[str, Any]) -> None:
    master = Node()
    master.add(GOOD)
    before = master.everything()
    with pytest.raises(ValueError, match=r"."):
        master.add(GOOD | broken)
    assert master.everything() == before


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=3)
    | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def replaced(value: Any, path: list[int], by: Any) -> Any:
    """A copy in which something, at any depth, is another thing."""
    if not path or not value or not isinstance(value, (list, dict)):
        return by
    if isinstance(value, dict):
        key = sorted(value)[path[0] % len(value)]
        return value | {key: replaced(value[key], path[1:], by)}
    place = path[0] % len(value)
    return [*value[:place], replaced(value[place], path[1:], by), *value[place + 1 :]]


@given(st.lists(st.integers(0, 20), max_size=6), ANYTHING)
def test_a_report_with_something_else_in_any_place_is_refused_whole_or_added_whole(path: list[int], by: Any) -> None:
    master = Node()
    before = master.everything()
    try:
        added = master.add(replaced(GOOD, path, by))
    except ValueError:
        assert master.everything() == before
    else:
        assert master.stats.num_requests == added
        master.summary()


# -- Locust's dialect --------------------------------------------------------------------------------------------------


def test_locusts_master_is_told_what_is_new_as_its_own_workers_tell_it() -> None:
    worker, master = Node(), Node()
    total = 0
    for number in range(30):
        worker.stats.log_request("GET", f"/{number % 3}", 10 + number, 5)
        if number % 4 == 0:
            worker.stats.log_error("GET", f"/{number % 3}", "no")
        if number % 7 == 0:
            told = worker.increments.take_for_locust()
            told = msgpack.unpackb(msgpack.packb(told), strict_map_key=False)
            assert set(told) == {"stats", "stats_total", "errors"}
            assert sum(row["num_requests"] for row in told["stats"]) == told["stats_total"]["num_requests"]
            total += told["stats_total"]["num_requests"]
            master.stats.merge_report(told["stats"], told["errors"])
    told = worker.increments.take_for_locust()
    master.stats.merge_report(told["stats"], told["errors"])
    assert total + told["stats_total"]["num_requests"] == 30
    assert [error.occurrences for error in master.stats.errors.values()] == [
        error.occurrences for error in worker.stats.errors.values()
    ]
    for mine, theirs in zip(master.stats.entries.values(), worker.stats.entries.values(), strict=True):
        assert mine.num_requests == theirs.num_requests
        assert (mine.min_response_time, mine.max_response_time) == (theirs.min_response_time, theirs.max_response_time)
        assert mine.total_response_time == theirs.total_response_time
        assert mine.num_reqs_per_sec == theirs.num_reqs_per_sec
        assert mine.response_times == theirs.response_times
    assert told["stats_total"]["name"] == "Aggregated"


def test_locusts_master_is_told_of_nothing_new_with_an_empty_total() -> None:
    worker = Node()
    worker.stats.log_interrupted("GET", "/")
    told = worker.increments.take_for_locust()
    assert (told["stats"], told["errors"]) == ([], {})
    assert told["stats_total"]["num_requests"] == 0
    assert told["stats_total"]["min_response_time"] is None
    assert told["stats_total"]["start_time"] == pytest.approx(time.time(), abs=20)


def test_groups_have_locusts_keys() -> None:
    worker = Node()
    worker.stats.log_error("GET", "/", "kind 12345")
    (key,) = worker.increments.take_for_locust()["errors"]
    assert key == StatsError.create_key("GET", "/", "kind 12345")
    assert key in worker.stats.errors
