"""The command ends as its rules say, tells so everywhere, and refuses rules that it does not understand."""

import json
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import USERS, Command, CountingServer, arguments, document

OWN_RULES = """
from locust import FastHttpUser, constant, events, task


@events.test_start.add_listener
def begin(environment, **_):
    environment.fail_if("max of 'GET /sell' > 1h")


@events.test_stop.add_listener
def end(environment, **_):
    environment.fail_if("requests of '/sell' > 0")


@events.quitting.add_listener
def too_late(environment, **_):
    try:
        environment.fail_if("users > 0")
    except Exception as error:
        print("REFUSED", str(error).splitlines()[0])


class Seller(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def sell(self):
        self.client.get("/sell")
"""

FAILING = """
from locust import FastHttpUser, constant, task


class Half(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def both(self):
        self.client.get("/good")
        self.client.get("/status/500", name="/bad")
"""


def told(path: Path) -> dict[str, tuple[str, str]]:
    """{rule: (source, state)} of a document."""
    verdict: Any = document(path)["verdict"]
    return {rule["rule"]: (rule["source"], rule["state"]) for rule in verdict["rules"]}


def test_rules_from_everywhere_decide_the_exit_code_and_are_told_everywhere(
    command: Command, server: CountingServer
) -> None:
    command.write(
        "gregaria.conf", 'check-rps = 1\nfail-if = ["p95 of \'GET /look\' > 1h", "rps < 1 while users > 50"]\n'
    )
    ended = command.run(
        *arguments(server, "-u", "4", "-r", "100", "-t", "3s", "--json-file", "end", "--warmup", "1s"),
        *("--junit", "out/junit.xml", "--markdown", "out/verdict.md", "--check-fail-ratio", "0.5"),
        *("--check-avg-response-time", "0.0001"),
        env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(command.folder / "step.md")},
    )
    assert ended.code == 3, ended.err
    assert told(command.folder / "end.json") == {
        "p95 of 'GET /look' > 1h": ("--fail-if", "passed"),
        "rps < 1 while users > 50": ("--fail-if", "not judged"),
        "rps < 1": ("--check-rps", "passed"),
        "fail_ratio > 0.5": ("--check-fail-ratio", "passed"),
        "avg > 0.0001ms": ("--check-avg-response-time", "broken"),
    }
    end: Any = document(command.folder / "end.json")
    assert 0 < end["after_warmup"]["total"]["num_requests"] < end["total"]["num_requests"]
    assert [mark[2] for mark in end["timeline"]["marks"] if mark[1] == "rule"] == ["broken: avg > 0.0001ms"]
    assert "CHECK FAILED: avg > 0.0001ms" in ended.err
    assert "CHECK SUCCESSFUL: rps < 1 " in ended.err
    assert "✗ avg > 0.0001ms" in ended.err
    assert ended.err.index("Verdict: failed") < ended.err.index("Whole run") < ended.err.index("After the warm-up")
    assert ended.out.startswith("::error title=fail if avg > 0.0001ms::")
    assert 'name="fail if avg &gt; 0.0001ms"' in (command.folder / "out" / "junit.xml").read_text()
    markdown = (command.folder / "out" / "verdict.md").read_text()
    assert (command.folder / "step.md").read_text() == f"{markdown}\n"


def test_a_locustfile_has_rules_of_its_own(command: Command, server: CountingServer) -> None:
    command.write("shop.py", OWN_RULES)
    ended = command.run(*arguments(server, "-t", "1s", "--json-file", "end"))
    assert ended.code == 16, ended.err
    assert told(command.folder / "end.json") == {
        "max of 'GET /sell' > 1h": ("fail_if()", "passed"),
        "requests of '/sell' > 0": ("fail_if()", "broken"),
    }
    assert "REFUSED the test is over and has been judged" in ended.out


