"""Starting, editing, stopping and clearing, asked of the real command."""

from typing import Any

import pytest

from tests.support.servers import CountingServer, Server
from tests.web.conftest import USERS, Events, Site, Starter

RULED = """

@events.init.add_listener
def rule(environment, **_):
    environment.fail_if("avg > 1h")
"""

EAGER = """
from locust import FastHttpUser, constant, task

class Eager(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def ask(self):
        self.client.get("/")
"""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Missing or invalid user_count or spawn_rate from /swarm request"),
        ({"user_count": "abc", "spawn_rate": "1"}, "Invalid user_count value: 'abc' (must be an integer)"),
        ({"user_count": "-1", "spawn_rate": "1"}, "Missing or invalid user_count"),
        ({"user_count": f"1{'0' * 29}", "spawn_rate": "1"}, "100,000,000 at most"),
        ({"user_count": "1", "spawn_rate": "0"}, "Missing or invalid user_count"),
        ({"user_count": "1", "spawn_rate": "nan"}, "Missing or invalid user_count"),
        ({"user_count": "1", "spawn_rate": "1", "run_time": "soon"}, "Valid run_time formats are : 20, 20s, 3m"),
        ({"user_count": "1", "spawn_rate": "1", "run_time": "9999999999h"}, "longer than 100 years"),
        ({"user_count": "1", "spawn_rate": "1", "number": "many"}, "number: 'many' is not a whole number"),
        ({"user_count": "1", "spawn_rate": "1", "sizes": ["s", "xl"]}, "sizes: 'xl' is none of s, m, l"),
        ({"user_count": "1", "spawn_rate": "1", "host": "javascript:alert(1)"}, "'javascript:alert(1)' is no host"),
        ({"user_count": "1", "spawn_rate": "1", "max_rps": "many"}, "--max-rps: 'many' is not a number"),
        ({"user_count": "1", "spawn_rate": "1", "max_rps": "0"}, "--max-rps: must be a number > 0, not 0"),
        ({"user_count": "1", "spawn_rate": "1", "fail_if": ["p95 > 1s", "p95 >> 1s"]}, "    p95 >> 1s\n         ^"),
        ({"user_count": "1", "spawn_rate": "1", "fail_if": "p95 > baseline"}, "give --baseline run.json"),
    ],
)
def test_a_form_that_cannot_be_is_answered_with_what_is_wrong_and_changes_nothing(
    site: Site, fields: dict[str, Any], words: str
) -> None:
    before = site.json("/api/form")
    refused = site.post("/swarm", {**fields, "profile": "another"})
    answer = refused.json()
    assert answer["success"] is False
    assert words in answer["message"]
    # Where it is shown: beside the one that is to be mended.
    wrong = list(fields)[2:] or ["spawn_rate" if fields.get("spawn_rate") in ("0", "nan") else "user_count"]
    assert [refused.headers["X-Wrong-Field"]] == wrong
    assert site.json("/api/form") == before


@pytest.mark.parametrize(
    ("option", "field", "text"), [("--max-rps", "max_rps", "0x"), ("--fail-if", "fail_if", "p95 >")]
)
def test_the_command_line_and_the_form_refuse_the_same_in_the_same_words(
    starter: Starter, site: Site, option: str, field: str, text: str
) -> None:
    command = starter.begin("-f", "shop.py", option, text)
    assert command.end(None) == 2
    told = site.swarm(**{field: text})["message"]
    assert told.replace(f"{option}: ", f"argument {option}: ") in "".join(command.log)


def test_a_test_is_started_edited_and_stopped(site: Site, target: Server) -> None:
    assert site.swarm() == {"success": True, "message": "Swarming started", "host": target.url}
    site.until(lambda: site.requests_of() > 5)
    assert site.swarm(user_count=4)["success"] is True
    site.until(lambda: site.json("/stats/requests")["user_count"] == 4)
    assert site.post("/stop").json() == {"success": True, "message": "Test stopped"}
    stopped_at = site.requests_of()
    assert site.state == "stopped"
    assert site.requests_of() == stopped_at


def test_a_run_time_stays_until_another_or_an_empty_one_is_given_and_ends_the_test(site: Site) -> None:
    site.swarm(run_time="600")
    began = site.hello()["run"]
    assert began["run_time_s"] == 600
    assert "run_time" not in site.swarm(user_count=3)
    edited = site.hello()["run"]
    assert (edited["run_time_s"], edited["ends_epoch_s"]) == (600, began["ends_epoch_s"])
    site.swarm(run_time="")
    assert site.hello()["run"]["ends_epoch_s"] is None
    assert site.json("/api/form")["values"]["run_time_s"] is None
    site.swarm(run_time="300")
    # What the test was given in all, for its reports and for the next one.
    assert 300 <= site.json("/api/form")["values"]["run_time_s"] < 400
    assert site.swarm(run_time="1s")["run_time"] == 1
    site.until(lambda: site.state == "stopped")
    site.swarm()
    assert site.hello()["run"]["run_time_s"] is None


