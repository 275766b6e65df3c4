"""The Kubernetes article: its two locustfiles against its FastAPI app, and the messages of the docs it follows."""

from pathlib import Path

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


def test_files_are_dealt_by_messages_before_the_first_user_starts(target: Server, tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    for number in range(3):
        (bucket / f"image-{number}.bin").write_bytes(bytes(range(256)) * 40 * (number + 1) + b"\r\n--\n")
    run = run_gregaria(
        *("-f", LOCUSTFILES / "kubernetes_files.py", "-u", "4", "-r", "4", "-t", "1s", "-H", target.url),
        folder=tmp_path,
        environment={"BUCKET": str(bucket)},
    )
    assert run.exit_code == 0, run.output
    assert "initializing locust message types and listeners" in run.stderr
    assert "Thanks for the 3 files!" in run.stdout
    assert run.row("/fileSize", "POST")["num_requests"] >= 12


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
