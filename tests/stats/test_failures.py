import itertools
import logging
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.errors import CatchResponseError
from gregaria.settings import settings
from gregaria.stats.failures import ExceptionTable, FailureTable, StatsError, group_key, message_of
from gregaria.stats.masking import Mask


@pytest.mark.parametrize(
    ("message", "group"),
    [
        ("order 550e8400-e29b-41d4-a716-446655440000 is gone", "order <uuid> is gone"),
        ("order 550E8400-E29B-41D4-A716-446655440000", "order <uuid>"),
        ("trace=4bf92f3577b34da6a3ce929d0e0e4736", "trace=<hex>"),
        ("order_3f2a9c81 failed", "order_<hex> failed"),
        ("<app.Cart object at 0x7f12ab34cd00>", "<app.Cart object at 0x....>"),
        ("10.0.0.17:8080 refused", "<address> refused"),
        ("10.0.0.17 refused.", "<address> refused."),
        ("[::1]:8080 refused", "<address> refused"),
        ("connect to 2001:db8::8a2e:370:7334: no route", "connect to <address>: no route"),
        ("2001:db8:: is a network", "<address> is a network"),
        ("from fe80::1%eth0", "from <address>"),
        ("::ffff:10.1.2.3 refused", "<address> refused"),
        ("404 Client Error: Not Found for url: /item/12345", "404 Client Error: Not Found for url: /item/<number>"),
        ("user12345 and 1699999999.123456", "user<number> and <number>.<number>"),
    ],
    ids=itertools.count(),
)
def test_what_varies_between_requests_is_masked(message: str, group: str) -> None:
    assert group_key(message) == group


@pytest.mark.parametrize(
    "message",
    [
        "404 Client Error: Not Found for url: /x",
        "503 Server Error: Service Unavailable",
        "expected 1234 got 4321",
        "at 12:30:45",
        "std::vector of 3",
        "facade and deadbeef",
        "version 1.2.3",
        "C:\\temp 1:2",
        "HTTPConnectionPool(host='a', port=8080)",
        "",
    ],
)
def test_what_tells_failures_apart_stays(message: str) -> None:
    assert group_key(message) == message


@given(st.text(max_size=200))
def test_any_text_has_a_group_and_the_groups_text_is_its_own_group(message: str) -> None:
    assert group_key(group_key(message)) == group_key(message)


@given(st.integers(100, 599))
def test_status_codes_are_never_masked(status: int) -> None:
    assert str(status) in group_key(f"{status} for url: /item/{status * 1000}")


