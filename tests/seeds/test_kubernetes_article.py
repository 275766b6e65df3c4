"""The Kubernetes article: its two locustfiles against its FastAPI app, and the messages of the docs it follows."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.support.bucket import Bucket
from tests.support.command import run_gregaria
from tests.support.servers import Server

LOCUSTFILES = Path(__file__).parent / "locustfiles"


def test_absolute_addresses_need_no_host_and_weights_hold(target: Server, tmp_path: Path) -> None:
    run = run_gregaria(
        *("-f", LOCUSTFILES / "kubernetes_basic.py", "-u", "20", "-r", "20", "-t", "2s"),
        folder=tmp_path,
        environment={"TARGET": target.url, "SHORTEST_WAIT": "0.01", "LONGEST_WAIT": "0.02"},
    )
    assert run.exit_code == 0, run.output
    hello, info = run.row("/", "GET"), run.row("/getInfo", "POST")
    assert hello["num_requests"] > 20
    assert 1.4 < info["num_requests"] / hello["num_requests"] < 2.8
    assert run.total["num_failures"] == 0
    assert run.total["num_requests"] == hello["num_requests"] + info["num_requests"]


def test_in_one_process_all_files_of_a_bucket_are_its_own(bucket: Bucket, file_sizes: Server, tmp_path: Path) -> None:
    run = run_gregaria(
        *("-f", LOCUSTFILES / "kubernetes_bucket.py", "-u", "4", "-r", "4", "--iterations", "4", "-H", file_sizes.url),
        folder=tmp_path,
        environment=bucket.environment,
    )
    assert run.exit_code == 0, run.output
    assert "initializing locust message types and listeners" in run.stderr
    assert "Thanks for the 23 files!" in run.stdout
    assert run.row("/fileSize", "POST")["num_requests"] == 4 * len(bucket.sizes)
    assert run.total["num_failures"] == 0


def test_files_of_a_bucket_are_dealt_to_five_workers_which_upload_them(
    bucket: Bucket, file_sizes: Server, tmp_path: Path
) -> None:
    run = run_gregaria(
        *("-f", LOCUSTFILES / "kubernetes_bucket.py", "--processes", "5", "-u", "10", "-r", "10"),
        *("--iterations", "20", "-L", "DEBUG", "-H", file_sizes.url),
        folder=tmp_path,
        environment=bucket.environment,
        timeout_s=50,
    )
    assert run.exit_code == 0, run.output
    assert "number of files to be divided between each worker is 4" in run.stderr
    told = re.findall(r"sending this data (\[.*\]) to this (\S+)", run.stderr)
    dealt = {worker: ast.literal_eval(names) for names, worker in told}
    assert sorted(map(len, dealt.values())) == [4, 4, 4, 4, 7], run.output
    assert sorted(name for names in dealt.values() for name in names) == sorted(bucket.sizes)

    thanks = re.findall(r"^(\S+): Thanks for the (\d+) files!$", run.stdout, re.MULTILINE)
    assert sorted(thanks) == sorted((worker, str(len(names))) for worker, names in dealt.items())

    uploads = file_sizes.get_json("/uploads")
    assert isinstance(uploads, list)
    sent = Counter((upload["worker"], upload["name"], upload["size"]) for upload in uploads)
    assert sent.keys() <= {(worker, name, bucket.sizes[name]) for worker, names in dealt.items() for name in names}
    # Who is quicker has more of the twenty iterations, perhaps all of them, and sends all its files in each.
    rounds = {worker: {sent[worker, name, bucket.sizes[name]] for name in names} for worker, names in dealt.items()}
    assert all(len(each) == 1 for each in rounds.values())
    assert sum(next(iter(each)) for each in rounds.values()) == 20
    assert run.total["num_requests"] == len(uploads)
    assert run.total["num_failures"] == run.total["num_interrupted"] == 0


def test_messages_in_test_start_arrive_before_users_do(target: Server, tmp_path: Path) -> None:
    run = run_gregaria(
        *("-f", LOCUSTFILES / "messages.py", "-u", "2", "-r", "2", "-t", "1s", "-H", target.url), folder=tmp_path
    )
    assert run.exit_code == 0, run.output
    told = [line for line in run.stdout.splitlines() if line.endswith(("received", "users!", "starts"))]
    assert told[:5] == [
        "User User1 received",
        "User User2 received",
        "User User3 received",
        "Thanks for the 3 users!",
        "a user starts",
    ]
