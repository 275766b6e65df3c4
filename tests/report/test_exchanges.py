import pytest

from gregaria.report.exchanges import exchange_document, kept_exchanges
from tests.report.sample import exchange, failure, half


def test_an_exchange_is_told_whole() -> None:
    told = exchange_document(exchange())
    assert (told["method"], told["status"], told["duration_us"]) == ("GET", 500, 12_345)
    assert told["request"]["head"] == ["GET /?page=1 HTTP/1.1", "Host: 127.0.0.1:8000"]
    assert (told["response"]["body"], told["response"]["is_text"]) == ("out of order", True)
    assert exchange_document(exchange(response=None))["response"] is None


@pytest.mark.parametrize("body, is_text", [(b"\xff\xfe", False), (b"a\x00b", False), ("é".encode()[:1], True)])
def test_what_is_no_text_is_said_to_be_none(body: bytes, is_text: bool) -> None:
    assert exchange_document(exchange(response=half("HTTP/1.1 200", body=body)))["response"]["is_text"] is is_text


def test_a_document_keeps_one_of_each_failure_before_the_next_of_any() -> None:
    large = exchange(response=half("HTTP/1.1 500", body=b"x" * 300_000))
    failures = [failure("a", exchanges=(large, large, large)), failure("b", exchanges=(large, large))]
    kept = kept_exchanges(failures)
    assert {place: len(exchanges) for place, exchanges in kept.items()} == {0: 2, 1: 1}


def test_failures_without_exchanges_have_none() -> None:
    assert kept_exchanges([failure(), failure()]) == {0: [], 1: []}
    assert kept_exchanges([]) == {}
