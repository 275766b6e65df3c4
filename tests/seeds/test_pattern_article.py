"""The article on patterns that scale: every one of its snippets."""

import re
from pathlib import Path

import pytest

from tests.support.command import Run, run_gregaria
from tests.support.servers import Server

LOCUSTFILES = Path(__file__).parent / "locustfiles"


def run_against(shop: Server, folder: Path, locustfile: str, *arguments: str, **environment: str) -> Run:
    return run_gregaria(
        "-f", LOCUSTFILES / locustfile, "-H", shop.url, *arguments, folder=folder, environment=environment
    )


def test_a_token_from_on_start_opens_what_follows(shop: Server, tmp_path: Path) -> None:
    run = run_against(shop, tmp_path, "pattern_first.py", "-u", "5", "-r", "5", "--run-time", "2s")
    assert run.exit_code == 0, run.output
    assert run.names() == {"/auth/login", "/listings?page=1&limit=20", "/listings/42", "/search"}
    assert run.row("/auth/login", "POST")["num_requests"] == 5
    assert run.row("/listings?page=1&limit=20")["num_requests"] > run.row("/search")["num_requests"]
    assert run.total["num_failures"] == 0


def test_shared_data_reaches_every_user(shop: Server, tmp_path: Path) -> None:
    run = run_against(shop, tmp_path, "pattern_shared_data.py", "-u", "5", "-r", "5", "-t", "1s")
    assert run.exit_code == 0, run.output
    assert "/listings/7" in run.names()
    assert "/listings/42" not in run.names()


def test_the_checkout_runs_in_order_and_begins_again(shop: Server, tmp_path: Path) -> None:
    run = run_against(shop, tmp_path, "pattern_checkout.py", "-u", "4", "-r", "4", "-t", "1s")
    assert run.exit_code == 0, run.output
    steps = [run.row(name) for name in ("/cart/items", "/cart/[id]", "/cart/[id]/coupon", "/cart/[id]/checkout")]
    counts = [step["num_requests"] for step in steps]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] - counts[-1] <= 4
    assert counts[-1] > 8
    assert run.total["num_failures"] == 0


def test_pools_are_one_row_and_a_known_gap_is_no_failure(shop: Server, tmp_path: Path) -> None:
    run = run_against(shop, tmp_path, "pattern_search.py", "-u", "5", "-r", "50", "-i", "200")
    assert run.exit_code == 0, run.output
    assert run.names() == {"/search?q=[term]", "/users/[id]"}
    asked_for = run.row("/users/[id]")["num_requests"]
    # only the first ten of the thousand numbers are known to the shop
    assert asked_for > 10
    assert run.total["num_failures"] == 0
    served = {path for path in shop.get_json("/served") if path.startswith("GET /users/")}
    assert served == {f"GET /users/{number}" for number in range(1000, 1000 + asked_for)}


def test_the_spike_goes_up_comes_down_and_ends_the_test(shop: Server, tmp_path: Path) -> None:
    run = run_against(shop, tmp_path, "pattern_spike_in_seconds.py")
    assert run.exit_code == 0, run.output
    most = re.search(r"at most (\d+) users", run.stdout)
    assert most, run.output
    assert int(most[1]) == 50
    assert run.row("/health")["num_requests"] > 100
    assert run.total["num_failures"] == 0


@pytest.mark.parametrize(
    ("visited", "exit_code", "told"),
    [("/health", 0, []), ("/not/there", 1, ["[THRESHOLD FAILED] Failure rate > 1%"])],
)
def test_limits_checked_in_quitting_decide_the_exit_code(
    shop: Server, tmp_path: Path, visited: str, exit_code: int, told: list[str]
) -> None:
    arguments = ("-u", "5", "-r", "5", "-t", "1s", "--exit-code-on-error", "9")
    run = run_against(shop, tmp_path, "pattern_thresholds.py", *arguments, VISITED=visited)
    assert run.exit_code == exit_code, run.output
    assert [line for line in run.stdout.splitlines() if "THRESHOLD" in line] == told


