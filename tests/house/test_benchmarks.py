"""The benchmarks' own arithmetic, and that what is printed of their results is what they measured."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.cases import Case, Group
from benchmarks.churn import growth
from benchmarks.counting import CountingTarget
from benchmarks.limits import Limit, judged
from benchmarks.nginx import Nginx
from benchmarks.target import WaitingTarget
from benchmarks.throughput import selected
from benchmarks.told import PERCENTILES, counted_percentiles, exact_percentiles

MEASURED = {
    "measured": "2026-01-31 12:00 UTC",
    "machine": {"cpu": "a processor", "cores": 2, "system": "Linux 6"},
    "commit": "abc123",
    "users": 50,
    "rounds": 3,
    "window_s": 5.0,
    "versions": {"gregaria": "0.1.0", "wrk": "4.1.0"},
    "cases": [
        {"case": "wrk", "rate": 200_000, "of_wrk": 1.0, "cpu_us_per_request": 4.7, "target_busy": 0.96},
        {"case": "gregaria Fast", "rate": 140_000, "of_wrk": 0.7, "cpu_us_per_request": 7.0, "target_busy": 0.8},
        {"case": "locust Fast", "rate": 10_000, "of_wrk": 0.05, "cpu_us_per_request": 100.0, "target_busy": 0.1},
    ],
}


def test_the_page_of_results_is_the_one_that_the_figures_render_to() -> None:
    assert results.PAGE.read_text() == results.page(results.load())


def test_the_readme_shows_the_figures_that_were_measured_last() -> None:
    readme, measured = results.README.read_text(), results.load().get("throughput")
    assert (results.with_figures(readme, measured) if measured else readme) == readme


def test_figures_replace_what_stands_between_the_marks_of_the_readme_and_nothing_else() -> None:
    readme = "before\n<!-- figures: written by `make bench` -->\nold\n<!-- /figures -->\nafter\n"
    once = results.with_figures(readme, MEASURED)
    assert once.startswith("before\n<!-- figures: written by `make bench` -->\n| generator |")
    assert once.endswith("\n<!-- /figures -->\nafter\n")
    assert "old" not in once
    assert "| **Gregaria, FastHttpUser** | 140,000 | 0.70 | 7.0 |" in once
    assert results.with_figures(once, MEASURED) == once


def test_a_limit_is_told_as_reached_missed_or_not_measured() -> None:
    text = results.throughput_text(MEASURED)
    assert "| FastHttpUser, of wrk | 0.65 | 0.7 | reached |" in text
    assert "| FastHttpUser, times Locust's | 10 | 14 | reached |" in text
    assert "| HttpUser, of wrk | 0.4 | not measured |  |" in text
    low = {**MEASURED, "cases": [{**case, "of_wrk": 0.5} for case in MEASURED["cases"]]}  # type: ignore[attr-defined]
    assert "| FastHttpUser, of wrk | 0.65 | 0.5 | **missed** |" in results.throughput_text(low)


@pytest.mark.parametrize(("of_wrk", "value"), [({"a": 0.6, "b": 0.02}, 30), ({"a": 0.6}, None), ({"b": 0.02}, None)])
def test_a_limit_beside_another_tool_is_the_ratio_of_both(of_wrk: dict[str, float], value: float | None) -> None:
    reached = Limit("a to b", "a", 30, beside="b").value(of_wrk)
    assert reached == (value if value is None else pytest.approx(value))


def test_the_counting_target_counts_every_request_however_it_is_cut() -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    with CountingTarget(seed=1) as target, socket.create_connection(("127.0.0.1", int(target.url[17:]))) as connection:
        for cut in range(1, len(request)):
            connection.sendall(request[:cut])
            connection.sendall(request[cut:])
            assert connection.recv(4096).endswith(b'{"message":"ok!"}')
        connection.sendall(request * 3)
        connection.close()
        target.wait_until_left()
        assert target.requests == len(request) - 1 + 3


def test_a_figure_that_must_not_be_larger_is_told_as_reached_missed_or_not_measured() -> None:
    verdicts = [judged("median, ms", 0.5, 1), judged("p99, ms", 12.0, 10), judged("CPU", None, 0.25)]
    text = results.judged_text({"about": "What was done.", "rows": [{"case": "a", "ms": 0.5}], "judged": verdicts})
    assert text.startswith("What was done.\n\n| case | ms |\n")
    assert "| median, ms | 1 | 0.5 | reached |" in text
    assert "| p99, ms | 10 | 12 | **missed** |" in text
    assert "| CPU | 0.25 | not measured |  |" in text


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 1000])
def test_percentiles_of_counted_and_of_listed_times_are_those_of_nearest_rank(count: int) -> None:
    times_us = [number * 1000 for number in range(count, 0, -1)]
    expected = {name: float(-(-round(fraction * 100) * count // 100)) for name, fraction in PERCENTILES.items()}
    assert exact_percentiles(times_us) == expected
    assert counted_percentiles({time_us / 1000: 1 for time_us in times_us}) == expected


def test_growth_is_of_the_end_over_the_beginning_once_things_have_settled() -> None:
    assert growth([0.0] * 20 + [30.0] * 80) == 0
    assert growth([0.0] * 20 + [30.0] * 60 + [33.0] * 20) == 3
    assert growth([float(number) for number in range(100)]) == pytest.approx(64)


def test_a_group_is_chosen_by_its_name_and_a_case_by_a_word_of_its_own() -> None:
    def case(name: str) -> Case:
        return Case(name, [name])

    plain = Group("plain", case("wrk"), [case("gregaria Fast"), case("locust Fast")])
    tls = Group("tls", case("wrk over TLS"), [case("gregaria Fast over TLS")])
    assert selected([plain, tls], []) == [plain, tls]
    assert selected([plain, tls], ["tls"]) == [tls]
    assert selected([plain, tls], ["locust"]) == [Group("plain", plain.yardstick, plain.cases[1:])]


def received(connection: socket.socket, done: Callable[[bytes], bool] = lambda text: False) -> bytes:
    text = b""
    while not done(text) and (piece := connection.recv(4096)):
        text += piece
    return text


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it waits with epoll_pwait2")
@pytest.mark.needs("cc")
def test_the_waiting_target_waits_stamps_counts_and_breaks_off_as_asked(tmp_path: Path) -> None:
    def request(path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()

    def connected() -> socket.socket:
        return socket.create_connection(("127.0.0.1", int(target.url.rpartition(":")[2])), timeout=10)

    with WaitingTarget(tmp_path, None, 20_000) as target:
        with connected() as connection:
            for _ in range(4):
                for part in (request("/")[:9], request("/")[9:]):
                    connection.sendall(part)
                assert received(connection, lambda text: text.endswith(b"}")).endswith(b'\r\n\r\n{"message":"ok!"}')
            assert target.connections() == 1
        with connected() as connection:
            connection.sendall(request("/close"))
            assert received(connection).endswith(b'{"message":"ok!"}')
        with connected() as connection:
            connection.sendall(request("/reset"))
            with pytest.raises(ConnectionResetError):
                connection.recv(4096)
        with connected() as connection:
            connection.sendall(request("/half"))
            with pytest.raises(ConnectionResetError):
                received(connection)
        assert target.requests() == 7
    assert len(target.times_us) == 3
    assert min(target.times_us) >= 20_000


@pytest.mark.needs("nginx", "openssl")
def test_nginx_reads_a_body_that_comes_late_and_answers_the_next_request_of_the_connection(tmp_path: Path) -> None:
    body = b"x" * 1024
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with Nginx(tmp_path, None) as target:
        with socket.create_connection(("127.0.0.1", target.port), timeout=10) as connection:
            for _ in range(3):
                connection.sendall(head + body[:100])
                answer = received(connection, lambda text: text.endswith(b"}"))
                assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
                assert answer.endswith(b'{"message":"ok!"}')
                connection.sendall(body[100:])
        assert target.requests() == 3
        assert target.accepted() == 1
