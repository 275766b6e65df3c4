"""What the command tells of failures, of the generator's own limits, and of where the time went."""

import csv
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.echo import echo_server
from tests.system.conftest import Command, CountingServer, arguments, document

FAILING = """\
from locust import FastHttpUser, HttpUser, constant, events, task

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--pin", is_secret=True, default="open-sesame")

class Buyer(HttpUser):
    wait_time = constant(0.01)
    @task
    def buy(self):
        pin = self.environment.parsed_options.pin
        self.client.post("/status/500", data={"pin": pin}, headers={"Authorization": "Bearer abcdefgh"}, name="/buy")

class Seller(FastHttpUser):
    wait_time = constant(0.01)
    @task
    def sell(self):
        self.client.get(f"/status/404?pin={self.environment.parsed_options.pin}", name="/sell/[id]")
"""


CROWD = """\
import resource
from locust import FastHttpUser, HttpUser, constant, events, task

@events.test_start.add_listener
def allow_few_files(**_):
    # By now the command has raised the limit as far as it may.
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

kinds = set()

@events.request.add_listener
def note(exception, **_):
    kinds.add(type(exception).__name__)

@events.quitting.add_listener
def tell(**_):
    print(*sorted(kinds))

class Fast(FastHttpUser):
    wait_time = constant(0.2)
    @task
    def ask(self):
        self.client.get("/?wait=0.2", name="/fast")

class Plain(HttpUser):
    wait_time = constant(0.2)
    @task
    def ask(self):
        self.client.get("/?wait=0.2", name="/plain")
"""


def failing(command: Command, url: str, *further: str) -> list[str]:
    command.write("failing.py", FAILING)
    return ["-f", "failing.py", "--headless", "-H", url, "-u", "2", "-r", "100", *further]