class Broken(Exception):
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("plain", "plain"),
        (CatchResponseError("not what was asked for"), "not what was asked for"),
        (ValueError("no"), "ValueError('no')"),
        (ConnectionRefusedError(111, "Connection refused"), "ConnectionRefusedError(111, 'Connection refused')"),
        (None, "None"),
        (Broken(), "Broken (its repr raised RuntimeError)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_have_a_readable_text(error: object, message: str) -> None:
    assert message_of(error) == message


def test_a_whole_page_in_a_message_is_cut() -> None:
    assert len(message_of("<html>" * 100_000)) == 4000


def test_failures_that_differ_in_an_id_are_one_group_with_the_first_as_sample() -> None:
    table = FailureTable()
    before = time.time()
    for number in range(100_000, 100_050):
        table.add("GET", "/item", f"no item {number}")
    (group,) = table.values()
    assert (group.method, group.name, group.error, group.sample) == (
        "GET", "/item", "no item <number>", "no item 100000",
    )  # fmt: skip
    assert group.occurrences == 50
    assert group.first_seen is not None
    assert group.last_seen is not None
    assert before <= group.first_seen <= group.last_seen <= time.time()
    assert group.to_name() == "GET /item: no item <number>"


def test_secrets_are_masked_in_messages_and_one_that_crosses_the_end_is_too() -> None:
    table = FailureTable()
    table.mask = Mask(["open sesame"])
    for _ in range(2):
        table.add("GET", "/", "they said open%20sesame at http://ann:geheim@shop.example/")
        table.add("GET", "/", ValueError("x" * 3980 + "open sesame"))
    words, crossing = table.values()
    assert (words.sample, words.occurrences) == ("they said *** at http://***@shop.example/", 2)
    assert words.error == words.sample
    assert crossing.sample == f"ValueError('{'x' * 3980}***')"
    assert crossing.occurrences == 2


def test_different_failures_are_different_groups() -> None:
    table = FailureTable()
    for status in (404, 503):
        for name in ("/a", "/b"):
            for method in ("GET", "PUT"):
                table.add(method, name, f"{status} for {name}")
    assert len(table) == 8


def test_many_failures_with_distinct_ids_end_as_few_groups_with_exact_counts() -> None:
    table = FailureTable()
    for number in range(20_000):
        table.add("GET", "/", f"request {uuid.UUID(int=number * 2**90)} at 0x{number + 2**40:x}: {number % 3 + 500}")
        table.add("GET", "/", ValueError(f"item {number + 10**6} from 10.0.{number % 256}.{number // 256}:80"))
    assert sorted(group.occurrences for group in table.values()) == [6666, 6667, 6667, 20_000]


def test_beyond_the_limit_failures_are_one_group_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    settings.max_failures = 3
    table = FailureTable()
    with caplog.at_level(logging.WARNING, logger="gregaria.stats"):
        for letter in "abcdefg":
            for _ in range(2):
                table.add("GET", "/", f"kind {letter}")
    assert [(group.error, group.occurrences) for group in table.values()] == [
        ("kind a", 2), ("kind b", 2), ("kind c", 2), ("(other)", 8),
    ]  # fmt: skip
    assert list(table.values())[-1].sample == "GET /: kind d"
    assert [record.message for record in caplog.records if "more than 3 kinds" in record.message] == caplog.messages
    assert len(caplog.messages) == 1
    table.clear()
    table.add("GET", "/", "kind z")
    assert [group.error for group in table.values()] == ["kind z"]


def test_a_group_can_be_sent_and_added_to_another_table() -> None:
    table = FailureTable()
    table.add("GET", "/", "no item 12345")
    ((key, group),) = table.items()
    assert key == StatsError.create_key("GET", "/", "no item 99999")
    group.first_seen, group.last_seen = 100.0, 200.0
    sent = StatsError.unserialize(group.serialize())
    assert sent.serialize() == group.serialize() == group.to_dict()
    sent.first_seen, sent.last_seen, sent.occurrences = 50.0, 150.0, 4
    table.merge(sent)
    assert (group.occurrences, group.first_seen, group.last_seen) == (5, 50.0, 200.0)
    table.merge(StatsError.unserialize({"method": "PUT", "name": "/", "error": "x", "occurrences": 3}))
    assert [(group.occurrences, group.first_seen) for group in table.values()] == [(5, 50.0), (3, None)]


def test_a_single_error_counts_its_occurrences() -> None:
    error = StatsError("GET", "/", CatchResponseError("bad"))
    assert (error.occurrences, error.first_seen) == (0, None)
    error.occurred()
    error.occurred()
    assert error.occurrences == 2
    assert StatsError.parse_error(CatchResponseError("bad 12345")) == "bad <number>"


def test_exceptions_with_the_same_traceback_are_one_row_of_locusts_shape() -> None:
    table = ExceptionTable()
    for number in range(3):
        table.add(
            "local" if number else "worker_1", f"no {number + 10000}", f"Traceback\nValueError: no {number + 10000}"
        )
    table.add("local", "other", "Traceback\nKeyError: 'x'")
    assert list(table.values()) == [
        {"count": 3, "msg": "no 10000", "traceback": "Traceback\nValueError: no 10000", "nodes": {"local", "worker_1"}},
        {"count": 1, "msg": "other", "traceback": "Traceback\nKeyError: 'x'", "nodes": {"local"}},
    ]


def test_beyond_the_limit_exceptions_are_one_row_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    settings.max_exceptions = 2
    table = ExceptionTable()
    for letter in "abcde":
        table.add("local", letter, f"Traceback {letter}")
    assert [(row["msg"], row["count"]) for row in table.values()] == [("a", 1), ("b", 1), ("(other)", 3)]
    assert len(caplog.messages) == 1