def test_custom_arguments_keep_their_types_and_an_empty_secret_stays(site: Site) -> None:
    site.swarm(colour="blue", number="7", fast="true", sizes=["s", "l"], password="", loglevel="x")
    site.until(lambda: any("START blue 7 True open-sesame ['s', 'l']" in line for line in site.out))
    shown = {each["name"]: each for each in site.json("/api/form")["options"]}
    assert "hidden" not in shown
    assert shown["number"]["value"] == 7
    assert shown["password"] == {
        "name": "password", "kind": "secret", "value": None, "is_set": True, "choices": None, "help": "",
        "is_secret": True, "is_required": False,
    }  # fmt: skip


def test_a_secret_given_in_the_form_is_masked_from_then_on(starter: Starter, target: Server) -> None:
    site = starter.start()
    site.swarm(password="my-new-secret", host=f"{target.url}/my-new-secret")
    site.until(lambda: site.requests_of("/***/look"))
    site.post("/stop")
    for path in ("/api/failures", "/stats/requests", "/stats/requests/csv", "/api/form"):
        assert "my-new-secret" not in site.get(path).text.replace(f'"host":"{target.url}/my-new-secret"', "")
    assert "/***/look" in site.get("/stats/requests").text


TALKATIVE = """
import logging

class Talker(HttpUser):
    @task
    def tell(self):
        logging.info("TOLD %s", self.environment.parsed_options.password)
        self.environment.runner.quit()
"""


def test_no_secret_is_logged(starter: Starter) -> None:
    starter.write("shop.py", (starter.folder / "shop.py").read_text() + TALKATIVE)
    site = starter.start("-H", "http://127.0.0.1:1", "Talker")
    assert site.swarm(password="my-new-secret")["success"] is True
    site.end(None)
    headless = starter.begin(
        "-f", "shop.py", "--headless", "-H", "http://127.0.0.1:1", "--password", "my-new-secret",
        "--logfile", "run.log", "Talker",
    )  # fmt: skip
    headless.end(None)
    for told in ("".join(site.log), (starter.folder / "run.log").read_text()):
        assert "TOLD ***" in told
        assert "my-new-secret" not in told


def test_clearing_keeps_the_rows_and_tells_listeners(site: Site) -> None:
    site.swarm()
    site.until(lambda: site.requests_of("/look"))
    site.post("/stop")
    assert site.post("/stats/reset").text == "ok"
    rows = {row["name"]: row["num_requests"] for row in site.json("/stats/requests")["stats"]}
    assert rows["Aggregated"] == 0
    assert "/look" in rows
    assert site.json("/stats/requests")["errors"] == []


def test_older_locusts_stop_and_clear_with_get(site: Site) -> None:
    site.swarm()
    assert site.get("/stop").json() == {"success": True, "message": "Test stopped"}
    assert site.get("/stats/reset").text == "ok"


def test_a_user_class_can_be_changed_as_far_as_it_says_of_itself(site: Site) -> None:
    answer = site.post("/user", json={"user_class_name": "Buyer", "weight": 3, "tasks": ["look"]})
    assert (answer.status_code, answer.json()) == (201, {})
    known = {each["name"]: each for each in site.json("/api/form")["user_classes"]}
    assert (known["Buyer"]["weight"], known["Buyer"]["tasks"]) == (3, ["look"])
    assert site.post("/user", json={"user_class_name": "Buyer", "tasks": ["look", "fail"], "weight": 1}).ok


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user_class_name": "Nobody"}, "one of Buyer, Seller"),
        ({"user_class_name": "Buyer", "client": "x"}, "client cannot be changed"),
        ({"user_class_name": "Buyer", "__init__": "x"}, "__init__ cannot be changed"),
        ({"user_class_name": "Buyer", "weight": -1}, "weight is a number that is not below zero"),
        ({"user_class_name": ["Buyer"]}, "one of Buyer, Seller"),
        ({"user_class_name": "Buyer", "tasks": "look"}, "tasks is a list of names"),
        ({"user_class_name": "Buyer", "tasks": ["run"]}, "no task run"),
        ({"user_class_name": "Buyer", "tasks": []}, "Buyer needs at least one task"),
        ({"user_class_name": "Buyer", "host": "javascript:alert(1)"}, "host: 'javascript:alert(1)' is no host"),
        ([], "JSON object"),
    ],
)
def test_what_a_class_is_not_to_be_changed_to_is_refused(site: Site, change: Any, words: str) -> None:
    answer = site.post("/user", json=change)
    assert answer.status_code == 400
    assert words in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("weight", ["NaN", "1e999"])
