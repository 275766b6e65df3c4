"""A script that only knows Locust's endpoints gets the same from Locust and from Gregaria, field by field."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.locust_env import locust
from tests.support.servers import Server
from tests.web.conftest import Site, Starter

__all__ = ["locust"]

USERS = """\
from locust import HttpUser, constant, task


class Buyer(HttpUser):
    wait_time = constant(0.05)

    @task
    def look(self):
        self.client.get("/look")

    @task
    def fail(self):
        self.client.get("/status/500")

    @task
    def break_down(self):
        raise ValueError("broken")


class Seller(HttpUser):
    wait_time = constant(0.05)

    @task
    def sell(self):
        self.client.get("/sell")
"""

#: answers of which the text itself is compared
WORDS = ["swarm: nothing", "swarm: no number", "swarm: too few", "swarm: no time", "swarm", "swarm again"]
WORDS += ["user", "stop", "reset", "history"]


def script(url: str, host: str) -> dict[str, requests.Response]:
    """Starts, polls, stops, fetches; what each step was answered."""
    session = requests.Session()
    session.trust_env = False

    def get(path: str) -> requests.Response:
        return session.get(url + path, timeout=10, allow_redirects=False)

    def post(path: str, data: Any = None, **more: Any) -> requests.Response:
        return session.post(url + path, data=data, timeout=20, allow_redirects=False, **more)

    told = {
        "stats before": get("/stats/requests"),
        "swarm: nothing": post("/swarm"),
        "swarm: no number": post("/swarm", {"user_count": "abc", "spawn_rate": "1"}),
        "swarm: too few": post("/swarm", {"user_count": "-1", "spawn_rate": "1"}),
        "swarm: no time": post("/swarm", {"user_count": "1", "spawn_rate": "1", "run_time": "soon"}),
        "swarm": post("/swarm", {"user_count": "2", "spawn_rate": "10", "host": host, "run_time": "1h1m1s"}),
    }
    # A poll as autoscalers do it; Locust caches the answer for two seconds.
    for _ in range(200):
        told["stats"] = get("/stats/requests")
        stats = told["stats"].json()
        rows = {row["name"]: row["num_requests"] for row in stats["stats"]}
        if min(rows.get(name, 0) for name in ("/look", "/sell", "/status/500")) > 2 and stats["state"] == "running":
            break
    told |= {
        "exceptions": get("/exceptions"),
        "tasks": get("/tasks"),
        "logs": get("/logs"),
        "worker count": get("/worker-count"),
        "requests": get("/stats/requests/csv"),
        "failures": get("/stats/failures/csv"),
        "exceptions csv": get("/exceptions/csv"),
        "history": get("/stats/requests_full_history/csv"),
        "swarm again": post("/swarm", {"user_count": "3", "spawn_rate": "10"}),
        "user": post("/user", json={"user_class_name": "Buyer", "weight": 2}),
        "stop": post("/stop"),
        "reset": post("/stats/reset"),
        "login": get("/login"),
        "nothing": get("/nothing"),
        "swarm by get": get("/swarm"),
    }
    return told


def shape(value: Any) -> Any:
    """The value with types for figures and texts; of a list the kinds of its items."""
    if isinstance(value, dict) and all(key.startswith("response_time_percentile") for key in value):
        # Null while nothing is known of the last seconds, and which these are is not the same.
        return sorted(value)
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        shapes = {json.dumps(shape(each), sort_keys=True) for each in value}
        return sorted(shapes)
    if isinstance(value, bool) or value is None:
        return str(value)
    return "number" if isinstance(value, int | float) else "text"


@pytest.fixture(scope="module")
def answers(
    tmp_path_factory: pytest.TempPathFactory, locust: str, target: Server
) -> Iterator[tuple[dict[str, requests.Response], dict[str, requests.Response]]]:
    """What the script was answered by Locust and by Gregaria."""
    starter = Starter(tmp_path_factory.mktemp("both"))
    starter.write("shop.py", USERS)
    # Locust takes no port of the system's choice.
    port = _free_port()
    usual = ("-f", "shop.py", "--web-host", "127.0.0.1", "--web-port")
    theirs: Site = starter.begin(*usual, str(port), program=(locust,))
    ours = starter.begin(*usual, "0")
    for site in (theirs, ours):
        site.wait_until_up()
    yield script(theirs.url, target.url), script(ours.url, target.url)
    starter.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_every_answer_has_the_same_code_and_the_same_fields(
    answers: tuple[dict[str, requests.Response], dict[str, requests.Response]],
) -> None:
    theirs, ours = answers
    for step, answer in theirs.items():
        assert ours[step].status_code == answer.status_code, step
        if answer.headers["Content-Type"].startswith("application/json"):
            assert shape(ours[step].json()) == shape(answer.json()), step


@pytest.mark.parametrize("step", WORDS)
def test_messages_are_the_same_to_the_letter(
    answers: tuple[dict[str, requests.Response], dict[str, requests.Response]], step: str
) -> None:
    theirs, ours = (each[step] for each in answers)
    try:
        assert ours.json() == theirs.json()
    except requests.JSONDecodeError:
        assert ours.text == theirs.text


def test_rows_and_shares_are_the_same(
    answers: tuple[dict[str, requests.Response], dict[str, requests.Response]],
) -> None:
    theirs, ours = answers
    for step in ("stats before", "stats"):
        told = [[(row["method"], row["name"]) for row in each[step].json()["stats"]] for each in (theirs, ours)]
        assert told[0] == told[1]
    assert ours["tasks"].json() == theirs["tasks"].json()


def test_csv_files_have_the_same_columns_rows_and_names(
    answers: tuple[dict[str, requests.Response], dict[str, requests.Response]],
) -> None:
    theirs, ours = answers
    for step in ("requests", "failures", "exceptions csv"):
        told = [each[step].text.splitlines() for each in (theirs, ours)]
        assert told[0][0] == told[1][0]
        assert ours[step].headers["Content-Type"].partition(";")[0] == "text/csv"
        names = [re.sub(r"\d\d\d\d-.*?_", "", each[step].headers["Content-Disposition"]) for each in (theirs, ours)]
        # Ours without what file systems do not like.
        assert names[1].partition("http")[0] == names[0].partition("http")[0]
        assert names[1].rpartition("_")[2] == names[0].rpartition("_")[2]
    cells = [[line.split(",")[:2] for line in each["requests"].text.splitlines()] for each in (theirs, ours)]
    assert cells[0] == cells[1]