def test_a_window_that_the_run_is_too_short_for_is_told_at_the_start(command: Command, server: CountingServer) -> None:
    rule = "p95 > 1h over 30s"
    ended = command.run(*arguments(server, "-t", "1s", "--only-summary", "--fail-if", rule))
    assert ended.code == 16, ended.err
    warning = f"The run time of 1 s is too short: {rule} needs 30 s, a whole window"
    assert ended.err.index(warning) < ended.err.index("All users spawned")


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ((), 1),
        (("--fail-if", "p99 > 1h"), 1),
        (("--fail-if", "fail_ratio > 60%"), 0),
        (("--check-fail-ratio", "0.9"), 0),
        (("--check-fail-ratio", "0.1"), 3),
        (("--check-fail-ratio", "0.1", "--fail-if", "fail_ratio of '/bad' > 99%"), 16),
    ],
)
def test_a_rule_about_failures_takes_the_place_of_any_failure(
    command: Command, server: CountingServer, rules: tuple[str, ...], code: int
) -> None:
    command.write("shop.py", FAILING)
    ended = command.run(*arguments(server, "-u", "4", "-r", "100", "-i", "60", "--only-summary", *rules))
    assert ended.code == code, ended.err
    # A verdict that is passed and a code that is not 0 need a word.
    hint = "All rules are kept, but 60 requests failed, and no rule says how many may"
    assert (hint in ended.err) is (rules == ("--fail-if", "p99 > 1h")), ended.err


def test_standard_output_is_for_json_alone_where_that_is_asked_for(command: Command, server: CountingServer) -> None:
    ended = command.run(
        *arguments(server, "-i", "9", "--json", "--fail-if", "requests > 0"), env={"GITHUB_ACTIONS": "true"}
    )
    assert sum(row["num_requests"] for row in json.loads(ended.out)) == 9
    assert "::error title=fail if requests > 0::9, the limit is 0" in ended.err


def test_abort_ends_the_test(command: Command, server: CountingServer) -> None:
    command.write("shop.py", FAILING)
    ended = command.run(*arguments(server, "-u", "2", "-r", "100", "-t", "50s", "--fail-if", "fail_ratio > 1% abort"))
    assert ended.code == 16, ended.err
    assert "The test ends: a rule is broken: fail_ratio > 1% abort" in ended.err


def test_a_run_is_compared_with_the_one_before(command: Command, server: CountingServer) -> None:
    ran = command.run(*arguments(server, "-t", "1s", "--json-file", "before", "--only-summary"))
    assert ran.code == 0, ran.err
    ended = command.run(
        *arguments(server, "-t", "1s", "--json-file", "end", "--baseline", "before.json", "--only-summary"),
        *("--fail-if", "p95 of '/look' > 1000 * baseline", "--fail-if", "p50 of '/new' > baseline"),
    )
    assert ended.code == 16, ended.err
    assert [state for _, state in told(command.folder / "end.json").values()] == ["passed", "no data"]
    assert "the baseline does not tell p50 of '/new'" in ended.err


def test_the_master_judges_and_workers_do_not(command: Command, server: CountingServer) -> None:
    titles = "Type,Name,Request Count,Failure Count,Requests/s,50%"
    command.write("before_stats.csv", f"{titles}\n,Aggregated,9,0,9,3600000\n")
    added = "\n\n@events.init.add_listener\ndef add(environment, **_):\n    environment.fail_if('p50 > baseline')\n"
    command.write("shop.py", USERS + added)
    ended = command.run(
        *arguments(server, "--processes", "2", "-u", "4", "-r", "100", "-t", "3s", "--json-file", "end"),
        *("--fail-if", "requests of 'GET /sell' > 0 over 2s", "--fail-if", "users > 4"),
        *("--only-summary", "--junit", "junit.xml", "--baseline", "before_stats.csv"),
    )
    assert ended.code == 16, ended.err
    assert ended.err.count("Verdict: failed") == 1
    assert ended.err.count("Rule broken: requests of 'GET /sell' > 0 over 2s") == 1
    assert [state for _, state in told(command.folder / "end.json").values()] == ["broken", "passed", "passed"]
    assert [path.name for path in command.folder.glob("junit*")] == ["junit.xml"]


