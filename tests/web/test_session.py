"""A process with a web interface from its start to its end: what begins a test, what ends it, what is told."""

import json
import signal
import sys

import pytest

from tests.support.servers import Server
from tests.web.conftest import Starter


def test_an_autostarted_test_ends_at_its_time_and_the_page_stays(starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url, "--autostart", "-t", "1", "-u", "2", "-r", "10", "Seller")
    site.until(lambda: site.state == "stopped")
    assert site.hello()["run"]["number"] == 1
    assert site.requests_of("/sell") > 1
    assert site.swarm()["success"] is True
    assert site.end() == 0


def test_autoquit_ends_it_some_time_after(starter: Starter, target: Server) -> None:
    options = ("--autostart", "--autoquit", "1", "-t", "1", "-u", "1", "--json-file", "end")
    site = starter.start("-H", target.url, *options, "Seller")
    assert site.end(None) == 0
    log = "".join(site.log)
    assert "ending in 1 seconds" in log
    assert json.loads((starter.folder / "end.json").read_text())["total"]["num_requests"] > 0


def test_no_user_and_one_per_second_is_what_starts_by_itself_without_more(starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url, "--autostart", "Seller")
    site.until(lambda: site.state == "running")
    assert site.json("/api/form")["values"]["user_count"] == 1


def test_without_autostart_nothing_begins(starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url, "-u", "5", "-t", "1")
    assert site.state == "ready"
    assert site.json("/api/form")["values"] == {
        "user_count": 5, "spawn_rate": None, "run_time_s": 1, "host": target.url, "profile": None,
    }  # fmt: skip
    assert site.end() == 0
    assert not any("Whole run" in line for line in site.log)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_running_test_with_its_reports(
    starter: Starter, target: Server, number: signal.Signals
) -> None:
    site = starter.start("-H", target.url, "--csv", "a", "--json-file", "end")
    site.swarm(user_classes="Seller")
    site.until(lambda: site.requests_of() > 5)
    site.end(number)
    counted = json.loads((starter.folder / "end.json").read_text())["total"]["num_requests"]
    assert (starter.folder / "a_stats.csv").read_text().splitlines()[-1].split(",")[2] == str(counted)
    assert sum(line.startswith("Whole run, ") for line in site.log) == 1


def test_numbered_files_of_an_earlier_command_are_named_and_stay(starter: Starter, target: Server) -> None:
    (starter.folder / "out").mkdir()
    others = ["a_1_stats.csv", "a_2_other.csv", "ab_2_stats.csv", "a_stats.csv", "a_x_stats.csv"]
    left = ["a_2_stats.csv", "a_3_stats_history.csv", "a_10_failures.csv"]
    for name in (*others, *left):
        starter.write(f"out/{name}", "kept\n")
    site = starter.start("-H", target.url, "--csv", "out/a")
    (line,) = [line for line in site.log if "earlier command" in line]
    assert line.rstrip().endswith(": " + ", ".join(f"out/{name}" for name in left))
    for _ in range(2):
        assert site.swarm()["success"] is True
        site.until(lambda: site.requests_of() > 0)
        site.post("/stop")
    site.end()
    kept = {name for name in (*others, *left) if (starter.folder / "out" / name).read_text() == "kept\n"}
    assert kept == {*others, *left} - {"a_stats.csv", "a_2_stats.csv"}
    assert sum("earlier command" in line for line in site.log) == 1


def test_tables_are_printed_while_a_test_runs_if_asked_for(starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url, "--print-stats")
    site.swarm()
    site.until(lambda: sum("Aggregated" in line for line in site.log) >= 2)
    assert not any("Whole run" in line for line in site.log)


def test_a_locustfile_that_quits_ends_the_process(starter: Starter, target: Server) -> None:
    quits = "\n\n@events.test_stop.add_listener\ndef leave(environment, **_):\n    environment.runner.quit()\n"
    starter.write("shop.py", (starter.folder / "shop.py").read_text() + quits)
    site = starter.start("-H", target.url)
    site.swarm()
    site.post("/stop")
    assert site.end(None) in (0, 1)


def test_a_missing_host_ends_the_test_and_not_the_page(starter: Starter) -> None:
    site = starter.start()
    assert site.swarm()["success"] is True
    site.until(lambda: site.state == "stopped")
    assert site.swarm(host="http://127.0.0.1:1")["success"] is True
    assert site.hello()["run"]["number"] == 2


def test_the_full_history_can_be_downloaded(starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url, "--csv", "a", "--csv-full-history")
    site.swarm()
    site.until(lambda: "/look" in site.get("/stats/requests_full_history/csv").text)
    header = site.get("/stats/requests_full_history/csv").text.splitlines()[0]
    assert header.startswith("Timestamp,User Count,Type,Name,Requests/s,")


def test_init_gets_the_web_interface_before_it_listens(starter: Starter) -> None:
    starter.write(
        "more.py",
        "from locust import events\n@events.init.add_listener\ndef add(environment, web_ui, **_):\n"
        "    assert web_ui is environment.web_ui\n"
        "    web_ui.app.add_url_rule('/hello', 'hello', lambda: f'{web_ui.greenlet}')\n",
    )
    site = starter.start("-f", "shop.py,more.py")
    assert "Greenlet" in site.get("/hello").text


def test_run_as_a_library(starter: Starter, target: Server) -> None:
    starter.write(
        "library.py",
        f"""
import gevent.monkey
gevent.monkey.patch_all()
import logging, gregaria.compat
gregaria.compat.enable()
from locust import HttpUser, constant, task
from locust.env import Environment
logging.basicConfig(level=logging.INFO)

class Caller(HttpUser):
    host = {target.url!r}
    wait_time = constant(0.05)

    @task
    def call(self):
        self.client.get("/library")

environment = Environment(user_classes=[Caller])
environment.create_local_runner()
web_ui = environment.create_web_ui("127.0.0.1", 0)
environment.runner.start(2, spawn_rate=10)
environment.runner.greenlet.join()
web_ui.stop()
""",
    )
    site = starter.begin("library.py", program=(sys.executable,)).wait_until_up()
    site.until(lambda: site.requests_of("/library") > 3)
    assert site.post("/stop").json()["success"] is True
    assert site.json("/api/runs")[0]["users"] == 2