def test_a_weight_that_is_no_number_is_refused(site: Site, weight: str) -> None:
    answer = site.post("/user", data=f'{{"user_class_name": "Buyer", "weight": {weight}}}')
    assert answer.status_code == 400
    assert "weight is a number" in answer.text


SHAPE = """
from locust import LoadTestShape

class Steps(LoadTestShape):
    def tick(self):
        return (2, 100) if self.get_run_time() < 60 else None
"""


def test_the_class_picker_chooses_classes_and_shape(starter: Starter, target: Server) -> None:
    starter.write("shop.py", (starter.folder / "shop.py").read_text() + SHAPE)
    site = starter.start("-H", target.url, "--class-picker")
    unknown = site.swarm(user_classes=["Thief"], shape_class="Default")
    assert (unknown["success"], "no user class Thief" in unknown["message"]) == (False, True)
    answer = site.swarm(user_classes=["Seller"], shape_class="Default")
    assert (answer["success"], answer["user_classes"]) == (True, ["Seller"])
    site.until(lambda: site.requests_of("/sell") > 2)
    assert site.requests_of("/look") == 0
    site.post("/stop")
    answer = site.swarm(shape_class="Steps")
    assert answer["message"] == "Swarming started using shape class 'Steps'"
    assert answer["user_classes"] == ["Buyer", "Seller"]
    site.until(lambda: site.requests_of("/look") > 2)
    assert "Editing is disabled" in site.swarm(user_count=9)["message"]
    with Events(site) as events:
        assert events.until("hello")["run"]["shape"] == "Steps"


TAGGED = """
from locust import User, tag

Buyer.tasks = [tag("night")(task) for task in Buyer.tasks]

class Nurse(User):
    @tag("day")
    @task
    def rest(self):
        pass

class Lazy(User):
    @tag("night")
    @task
    def rest(self):
        pass

@events.reset_stats.add_listener
def no_work_any_more(**_):
    Lazy.tasks = []
"""


@pytest.mark.parametrize(
    ("name", "words"), [("Lazy", "Lazy has no tasks"), ("Nurse", "no task is left with --tags night")]
)
def test_a_start_that_is_refused_leaves_everything_as_it_was(
    starter: Starter, target: Server, name: str, words: str
) -> None:
    starter.write("shop.py", (starter.folder / "shop.py").read_text() + TAGGED)
    site = starter.start("-H", target.url, "--class-picker", "--tags", "night")
    site.post("/stats/reset")
    before = site.json("/api/form")
    refused = {"host": "http://another", "profile": "another", "run_time": "1s", "number": "7", "user_classes": [name]}
    answer = site.swarm(**refused)
    assert (answer["success"], words in answer["message"]) == (False, True), answer
    assert answer["host"] == target.url
    assert site.json("/api/form") == before
    assert site.swarm(user_classes=["Buyer"])["success"] is True
    assert site.hello()["run"]["run_time_s"] is None


def test_an_edit_that_is_refused_leaves_the_test_as_it_was(starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url, "--class-picker")
    site.swarm(user_classes=["Seller"], run_time="1h")
    site.until(lambda: site.requests_of("/sell"))
    before, ends = site.json("/api/form"), site.hello()["run"]["ends_epoch_s"]
    answer = site.swarm(user_classes=["Buyer"], run_time="1s", host="http://another")
    assert (answer["success"], "Users of Buyer are asked for" in answer["message"]) == (False, True)
    assert site.json("/api/form") == before
    assert site.hello()["run"]["ends_epoch_s"] == ends


def test_a_class_that_cannot_work_is_an_answer_and_no_test(starter: Starter) -> None:
    starter.write("shop.py", "from locust import HttpUser\nclass Lazy(HttpUser):\n    host = 'http://127.0.0.1:1'\n")
    site = starter.begin("-f", "shop.py", "--web-host", "127.0.0.1", "--web-port", "0")
    assert site.end(None) == 4
    assert any("Lazy" in line for line in site.log)


def test_a_host_that_may_not_be_asked_is_refused_with_a_sentence(starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url, "--allow-host", "127.0.0.1")
    before = site.json("/api/form")
    answer = site.swarm(host="https://live.example")
    assert answer["success"] is False
    assert "live.example:443 is not among the hosts that this test may ask (127.0.0.1)" in answer["message"]
    assert site.json("/api/form") == before
    refused = site.session.post(f"{site.url}/user", json={"user_class_name": "Buyer", "host": "https://live.example"})
    assert (refused.status_code, "live.example" in refused.text) == (400, True)
    assert site.swarm()["success"] is True
    edited = site.swarm(host="https://live.example")
    assert "live.example" in edited["message"]
    site.until(lambda: site.requests_of() > 5)