@pytest.mark.parametrize(
    ("visited", "broken"),
    [
        ("/health", []),
        ("/not/there", ["fail_ratio > 1%"]),
        ("/slow", ["p95 > 500ms", "p99 > 1000ms"]),
    ],
)
def test_the_same_limits_as_rules_have_the_same_outcome(
    shop: Server, tmp_path: Path, visited: str, broken: list[str]
) -> None:
    arguments = ("-u", "5", "-r", "5", "-t", "3s", "--exit-code-on-error", "9")
    listener = run_against(shop, tmp_path, "pattern_thresholds.py", *arguments, VISITED=visited)
    rules = run_against(shop, tmp_path, "pattern_rules.py", *arguments, VISITED=visited)
    states = {rule["rule"]: rule["state"] for rule in rules.report["verdict"]["rules"]}
    assert [rule for rule, state in states.items() if state == "broken"] == broken
    assert (listener.exit_code, rules.exit_code) == ((1, 16) if broken else (0, 0)), rules.output
    assert listener.stdout.count("[THRESHOLD FAILED]") == len(broken)
    # There were never more than five users: neither can judge the rate, but rules say so.
    assert states["rps < 100 while users > 50"] == "not judged"


def test_the_rate_while_users_are_there_can_be_too_low_which_no_listener_sees(shop: Server, tmp_path: Path) -> None:
    arguments = ("-u", "60", "-r", "60", "-t", "5s")
    listener = run_against(shop, tmp_path, "pattern_thresholds.py", *arguments, VISITED="/slow")
    rules = run_against(shop, tmp_path, "pattern_rules.py", *arguments, VISITED="/slow")
    assert "RPS" not in listener.stdout
    states = {rule["rule"]: rule["state"] for rule in rules.report["verdict"]["rules"]}
    assert states["rps < 100 while users > 50"] == "broken", rules.output


def test_the_fast_user_pings_and_the_report_agrees_with_the_shop(shop: Server, tmp_path: Path) -> None:
    before = pings(shop)
    run = run_against(shop, tmp_path, "pattern_fast.py", "-u", "10", "-r", "10", "-t", "2s")
    assert run.exit_code == 0, run.output
    reported = run.row("/health")
    assert reported["num_requests"] > 100
    assert run.total["num_failures"] == 0
    served = pings(shop) - before
    # what was on the wire at the end may or may not have reached the shop
    assert 0 <= served - reported["num_requests"] <= reported["num_interrupted"]


def pings(shop: Server) -> int:
    served = shop.get_json("/served")
    assert isinstance(served, dict)
    return int(served.get("GET /health", 0))


def test_a_client_of_postgresql_is_counted_by_hand(postgres: Path, tmp_path: Path) -> None:
    pytest.importorskip("psycopg2", reason="psycopg2 is not installed here (pip install psycopg2-binary)")
    run = run_gregaria(
        *("-f", LOCUSTFILES / "pattern_postgres.py", "-u", "3", "-r", "3", "-t", "1s"),
        folder=tmp_path,
        environment={"PGHOST": str(postgres)},
    )
    assert run.exit_code == 1, run.output
    assert run.row("pending-orders", "PSQL")["num_requests"] > 10
    assert run.row("pending-orders", "PSQL")["num_failures"] == 0
    broken = run.row("SELECT * FROM nothing_of_that_name", "PSQL")
    assert broken["num_requests"] == broken["num_failures"] > 0


def test_weights_share_out_the_users(shop: Server, tmp_path: Path) -> None:
    run = run_against(shop, tmp_path, "pattern_weights.py", "-u", "20", "-r", "40", "-t", "3s")
    assert run.exit_code == 0, run.output
    browse, checkout, administer = (run.row(name)["num_requests"] for name in ("browse", "checkout", "administer"))
    # 14, 4 and 2 users with the same wait
    assert 2.8 < browse / checkout < 4.2
    assert 1.6 < checkout / administer < 2.4


def test_a_setting_that_never_was_is_answered(shop: Server, tmp_path: Path) -> None:
    run = run_against(shop, tmp_path, "never_a_setting.py", "-u", "1", "-t", "1s")
    assert "response_time_histogram" in run.stderr
    assert "never was a setting" in run.stderr
    assert run.total["num_requests"] > 0
