"""The benchmarks' own arithmetic, and that what is printed of their results is what they measured."""

import socket

import pytest

from benchmarks import results
from benchmarks.counting import CountingTarget
from benchmarks.limits import Limit

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