def told(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_first_failures_of_each_kind_can_be_read_whole(command: Command) -> None:
    with echo_server() as echo:
        ended = command.run(*failing(command, echo.url, "-i", "30", "--failures-dir", "out/failures"))
    assert ended.code == 1, ended.err
    assert "The first exchanges of each kind are in out/failures." in ended.err
    files = told(command.folder / "out" / "failures")
    index = json.loads(files.pop("index.json"))
    assert {entry["file"] for entry in index["failures"]} == set(files)
    assert {name[4:] for name in files} == {"POST-buy-HTTP-500.txt", "GET-sell-id-HTTP-404.txt"}
    assert sum(entry["occurrences"] for entry in index["failures"]) == 30
    (bought,) = [text for name, text in files.items() if "buy" in name]
    for line in (
        "POST /status/500 HTTP/1.1",
        "Authorization: Bearer ***",
        "pin=***",
        "HTTP/1.1 500 Internal Server Error",
    ):
        assert f"\n{line}\n" in bought
    assert bought.count("\n---- Response ") == min(
        5, next(entry["occurrences"] for entry in index["failures"] if entry["name"] == "/buy")
    )
    for secret in ("sesame", "abcdefgh"):
        assert secret not in "".join(files.values()) + json.dumps(index)


LEAKING = """\
from locust import FastHttpUser, HttpUser, constant, events, task

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--pin", is_secret=True, default="open-sesame")

class Buyer(HttpUser):
    wait_time = constant(0.01)
    @task
    def buy(self):
        pin = self.environment.parsed_options.pin
        self.client.get(f"/status/404?pin={pin}")
        self.client.get(f"/?pin={pin}")
        with self.client.get("/", name="/caught", catch_response=True) as response:
            response.failure(f"{pin} was not liked: " + "x" * 3980 + pin)

class Seller(FastHttpUser):
    wait_time = constant(0.01)
    @task
    def sell(self):
        pin = self.environment.parsed_options.pin
        self.client.get(f"/status/500?pin={pin}")
        raise ValueError(f"{pin} does not fit")
"""


def test_a_secret_option_is_in_no_report(command: Command) -> None:
    command.write("leaking.py", LEAKING)
    with echo_server() as echo:
        ended = command.run(
            *("-f", "leaking.py", "--headless", "-H", echo.url, "-u", "2", "-r", "100", "-i", "10", "--json"),
            *("--skip-log", "--csv", "out/run", "--csv-full-history", "--json-file", "out/run"),
            *("--failures-dir", "out/failures"),
        )
    written = {path.name: path.read_text() for path in (command.folder / "out").rglob("*") if path.is_file()}
    # The log before it has exceptions as they came.
    written |= {"standard output": ended.out, "console": ended.err.partition("Whole run")[2]}
    assert written["console"]
    for name, text in written.items():
        assert "sesame" not in text, name
    for name in ("run_stats.csv", "run_failures.csv", "run.json", "standard output", "index.json"):
        assert "/status/404?pin=***" in written[name], name
    for name in ("run_failures.csv", "run.json", "console"):
        assert "*** was not liked: xxx" in written[name], name
    for name in ("run_exceptions.csv", "run.json", "console"):
        assert "*** does not fit" in written[name], name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_they_are_written_when_the_run_is_stopped_too(command: Command, number: signal.Signals) -> None:
    with echo_server() as echo:
        process = command.start(*failing(command, echo.url), env={"LOCUST_FAILURES_DIR": "failures"})
        while len(echo.served) < 10:
            assert process.poll() is None
        ended = command.stop_with(process, number)
    assert ended.code == 1, ended.err
    assert len(told(command.folder / "failures")) == 3


def test_a_place_that_cannot_be_written_to_is_refused_before_the_test(command: Command) -> None:
    (command.folder / "failures").mkdir()
    foreign = command.write("failures/index.json", "{}")
    with echo_server() as echo:
        for place in ("failures", "failing.py"):
            ended = command.run(*failing(command, echo.url, "-i", "1", "--failures-dir", place))
            assert ended.code == 11
            assert f"--failures-dir: cannot write {place}" in ended.err
            assert "Traceback" not in ended.err
        assert echo.served == []
    assert foreign.read_text() == "{}"


def test_who_does_not_ask_for_them_is_told_that_there_are_some(command: Command) -> None:
    with echo_server() as echo:
        ended = command.run(*failing(command, echo.url, "-i", "5", "--json-file", "end"))
    assert ended.err.count("The first exchanges of each kind can be written with --failures-dir DIR.") == 1
    failures: Any = document(command.folder / "end.json")["failures"]
    assert sum(failure["exchanges"] for failure in failures) == 5


def test_where_the_time_went_is_told_if_asked(command: Command, server: CountingServer) -> None:
    ended = command.run(*arguments(server, "-u", "2", "-r", "100", "-i", "40", "--phases", "--json-file", "end"))
    assert ended.code == 0, ended.err
    assert "Where the time went (ms, median / 95%)" in ended.err
    report: Any = document(command.folder / "end.json")
    for row in (*report["requests"], report["total"]):
        phases = row["phases_ms"]
        assert list(phases) == ["name_lookup", "connect", "tls", "sending", "first_byte", "receiving"]
        assert phases["tls"]["p100"] == 0
        assert phases["first_byte"]["p50"] > 0
        assert phases["connect"]["p100"] > phases["connect"]["p50"] == 0
    ended = command.run(
        *arguments(server, "-i", "4", "--use-requests", "--json-file", "by", "Buyer"), env={"LOCUST_PHASES": "1"}
    )
    by_requests: Any = document(command.folder / "by.json")
    assert by_requests["requests"][0]["phases_ms"] is None
    ended = command.run(*arguments(server, "-i", "4", "--json-file", "without"))
    assert "Where the time went" not in ended.err
    without: Any = document(command.folder / "without.json")
    assert without["total"]["phases_ms"] is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_limit_of_this_machine_is_no_failure_of_the_target_and_all_reports_are_written(command: Command) -> None:
    command.write("crowd.py", CROWD)
    with echo_server() as echo:
        ended = command.run(
            "-f", "crowd.py", "--headless", "-H", echo.url, "-u", "60", "-r", "1000", "-t", "2.5",
            "--csv", "all", "--json-file", "all", "--failures-dir", "failures",
        )  # fmt: skip
    assert ended.code == 1, ended.err
    # Nobody in here has been surprised by it.
    assert "Traceback" not in ended.err
    report: Any = document(command.folder / "all.json")
    assert report["duration_s"] < 5
    total = report["total"]
    assert total["num_generator_errors"] > 0
    # What was asked at all was answered; the rest is in no figure of the target's.
    assert (total["num_failures"], report["failures"]) == (0, [])
    assert 0 < total["num_requests"] <= len(echo.served)
    assert {error["name"] for error in report["generator_errors"]} == {"/fast", "/plain"}
    assert sum(error["occurrences"] for error in report["generator_errors"]) == total["num_generator_errors"]
    assert all("ulimit -n" in error["sample"] for error in report["generator_errors"])
    with (command.folder / "all_generator_errors.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["Occurrences"]) for row in rows) == total["num_generator_errors"]
    assert "Generator errors: limits of this machine" in ended.err
    assert ended.out == "GeneratorError NoneType\n"
    assert "limit of the generator's own machine was reached" in " ".join(report["notes"])
    assert [path.name for path in (command.folder / "failures").iterdir()] == ["index.json"]
