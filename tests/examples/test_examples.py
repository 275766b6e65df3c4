"""Every example runs, against a real server, and does what it is an example of."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bucket import Bucket
from tests.support.command import ROOT, Run, run_gregaria
from tests.support.servers import Server

EXAMPLES = ROOT / "examples"


def run_example(name: str, host: str, folder: Path, *arguments: str, **environment: str) -> Run:
    users = () if any(argument in ("-u", "-f") for argument in arguments) else ("-u", "5", "-r", "10", "-t", "1s")
    return run_gregaria(
        "-f", EXAMPLES / name, "-H", host, "--only-summary", *users, *arguments, folder=folder, environment=environment
    )


def test_every_example_is_tested() -> None:
    tests = Path(__file__).read_text()
    untested = [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in tests and path.stem not in tests]
    assert not untested


@pytest.mark.parametrize("name", ["basic.py", "fast_http.py"])
def test_users_visit_the_target(name: str, target: Server, tmp_path: Path) -> None:
    run = run_example(name, target.url, tmp_path)
    assert run.exit_code == 0, run.output
    assert run.names() == {"/", "/getInfo"}
    assert run.total["num_failures"] == 0


def test_a_sequence_keeps_its_order(target: Server, tmp_path: Path) -> None:
    run = run_example("sequence.py", target.url, tmp_path)
    assert run.exit_code == 0, run.output
    arrived, introduced = (run.row(name)["num_requests"] for name in ("1 arrive", "2 introduce"))
    assert 0 <= arrived - introduced <= 5
    assert introduced > 10


def test_a_listener_writes_slow_requests_to_a_file(target: Server, tmp_path: Path) -> None:
    run = run_example("events_listener.py", target.url, tmp_path, SLOW_MS="0.0001", SLOW_FILE="slow.log")
    assert run.exit_code == 0, run.output
    first, *slow = (tmp_path / "slow.log").read_text().splitlines()
    assert first == "Requests slower than 0.0001 ms go to slow.log"
    assert len(slow) == run.total["num_requests"]
    assert re.fullmatch(r"\d+\.\d{3} GET / \d+\.\d ms ok", slow[0])


def test_arguments_of_ones_own_come_from_the_command_line_and_the_environment(target: Server, tmp_path: Path) -> None:
    run = run_example("custom_arguments.py", target.url, tmp_path, "--mood", "grim", VISITOR_CITY="London")
    assert run.exit_code == 0, run.output
    assert "Visitors come from London" in run.stdout
    assert run.names() == {"/getInfo from London"}
    refused = run_example("custom_arguments.py", target.url, tmp_path, "--mood", "bored")
    assert refused.exit_code == 2
    assert "--mood" in refused.stderr


@pytest.mark.parametrize(
    # a shape is asked about once a second, so the short form cannot show every peak
    ("shape", "length_s", "at_least", "names"),
    [
        ("shape_stages:Stages", 60, 35, {"/"}),
        ("shape_steps:Steps", 300, 30, {"/"}),
        ("shape_double_wave:DoubleWave", 600, 20, {"/"}),
        ("shape_user_classes:ReadersFirst", 60, 20, {"/", "/getInfo"}),
    ],
)
def test_a_load_shape_rises_and_ends_the_test(
    shape: str, length_s: float, at_least: int, names: set[str], target: Server, tmp_path: Path
) -> None:
    run = run_gregaria(
        *("-f", Path(__file__).with_name("shortened.py"), "-H", target.url),
        folder=tmp_path,
        environment={"SHAPE": shape, "LENGTH_S": str(length_s), "SHORTENED_S": "5", "PYTHONPATH": str(EXAMPLES)},
    )
    assert run.exit_code == 0, run.output
    told = re.search(r"at most (\d+) users", run.stdout)
    assert told, run.output
    assert int(told[1]) >= at_least
    assert run.names() == names


def test_responses_are_judged_by_the_block(target: Server, tmp_path: Path) -> None:
    run = run_example("response_validation.py", target.url, tmp_path)
    assert run.exit_code == 1, run.output
    assert run.row("/")["num_failures"] == 0
    assert run.row("a missing page")["num_failures"] == 0
    echo = run.row("an echo")
    assert echo["num_failures"] == echo["num_requests"] > 0
    assert "never reached" not in run.names()
    assert "the answer is not about Grace" in run.output


def test_each_user_takes_the_next_row_of_the_csv_file(target: Server, tmp_path: Path) -> None:
    run = run_example("csv_test_data.py", target.url, tmp_path)
    assert run.exit_code == 0, run.output
    assert run.names() == {f"/getInfo of {name}" for name in ("Ada", "Grace", "Katherine", "Hedy")}


def test_each_row_of_a_feed_goes_to_one_user_and_then_the_test_ends(target: Server, tmp_path: Path) -> None:
    run = run_example("feed_csv.py", target.url, tmp_path, "-u", "3", "-r", "10", "-t", "15s")
    assert run.exit_code == 0, run.output
    assert "all users have ended by themselves" in run.output
    for name in ("Ada", "Grace", "Katherine", "Hedy"):
        assert run.row(f"{name} at a desk")["num_requests"] == 1
    assert run.stdout.count("Hello from") == run.stdout.count("Good day from") == 2


@pytest.mark.timeout(60)
def test_each_file_of_a_bucket_is_sent_by_one_user_of_two_processes(
    bucket: Bucket, file_sizes: Server, tmp_path: Path
) -> None:
    users = ("--processes", "2", "-u", "6", "-r", "10")
    run = run_example("feed_bucket.py", file_sizes.url, tmp_path, *users, **bucket.environment)
    assert run.exit_code == 0, run.output
    assert "all users have ended by themselves" in run.output
    uploads = file_sizes.get_json("/uploads")
    assert isinstance(uploads, list)
    assert sorted((upload["name"], upload["size"]) for upload in uploads) == sorted(bucket.sizes.items())
    assert run.total["num_requests"] == len(uploads)
    assert run.total["num_failures"] == 0


def test_a_client_of_xml_rpc_is_counted_like_a_request(xmlrpc_server: Server, tmp_path: Path) -> None:
    run = run_example("custom_client.py", xmlrpc_server.url, tmp_path)
    assert run.exit_code == 1, run.output
    assert run.row("add", "xmlrpc")["num_failures"] == 0
    divided = run.row("divide", "xmlrpc")
    assert divided["num_failures"] == divided["num_requests"] > 0
    assert "ZeroDivisionError" in run.output


def test_a_client_over_a_socket_is_counted_like_a_request(line_server: str, tmp_path: Path) -> None:
    run = run_example("custom_client_socket.py", line_server, tmp_path)
    assert run.exit_code == 1, run.output
    assert run.row("greeting", "LINE")["num_requests"] > 20
    assert run.row("greeting", "LINE")["num_failures"] == 0
    provoked = run.row("provocation", "LINE")
    assert provoked["num_failures"] == provoked["num_requests"] > 0


def test_too_many_failures_end_the_test_early(target: Server, tmp_path: Path) -> None:
    run = run_example("stop_on_threshold.py", target.url, tmp_path, "-u", "5", "-r", "100", "-t", "1h")
    assert run.exit_code == 1, run.output
    assert "of the requests failed: stopping" in run.stdout
    assert "all 5 users are there" in run.stdout
    assert run.total["num_requests"] >= 20


def test_messages_arrive_before_the_users(target: Server, tmp_path: Path) -> None:
    run = run_example("messages.py", target.url, tmp_path)
    assert run.exit_code == 0, run.output
    assert "10 accounts were taken" in run.stdout
    assert run.total["num_requests"] > 10


def test_two_hosts_are_two_rows(target: Server, xmlrpc_server: Server, tmp_path: Path) -> None:
    run = run_example("multiple_hosts.py", target.url, tmp_path, OTHER_HOST=xmlrpc_server.url)
    # the second server speaks XML-RPC, so it has no answer to GET
    assert run.exit_code == 1, run.output
    assert run.row("here: /")["num_failures"] == 0
    for name in ("there: /", "there: absolute"):
        there = run.row(name)
        assert there["num_failures"] == there["num_requests"] > 0


def test_figures_of_ones_own_stand_beside_the_requests(target: Server, tmp_path: Path) -> None:
    run = run_example("manual_stats.py", target.url, tmp_path)
    assert run.exit_code == 0, run.output
    journeys = run.row("read and introduce", "journey")["num_requests"]
    assert 0 <= run.row("/")["num_requests"] - journeys <= 5
    assert run.row("sha256", "compute")["num_requests"] > 5


def test_broken_limits_decide_the_exit_code(target: Server, tmp_path: Path) -> None:
    run = run_example("thresholds.py", target.url, tmp_path)
    assert run.exit_code == 3, run.output
    assert re.search(r"LIMIT BROKEN: \d+\.\d% failed, more than 1\.0%", run.stdout)


def test_a_script_starts_and_stops_a_test_itself(target: Server) -> None:
    command = [sys.executable, "-m", "gregaria.compat", str(EXAMPLES / "library.py"), target.url, "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    told = re.search(r"(\d+) requests, 0 failures, median [\d.]+ ms", done.stdout)
    assert told, done.stdout + done.stderr
    assert int(told[1]) > 0


def test_one_user_runs_alone_for_a_debugger(target: Server) -> None:
    command = [sys.executable, "-m", "gregaria.compat", str(EXAMPLES / "debugging.py")]
    environment = {**os.environ, "TARGET": target.url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    lines = [line.split() for line in done.stdout.splitlines() if "GET" in line]
    assert len(lines) == 1, done.stdout + done.stderr
    assert "/" in lines[0]