def test_a_report_may_go_to_standard_output(command: Command, server: CountingServer) -> None:
    ended = command.run(
        *arguments(server, "-i", "9", "--markdown", "/dev/stdout", "--fail-if", "requests > 0"),
        env={"GITHUB_ACTIONS": "true"},
    )
    annotation, headline, *_ = ended.out.splitlines()
    assert annotation.startswith("::error title=fail if requests > 0::")
    assert headline == "### ❌ Load test failed, 1 of 3 checks"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--fail-if", "p95 >> 5"), "    p95 >> 5\n         ^\n"),
        (("--fail-if", "p95 > baseline"), "give --baseline run.json"),
        (("--baseline", "nothing.json"), "there is no nothing.json"),
        (("--check-rps", "many"), "'many' is no number"),
        (("--warmup", "long"), "'long' is not a duration"),
    ],
)
def test_what_cannot_be_judged_is_refused_before_anything_starts(
    command: Command, server: CountingServer, arguments: tuple[str, ...], says: str
) -> None:
    ended = command.run("-f", "shop.py", "--headless", "-H", server.url, "-t", "30s", *arguments)
    assert ended.code == 2
    assert says in ended.err
    assert server.counts() == {}


def test_a_file_that_cannot_be_written_is_refused_before_anything_starts(
    command: Command, server: CountingServer
) -> None:
    for option in ("--junit", "--markdown"):
        ended = command.run(*arguments(server, "-t", "30s", option, "."))
        assert ended.code == 11
        assert f"{option}: cannot write" in ended.err
    ended = command.run(
        *arguments(server, "-t", "30s", "--json-file", "a.json", "--junit", "b", "--markdown", "./a.json")
    )
    assert ended.code == 2
    assert "--json-file and --markdown both name a.json: give each a file of its own" in ended.err
    assert server.counts() == {}


def test_options_that_a_locustfile_declares_are_its_own(command: Command, server: CountingServer) -> None:
    command.write(
        "shop.py",
        "from locust import events\n\n\n@events.init_command_line_parser.add_listener\ndef add(parser):\n"
        "    parser.add_argument('--warmup', default='none')\n    parser.add_argument('--check-rps', type=float)\n"
        + OWN_RULES.replace("requests of", "failures of"),
    )
    ended = command.run(*arguments(server, "-t", "1s", "--warmup", "gentle", "--check-rps", "1000000"))
    assert ended.code == 0, ended.err


def test_rules_are_taught(command: Command) -> None:
    ended = command.run("rules")
    assert "comparison = sum" in ended.out
    assert command.run("rules", "p95 > 5ms", "rps < 1").code == 0
    assert "p95 > 5" in command.run("rules", "p95 > 5 5").err
    assert "--fail-if RULE" in command.run("--help").out


def test_with_the_page_every_test_is_judged_anew(command: Command, server: CountingServer) -> None:
    command.write("shop.py", FAILING)
    process = command.start(
        *("-f", "shop.py", "-H", server.url, "--web-host", "127.0.0.1", "--web-port", "0", "--json-file", "end"),
        *("--fail-if", "requests of '/bad' > 0 for 1s", "--fail-if", "fail_ratio > 99%"),
    )
    assert process.stderr is not None
    url = next(line.split()[-1] for line in process.stderr if "http://127.0.0.1:" in line)

    def ask(path: str, **fields: object) -> None:
        data = urllib.parse.urlencode(fields).encode() if fields else None
        urllib.request.urlopen(f"{url.rstrip('/')}{path}", data, timeout=30).close()

    def stream() -> Any:
        with urllib.request.urlopen(f"{url.rstrip('/')}/api/events", timeout=30) as events:
            for line in events:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])

    for _ in range(2):
        ask("/swarm", user_count=2, spawn_rate=10)
        for event in stream():
            rules = (event.get("verdict") or {"rules": [{"state": ""}]})["rules"]
            if rules[0]["state"] == "broken":
                break
        ask("/stop")
    process.terminate()
    assert command.end_of(process).code == 16
    for name in ("end.json", "end_2.json"):
        assert [state for _, state in told(command.folder / name).values()] == ["broken", "passed"]
