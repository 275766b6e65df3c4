"""A run on a cluster, with a real master and real workers."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.containers import DEPLOY
from tests.on_kubernetes.conftest import Start
from tests.support.kubernetes_api import KubernetesApi
from tests.support.nodes import wait_until
from tests.support.servers import CountingServer

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(("path", "verdict"), [("/", 0), ("/status/500", 1)])
def test_a_run_brings_its_reports_ends_with_its_verdict_and_leaves_nothing(
    api: KubernetesApi, run: Start, target: CountingServer, tmp_path: Path, path: str, verdict: int
) -> None:
    laptop = tmp_path / "laptop"
    (laptop / "data" / "path.txt").write_text(path)
    command = run("--html", "out/{u}.html", "--json-file", "out/report", "--csv", "out/all", "--failures-dir", "bad")
    assert command.wait(90) == verdict, command.output
    assert api.there() == []
    assert {"2.html", "report.json", "all_stats.csv"} <= {each.name for each in (laptop / "out").iterdir()}
    total = json.loads((laptop / "out" / "report.json").read_text())["total"]
    assert total["num_requests"] + total["num_interrupted"] == target.counts()[path]
    assert (len(list((laptop / "bad").iterdir())) > 1) == bool(verdict)
    told = command.output
    assert "0 of 1 workers ready" in told
    assert "Aggregated" in told
    assert "Reports: " in told
    master, worker = api.processes()
    assert master.wait(20) == verdict
    # 143 where its pod was deleted before it had heard that the test is over.
    assert worker.wait(20) in (0, 143)


QUOTA = (
    'pods "shop-gregaria-worker-x" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu=4, limited: cpu=4'
)


def pending(reason: str, message: str) -> dict[str, Any]:
    """The status of a pod whose container waits."""
    waiting = {"waiting": {"reason": reason, "message": message}}
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}]
    return {"phase": "Pending", "conditions": conditions, "containerStatuses": [{"image": "g:1", "state": waiting}]}


def unschedulable(message: str) -> dict[str, Any]:
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [scheduled]}


def forbidden(verb: str, resource: str) -> str:
    told = f'User "me" cannot {verb} resource "{resource}" in API group "" in the namespace "load"'
    return f"{resource} is forbidden: {told}"


@pytest.mark.parametrize(
    ("at", "status", "message", "told"),
    [
        ("POST jobs", 403, QUOTA, "the quota of the namespace load has no room for it"),
        ("POST secrets", 403, forbidden("create", "secrets"), "you may not create secrets in the namespace load"),
        ("GET pods", 403, forbidden("list", "pods"), "you may not list pods in the namespace load"),
        ("GET pods log", 403, forbidden("get", "pods/log"), "you may not get pods/log in the namespace load"),
        ("POST jobs", 401, "Unauthorized", "the cluster does not know who you are"),
        ("POST jobs", 409, "already exists", "end it with gregaria kubernetes stop shop"),
        ("PATCH jobs", 500, "etcd is full", "cannot start the Job shop-gregaria-master: etcd is full"),
    ],
)
def test_what_the_cluster_refuses_is_told_in_words_and_nothing_is_left(
    api: KubernetesApi, run: Start, at: str, status: int, message: str, told: str
) -> None:
    api.refuse = lambda request: (status, message) if request.words == at else None
    command = run()
    assert command.wait(30) == 13, command.output
    assert told in command.output
    assert api.there() == []


def test_a_run_that_is_there_is_not_touched_by_another_of_its_name(api: KubernetesApi, run: Start) -> None:
    api.ails = lambda pod: unschedulable("0/3 nodes are available.")
    first = run()
    first.wait_for("finds no place")
    before = api.there()
    assert run().wait(30) == 13
    assert api.there() == before
    first.signal(signal.SIGINT)
    assert first.wait(30) == 130


def test_a_namespace_that_is_not_there_is_named(api: KubernetesApi, run: Start) -> None:
    command = run("--namespace", "elsewhere")
    assert command.wait(30) == 13
    assert "there is no namespace elsewhere: kubectl create namespace elsewhere" in command.output


def test_pods_that_a_quota_forbids_are_told_and_given_up(api: KubernetesApi, run: Start) -> None:
    api.quota = QUOTA
    command = run("--patience", "3")
    command.wait_for("the quota of the namespace load has no room for it", timeout_s=10)
    assert command.wait(30) == 13
    assert "given up after 3 s (--patience): cannot create pods" in command.output
    assert api.there() == []
    # The events of that run are still there.
    api.quota = ""
    again = run("--patience", "1")
    assert again.wait(60) == 0, again.output
    assert "quota" not in again.output


@pytest.mark.parametrize(
    ("status", "arguments", "told"),
    [
        (pending("ImagePullBackOff", "not found"), ("--patience", "2"), "The image g:1 cannot be pulled (not found)"),
        (pending("InvalidImageName", "bad"), (), "is no name of an image"),
        (pending("CreateContainerConfigError", "no secret"), ("--patience", "2"), "cannot start: no secret"),
    ],
)
def test_pods_that_cannot_start_are_told_and_given_up(
    api: KubernetesApi, run: Start, status: dict[str, Any], arguments: tuple[str, ...], told: str
) -> None:
    api.ails = lambda pod: status
    command = run(*arguments)
    command.wait_for(told.replace("(", r"\(").replace(")", r"\)"), timeout_s=10)
    assert command.wait(20) == 13
    assert "Traceback" not in command.output
    assert api.there() == []


def test_pods_without_a_place_are_told_and_waited_for(api: KubernetesApi, run: Start) -> None:
    api.ails = lambda pod: unschedulable("0/3 nodes are available: 3 Insufficient cpu.")
    command = run("--patience", "1")
    command.wait_for(r"finds no place: 0/3 nodes are available: 3 Insufficient cpu. It waits. Ask for less with --cpu")
    command.wait_for("1 without a place")
    command.signal(signal.SIGTERM)
    assert command.wait(20) == 130
    assert api.there() == []


def test_a_run_goes_on_when_watch_and_log_are_lost(api: KubernetesApi, run: Start, target: CountingServer) -> None:
    api.lost = 8
    command = run()
    assert command.wait(60) == 0, command.output
    assert api.lost < 0
    assert api.requests.count("GET pods watch") > 1
    assert api.requests.count("GET pods log") > 1
    # Each line of the log once, and none left out.
    said = [line for line in api.processes()[0].output.splitlines() if line.startswith("[")]
    heard = [line for line in command.output.splitlines() if line in said]
    assert heard == said[: len(heard)]
    assert any("its reports are written" in line for line in heard)


def test_a_watch_that_is_too_far_behind_begins_anew(api: KubernetesApi, run: Start) -> None:
    def refuse(request: Any) -> tuple[int, str] | None:
        is_early = api.requests.count("GET pods watch") <= 3
        return (410, "too old resource version") if request.words == "GET pods watch" and is_early else None

    api.refuse = refuse
    command = run()
    assert command.wait(60) == 0, command.output
    assert api.requests.count("GET pods watch") > 3


def test_workers_that_cannot_begin_end_the_run_with_what_they_said(
    api: KubernetesApi, run: Start, tmp_path: Path
) -> None:
    locustfile = tmp_path / "laptop" / "locustfile.py"
    locustfile.write_text("import sys\n\nassert '--worker' not in sys.argv, 'not here'\n" + locustfile.read_text())
    command = run("--workers", "2", "--html", "a.html")
    assert command.wait(60) == 13, command.output
    assert "ended with 4; the last that it said:" in command.output
    assert "AssertionError: not here" in command.output
    assert "the workers have failed, see above: Container failed with exit code 4" in command.output
    assert api.there() == []


def test_a_locustfile_that_is_broken_ends_as_it_does_anywhere(api: KubernetesApi, run: Start, tmp_path: Path) -> None:
    (tmp_path / "laptop" / "locustfile.py").write_text("nonsense")
    command = run("--html", "a.html")
    assert command.wait(40) == 4, command.output
    assert "NameError" in command.output
    assert "There are no reports" in command.output
    assert api.there() == []


def test_a_silent_api_server_is_told_and_waited_for(api: KubernetesApi, run: Start) -> None:
    command = run("-t", "10m")
    command.wait_for("All users spawned")
    api.refuse = lambda request: (503, "the server is starting")
    api.lost = 1000
    command.wait_for("does not answer .*; the run goes on", timeout_s=20)
    api.refuse, api.lost = lambda request: None, 0
    command.wait_for("answers again", timeout_s=20)
    command.signal(signal.SIGINT)
    assert command.wait(60) == 0, command.output
    assert api.there() == []


@pytest.mark.parametrize("is_evicted", [False, True])
def test_a_worker_that_is_taken_away_is_told_and_replaced(api: KubernetesApi, run: Start, is_evicted: bool) -> None:
    command = run("-t", "10m", "--workers", "2")
    command.wait_for("All users spawned")
    (gone, stays) = api.pods("worker")
    if is_evicted:
        api.evict(gone, "Eviction API: evicting")
        command.wait_for(rf"The worker {gone} was taken away by the cluster \(Eviction API: evicting\): its users go")
    else:
        api.delete("Pod", gone)
        command.wait_for(f"The worker {gone} was deleted: its users go to the others")
    wait_until(lambda: gone not in api.pods("worker") and len(api.pods("worker")) == 2, 30, lambda: command.output)
    assert stays in api.pods("worker")
    # In the master's log, which has told of two workers before.
    command.wait_for("is ready", times=3)
    command.signal(signal.SIGINT)
    assert command.wait(60) == 0, command.output
    assert api.there() == []


def test_a_master_that_is_taken_away_is_no_end_of_a_test(api: KubernetesApi, run: Start) -> None:
    command = run("-t", "10m")
    command.wait_for("All users spawned")
    api.evict(api.pods("master")[0], "node is drained")
    assert command.wait(60) == 13, command.output
    assert "the master's pod was taken away by the cluster (node is drained), and the test with it" in command.output
    assert api.processes()[0].wait() == 0
    assert api.there() == []


def test_a_worker_without_memory_is_told(api: KubernetesApi, run: Start) -> None:
    command = run("-t", "10m", "--workers", "2", "--memory", "300Mi")
    command.wait_for("All users spawned")
    (gone, _) = api.pods("worker")
    api.end_process(gone, "OOMKilled")
    command.wait_for(f"The pod {gone} needed more than 300Mi .* --memory", timeout_s=10)
    command.signal(signal.SIGINT)
    assert command.wait(60) == 0, command.output


def test_a_master_that_is_deleted_ends_the_run(api: KubernetesApi, run: Start) -> None:
    command = run("-t", "1m")
    command.wait_for("All users spawned")
    api.delete("Pod", api.pods("master")[0])
    assert command.wait(60) == 13
    assert "with the master was deleted: the test is lost" in command.output
    assert api.there() == []


def test_a_master_without_memory_ends_the_run(api: KubernetesApi, run: Start) -> None:
    command = run("-t", "1m")
    command.wait_for("All users spawned")
    api.end_process(api.pods("master")[0], "OOMKilled")
    assert command.wait(20) == 13
    assert "the master was ended by the system (OOMKilled, 137)" in command.output
    assert api.there() == []


def test_reports_that_cannot_be_brought_end_with_a_code_of_their_own(api: KubernetesApi, run: Start) -> None:
    command = run("--html", "a.html")

    def refuse(request: Any) -> tuple[int, str] | None:
        is_tar = request.sub == "exec" and request.query["command"][:2] == ["tar", "-cf"]
        return (403, forbidden("create", "pods/exec")) if is_tar else None

    api.refuse = refuse
    assert command.wait(60) == 11, command.output
    assert "the reports could not be brought" in command.output
    assert api.there() == []


@pytest.mark.parametrize(("path", "code"), [("/", 11), ("/status/500", 1)])
def test_without_the_right_to_run_commands_it_is_told_at_once_and_the_test_goes_on(
    api: KubernetesApi, run: Start, tmp_path: Path, path: str, code: int
) -> None:
    (tmp_path / "laptop" / "data" / "path.txt").write_text(path)
    told = (403, forbidden("create", "pods/exec"))
    api.refuse = lambda request: told if request.sub == "exec" else None
    command = run("-t", "10s", "--json-file", "report")
    command.wait_for("The reports will not be brought: .* you may not create pods/exec in the namespace load. Have a")
    assert "The test is over" not in command.output
    command.wait_for("The test is over")
    # The cluster ends the master, which would stay for its reports.
    assert command.wait(30) == code, command.output
    assert "Aggregated" in command.output
    assert "the reports could not be brought" in command.output
    assert api.processes()[0].wait() == code % 11
    assert api.there() == []


def test_without_the_right_to_run_commands_an_interrupt_ends_the_test_in_order(api: KubernetesApi, run: Start) -> None:
    told = (403, forbidden("create", "pods/exec"))
    api.refuse = lambda request: told if request.sub == "exec" else None
    command = run("-t", "10m")
    command.wait_for("All users spawned")
    command.signal(signal.SIGINT)
    assert command.wait(60) == 0, command.output
    assert "The test is over" in command.output
    assert api.there() == []


def test_the_first_interrupt_ends_the_test_and_brings_its_reports(
    api: KubernetesApi, run: Start, target: CountingServer, tmp_path: Path
) -> None:
    command = run("-t", "10m", "--json-file", "report")
    command.wait_for("All users spawned")
    target.wait_for("/", 10)
    command.signal(signal.SIGINT)
    assert command.wait(60) == 0, command.output
    total = json.loads((tmp_path / "laptop" / "report.json").read_text())["total"]
    assert total["num_requests"] + total["num_interrupted"] == target.counts()["/"]
    assert api.there() == []


def test_the_second_interrupt_leaves_at_once(api: KubernetesApi, run: Start) -> None:
    command = run("-t", "10m")
    command.wait_for("All users spawned")
    # The master does not come to end its test.
    api.processes()[0].signal(signal.SIGSTOP)
    command.signal(signal.SIGINT)
    command.wait_for("once more to end it at once")
    command.signal(signal.SIGINT)
    assert command.wait(20) == 130
    assert "Traceback" not in command.output
    assert api.there() == []
    api.processes()[0].signal(signal.SIGCONT)


def test_kept_runs_are_seen_heard_and_removed(api: KubernetesApi, run: Start, start: Start) -> None:
    command = run("--keep")
    assert command.wait(60) == 0, command.output
    assert "gregaria kubernetes stop shop --namespace load" in command.output
    assert len(api.there()) == 9
    status = start("status")
    assert status.wait(20) == 0
    assert status.output.startswith("shop: Master ended; 0 of 1 workers ready")
    of_one = start("status", "shop")
    assert of_one.wait(20) == 0
    assert len(of_one.output.splitlines()) == 3
    log = start("logs", "-f", "shop")
    assert log.wait(20) == 0
    assert log.output.splitlines() == api.processes()[0].output.splitlines()
    assert start("stop", "shop").wait(20) == 0
    assert api.there() == []
    for words in (("stop", "shop"), ("logs", "shop"), ("status", "shop")):
        missing = start(*words)
        assert missing.wait(20) == 13
        assert "of a run shop" in missing.output or "there is no run shop" in missing.output


#: what a run asks for until its test begins, in its order
POINTS = 12


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, POINTS + 1))
def test_nothing_is_left_after_an_interrupt_at_any_point(
    api: KubernetesApi, run: Start, number: int, moment: str
) -> None:
    command = None

    def interrupt(at: int, words: str) -> None:
        if at == number and command is not None:
            command.signal(signal.SIGINT)

    setattr(api, moment, interrupt)
    command = run("-t", "1s")
    code = command.wait(60)
    assert code in (0, 130), command.output
    assert api.there() == []
    assert len(api.requests) > number


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("words", ["GET pods log", "GET pods exec", "DELETE jobs"])
def test_nothing_is_left_after_an_interrupt_when_the_test_runs_or_is_over(
    api: KubernetesApi, run: Start, words: str, moment: str
) -> None:
    command = None
    told: list[str] = []

    def interrupt(at: int, asked: str) -> None:
        if asked == words and command is not None and not told:
            told.append(words)
            command.signal(signal.SIGINT)

    setattr(api, moment, interrupt)
    command = run("-t", "1s", "--html", "a.html")
    code = command.wait(60)
    assert code in (0, 130), command.output
    assert told
    assert api.there() == []


def test_a_run_that_somebody_else_stops_says_so(api: KubernetesApi, run: Start, start: Start) -> None:
    command = run("-t", "10m")
    command.wait_for("All users spawned")
    assert start("stop", "shop").wait(20) == 0
    assert command.wait(20) == 13
    assert "the master's pod was deleted, and the test with it" in command.output


def test_the_role_that_the_documentation_shows_is_enough(api: KubernetesApi, run: Start, start: Start) -> None:
    text = (DEPLOY.parent / "docs" / "kubernetes.md").read_text()
    (shown,) = re.findall(r"```yaml\n(apiVersion: rbac.*?)```", text, re.DOTALL)
    allowed = {
        (verb, resource)
        for rule in yaml.safe_load(shown)["rules"]
        for verb in rule["verbs"]
        for resource in rule["resources"]
    }
    used = set()

    def refuse(request: Any) -> tuple[int, str] | None:
        verbs = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "GET": "get" if request.name else "list"}
        verb = "watch" if "watch" in request.query else verbs[request.method]
        wanted = (verb, f"{request.plural}/{request.sub}" if request.sub else request.plural)
        used.add(wanted)
        return None if wanted in allowed else (403, forbidden(*wanted))

    api.refuse = refuse
    command = run("--html", "a.html", "--keep")
    assert command.wait(60) == 0, command.output
    for words in (("status", "shop"), ("logs", "shop"), ("stop", "shop")):
        assert start(*words).wait(20) == 0
    # An owner is given only to what its giver may delete, on some clusters; and commands are two verbs, by version.
    unused = {("delete", "secrets"), ("delete", "configmaps"), ("delete", "services"), ("delete", "networkpolicies")}
    assert allowed - used == unused | {("create", "pods/exec")}