def test_rules_are_those_of_the_form_and_stay_as_they_are_while_a_test_runs(starter: Starter, target: Server) -> None:
    starter.write("shop.py", (starter.folder / "shop.py").read_text() + RULED)
    site = starter.start("-H", target.url, "--fail-if", "p95 > 1h", "--warmup", "0.5s")
    limits = site.json("/api/form")["limits"]
    assert limits == {
        "max_rps": None, "most_rps": None, "rules": ["p95 > 1h"],
        "other_rules": [{"rule": "avg > 1h", "source": "fail_if()"}], "warmup_s": 0.5,
        "baseline": None, "allow_hosts": [],
    }  # fmt: skip

    def judged() -> dict[str, str]:
        verdict = site.hello()["verdict"] or {"rules": []}
        return {rule["rule"]: rule["state"] for rule in verdict["rules"]}

    assert site.swarm(fail_if=["fail_ratio > 90%", "", "requests > 0"])["success"] is True
    assert "stay as they are" in site.swarm(fail_if="p95 > 2h")["message"]
    # Whoever sends the whole form again changes no rule by it.
    assert site.swarm(user_count=3, fail_if=["fail_ratio > 90%", "requests > 0"])["success"] is True
    expected = {"fail_ratio > 90%": "passed", "requests > 0": "broken", "avg > 1h": "passed"}
    site.until(lambda: judged() == expected)
    site.post("/stop")
    assert judged() == expected
    verdict = site.hello()["verdict"]
    # What is to be judged next changes nothing about what was judged.
    assert site.swarm(fail_if="")["success"] is True
    site.until(lambda: site.requests_of("/status/500") and judged() == {"avg > 1h": "passed"})
    assert site.json("/api/form")["limits"]["rules"] == []
    kept = site.json(f"/api/runs/{site.json('/api/runs')[0]['id']}/document")
    assert kept["verdict"] == verdict
    site.post("/stop")
    # No rule says any more how many failures there may be: one is enough, as ever.
    assert site.end() == 1


def test_a_cap_is_set_moved_and_lifted_while_the_test_runs(starter: Starter, server: CountingServer) -> None:
    starter.write("shop.py", EAGER)
    site = starter.start("-H", server.url)
    assert site.swarm(user_count=5)["success"] is True

    def rate() -> int:
        times_s = server.times_s()
        return sum(at_s > times_s[-1] - 1 for at_s in times_s)

    site.until(lambda: rate() > 100)
    for max_rps in ("40", "80"):
        assert site.swarm(user_count=5, max_rps=max_rps)["success"] is True
        site.until(lambda most=int(max_rps): most * 0.7 < rate() <= most * 1.1 + 1)  # type: ignore[misc]
    told = "--max-rps 80, which was changed on the way, was reached in"
    site.until(lambda: any(told in note for note in site.hello()["notes"]))
    # Nothing but the cap: how many users there are is left alone.
    assert site.post("/swarm", {"max_rps": ""}).json()["success"] is True
    site.until(lambda: rate() > 100)
    hello = site.hello()
    assert (hello["run"]["max_rps"], hello["run"]["user_count"]) == (None, 5)
    texts = [text for _, kind, text in hello["marks"] if kind == "edit"]
    for limit in ("at most 40", "at most 80", "any number of"):
        assert f"{limit} requests per second" in texts


def test_a_cap_of_the_command_is_the_most_that_a_form_can_ask_for(starter: Starter, server: CountingServer) -> None:
    starter.write("shop.py", EAGER)
    site = starter.start("-H", server.url, "--max-rps", "50")
    assert site.json("/api/form")["limits"]["most_rps"] == 50
    for max_rps in ("", "50.5"):
        refused = site.swarm(user_count=1, max_rps=max_rps)
        assert refused["message"] == "--max-rps: the command was started with 50, and a form can only ask for less"
    assert site.swarm(user_count=1, max_rps="20")["success"] is True
    assert site.swarm(user_count=1, max_rps="")["success"] is False
    assert site.swarm(user_count=1, max_rps="50")["success"] is True
    assert site.hello()["run"]["max_rps"] == 50


def test_an_option_of_the_locustfile_takes_the_place_of_ours(starter: Starter, target: Server) -> None:
    starter.write("shop.py", USERS.replace('"--colour"', '"--max-rps"').replace("options.colour", "options.max_rps"))
    site = starter.start("-H", target.url)
    assert site.json("/api/form")["own_fields"] == ["fail_if"]
    assert site.swarm(max_rps="blue")["success"] is True
    site.until(lambda: any("START blue" in line for line in site.out))
    assert site.hello()["run"]["max_rps"] is None
