"""The real command with a user that computes: everybody who reads a report is told, and by whose fault."""

import csv
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from gregaria.errors import ExitCode
from tests.support.command import run_gregaria
from tests.system.conftest import Command, CountingServer, arguments, document

USERS = """\
import time

from locust import FastHttpUser, constant, events, task

import gregaria


class Visitor(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def look(self):
        self.client.get("/look")


def compute():
    until, count = time.thread_time() + 0.25, 0
    while time.thread_time() < until:
        count += 1


class Checkout(FastHttpUser):
    wait_time = constant(0.5)
    fixed_count = 1

    @task
    def pay(self):
        compute()
        self.client.get("/pay")


class Careful(FastHttpUser):
    wait_time = constant(0.5)
    fixed_count = 1

    @task
    def pay(self):
        gregaria.offload(compute)
        self.client.get("/pay")
"""
LINES = range(18, 21)


def run(folder: Path, server: CountingServer, user_class: str) -> Any:
    (folder / "shop.py").write_text(USERS)
    return run_gregaria(
        "-f", "shop.py", "Visitor", user_class, "-u", "20", "-r", "100", "-t", "3s", "-H", server.url, "--csv", "run",
        folder=folder,
    )  # fmt: skip


def test_a_task_that_computes_is_named_in_every_report(tmp_path: Path, server: CountingServer) -> None:
    done = run(tmp_path, server, "Checkout")
    told = done.report["generator"]
    cause = next(each for each in told["causes"] if each["kind"] == "task")
    assert cause["who"] == f"task Checkout.pay, in compute (shop.py:{cause['line']})"
    assert cause["line"] in LINES
    assert cause["longest_ms"] > 200
    assert cause["count"] >= 1
    assert told["seconds_late"] >= 1
    assert told["longest_delay_ms"] > 200
    assert {each["epoch_s"] for each in told["late_seconds"]} == {
        each["epoch_s"] for each in told["seconds"] if each["late"]
    }
    sentence = told["verdict"]["sentence"]
    assert "task Checkout.pay, in compute (shop.py:" in sentence
    assert f"Generator: {sentence}" in done.stderr
    assert "GENERATOR LATE by " in done.stderr
    assert "Task Checkout.pay, in compute (shop.py:" in done.stderr, "a warning tells it while there is time"
    seconds = list(csv.DictReader((tmp_path / "run_generator.csv").read_text().splitlines()))
    assert sum(each["Late"] == "1" for each in seconds) == told["seconds_late"]
    history = list(csv.DictReader((tmp_path / "run_stats_history.csv").read_text().splitlines()))
    assert any(int(each["Generator Late"]) > 200 for each in history)


def test_offloaded_work_holds_up_nobody(tmp_path: Path, server: CountingServer) -> None:
    done = run(tmp_path, server, "Careful")
    assert done.exit_code == 0
    assert done.row("/pay")["num_requests"] >= 1
    assert not [each for each in done.report["generator"]["causes"] if "compute" in each["who"]]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watched_run_ends_by_a_signal(command: Command, server: CountingServer, number: signal.Signals) -> None:
    process = command.start(*arguments(server, "-u", "2", "-r", "10", "--json-file", "report"))
    server.wait_for("/look")
    ended = command.stop_with(process, number)
    assert ended.code == 0, ended.err
    assert document(command.folder / "report.json")["generator"] is not None


@pytest.mark.parametrize("value", ["0", "-5", "None", "'50'", "True", "1e9", "float('nan')"])
def test_a_limit_that_means_nothing_is_refused(command: Command, value: str) -> None:
    text = f"from gregaria.settings import settings\nsettings.late_limit_ms = {value}\n"
    command.write("wrong.py", text + (command.folder / "shop.py").read_text())
    ended = command.run("-f", "wrong.py", "--headless", "-t", "1s", "-H", "http://127.0.0.1:9")
    assert ended.code == ExitCode.SETTINGS
    assert "write milliseconds from 1 to 60000, such as 50." in ended.err
    assert "Traceback" not in ended.err
