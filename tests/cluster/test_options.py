"""What a master was asked for, on its workers: custom arguments and tags, before anything of the test happens there."""

import json
from pathlib import Path

import pytest

from tests.support.nodes import Cluster
from tests.support.servers import Server

#: real processes that start, wait and end
pytestmark = pytest.mark.timeout(60)

CUSTOM = """
import pathlib
from locust import FastHttpUser, constant, events, task

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--shelf", default="top")
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--name", is_multiple=True)
    parser.add_argument("--pin", default="", is_secret=True)
    parser.add_argument("--data", type=pathlib.Path)

@events.test_start.add_listener
def on_test_start(environment, **_):
    options = environment.parsed_options
    print("OPTIONS", options.shelf, options.number, options.name, options.data, options.headless, flush=True)
    if options.worker:
        options.shelf += " and more"
    elif options.master:
        options.number += 1

class Asker(FastHttpUser):
    wait_time = constant(0.1)

    def on_start(self):
        print("FIRST", self.environment.parsed_options.shelf, flush=True)

    @task
    def ask(self):
        with self.client.get("/", catch_response=True) as answer:
            answer.failure(f"the pin is {self.environment.parsed_options.pin}")
"""

TAGGED = """
import gevent
from locust import User, constant, events, tag, task
from locust.runners import MasterRunner

@events.init.add_listener
def on_init(environment, runner, **_):
    if isinstance(runner, MasterRunner):
        gevent.spawn(run_the_other, environment, runner)

def run_the_other(environment, runner):
    while runner.state != "running":
        gevent.sleep(0.05)
    gevent.sleep(0.5)
    runner.stop()
    print("USERS", sorted(runner.target_user_classes_count), flush=True)
    environment.tags = ["b"]
    runner.start(4, 100, wait=True)
    gevent.sleep(0.5)
    print("USERS", sorted(runner.target_user_classes_count), flush=True)
    runner.quit()

@events.test_start.add_listener
def on_test_start(environment, **_):
    print("TAGS", environment.tags, environment.parsed_options.tags, flush=True)

class One(User):
    wait_time = constant(0.1)

    @tag("a")
    @task
    def first(self):
        print("RAN a", flush=True)

    @tag("b")
    @task
    def second(self):
        print("RAN b", flush=True)

class Other(User):
    wait_time = constant(0.1)

    @tag("b")
    @task
    def third(self):
        print("RAN other", flush=True)
"""


def test_workers_have_the_custom_arguments_of_their_master(target: Server, tmp_path: Path) -> None:
    asked = ("--shelf", "low", "--number", "7", "--name", "x", "--name", "y", "--pin", "geheim4711", "--data", "file")
    with Cluster(tmp_path, CUSTOM) as cluster:
        master = cluster.start_master("-u", "2", "-r", "1", "-t", "3s", "-H", target.url, *asked)
        worker = cluster.start_worker("--shelf", "mine", "--data", "other")
        assert master.wait() == 1, master.output
        assert worker.wait() == 0
        assert "OPTIONS low 7 ['x', 'y'] file True" in master.output
        # The path cannot be sent. The number is the one that a listener of the master has made.
        assert "OPTIONS low 8 ['x', 'y'] other False" in worker.output
        assert master.output.count("The argument data is not sent") == 1
        assert "there is a PosixPath in it" in master.output
        # What a listener of the worker has made of it stays when the second user comes.
        assert worker.output.count("FIRST low and more") == 2
        # The master's, as its own listener has left them; the test is over, and its users are gone.
        assert cluster.report["options"]["custom_arguments"] == {
            "shelf": "low", "number": 8, "name": ["x", "y"], "pin": "***", "data": "file",
        }  # fmt: skip
        assert cluster.report["options"]["user_classes"] == {
            "Asker": {"weight": 1, "fixed_count": 0, "host": target.url}
        }
        assert cluster.report["user_classes"] == {"Asker": 2}
        assert "the pin is ***" in json.dumps(cluster.report)
        assert "geheim4711" not in json.dumps(cluster.report) + master.output + worker.output


def test_each_test_has_the_tags_that_the_master_has_then(tmp_path: Path) -> None:
    with Cluster(tmp_path, TAGGED) as cluster:
        master = cluster.start_master("-u", "4", "-r", "100", "--tags", "a")
        worker = cluster.start_worker("--tags", "c")
        assert master.wait() == 0, master.output
        assert worker.wait() == 0, worker.output
        assert [line for line in master.output.splitlines() if line.startswith("USERS")] == [
            "USERS ['One']",
            "USERS ['One', 'Other']",
        ]
        first, _, second = worker.output.partition("TAGS ['b'] ['b']")
        assert "TAGS ['a'] ['a']" in first
        assert "RAN a" in first
        assert "RAN b" not in first
        assert "RAN other" not in first
        assert "RAN a" not in second
        assert "RAN b" in second
        assert "RAN other" in second
