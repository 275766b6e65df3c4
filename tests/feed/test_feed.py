"""Feeds as locustfiles see them, in a local run."""

import inspect
import json
from collections import Counter
from pathlib import Path
from typing import Any

import gevent
import pytest

from gregaria import User, constant, feed, task
from gregaria.environment import Environment
from gregaria.errors import CommandError, FeedError, StopTest, StopUser
from gregaria.events import events
from gregaria.feed.feeds import feeds
from tests.support.command import run_gregaria


def numbers(count: int, **how: Any) -> feed.Feed:
    return feed.rows([{"n": number} for number in range(count)], name="numbers", **how)


def run_users(user_class: type[Any], users: int) -> Any:
    """Run until all users have ended by themselves."""
    environment = Environment(user_classes=[user_class], events=events)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=1000)
    with gevent.Timeout(10):
        while runner.state != "stopped":
            gevent.sleep(0.01)
    runner.quit()
    return runner


def test_each_row_is_handed_out_once_and_then_users_end() -> None:
    accounts = numbers(1000)
    got: list[int] = []

    class Buyer(User):
        wait_time = constant(0)

        @task
        def buy(self) -> None:
            got.append(accounts.next()["n"])

    run_users(Buyer, 10)
    assert Counter(got) == dict.fromkeys(range(1000), 1)


def test_the_test_ends_where_that_was_asked_for() -> None:
    accounts = numbers(3, at_end="stop_test")
    assert [accounts.next()["n"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StopTest, match="all rows of the feed 'numbers' have been used"):
        accounts.next()
    with pytest.raises(StopTest):
        accounts.next()


def test_rows_begin_again_where_that_was_asked_for() -> None:
    accounts = numbers(3, at_end="again")
    assert [accounts.next()["n"] for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_circular_random_and_shuffled_rows() -> None:
    circle = numbers(3, strategy="circular")
    assert [circle.next()["n"] for _ in range(5)] == [0, 1, 2, 0, 1]
    dice = feed.rows([{"n": 1}, {"n": 2}], name="dice", strategy="random", seed=3)
    assert {dice.next()["n"] for _ in range(50)} == {1, 2}
    cards = feed.rows([{"n": number} for number in range(50)], name="cards", strategy="shuffle", seed=3)
    dealt = [cards.next()["n"] for _ in range(50)]
    assert dealt != sorted(dealt) == list(range(50))
    with pytest.raises(StopUser):
        cards.next()


def test_a_checked_out_row_comes_back_whatever_happens_in_the_block() -> None:
    accounts = numbers(1)
    with accounts.check_out() as row:
        assert row == {"n": 0}
    with pytest.raises(ZeroDivisionError), accounts.check_out():
        _ = 1 / 0
    with accounts.check_out() as row:
        assert row == {"n": 0}


def test_who_finds_all_rows_checked_out_waits_for_one_in_turn() -> None:
    accounts = numbers(2)
    order: list[int] = []

    def visit(number: int) -> None:
        with accounts.check_out():
            order.append(number)
            gevent.sleep(0.001)

    gevent.joinall([gevent.spawn(visit, number) for number in range(10)], timeout=5, raise_error=True)
    assert order == list(range(10))


def test_a_user_that_is_ended_while_it_waits_loses_no_row() -> None:
    accounts = numbers(1)
    with accounts.check_out():
        waiting = gevent.spawn(accounts.next)
        late = gevent.spawn(accounts.next)
        gevent.sleep(0)
        waiting.kill()
        # It ends at the next turn of the loop, and by then the row has been given to it.
        late.kill(block=False)
    late.join()
    assert accounts.next() == {"n": 0}


def test_rows_of_a_function_are_made_as_they_are_needed_and_it_may_wait() -> None:
    made: list[int] = []

    def account() -> dict[str, int] | None:
        gevent.sleep(0.001)
        made.append(len(made))
        return {"n": made[-1]} if len(made) <= 30 else None

    accounts = feed.function(account)
    assert accounts.name == "account"
    got: list[int] = []

    def visit() -> None:
        while True:
            try:
                got.append(accounts.next()["n"])
            except StopUser:
                return

    users = [gevent.spawn(visit) for _ in range(5)]
    gevent.sleep(0.01)
    # Who reads is not disturbed when whoever asked for it is ended.
    users[0].kill()
    gevent.joinall(users, timeout=5, raise_error=True)
    assert len(set(got)) == len(got)
    assert set(range(30)) - set(got) <= {0}


def test_a_further_test_begins_with_all_rows() -> None:
    accounts = numbers(5)
    got: list[int] = []

    class Buyer(User):
        wait_time = constant(0)

        @task
        def buy(self) -> None:
            got.append(accounts.next()["n"])

    run_users(Buyer, 2)
    run_users(Buyer, 2)
    assert Counter(got) == dict.fromkeys(range(5), 2)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"strategy": "lucky"}, "no strategy 'lucky'.*unique, circular, random, shuffle"),
        ({"at_end": "explode"}, "at_end is one of stop_user, stop_test, again"),
        ({"strategy": "circular", "at_end": "again"}, "leave at_end out"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_ones(how: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        numbers(3, **how)


def test_what_several_users_get_cannot_be_checked_out() -> None:
    with pytest.raises(ValueError, match="strategy='unique'"):
        numbers(3, strategy="random").check_out()


def test_two_feeds_of_one_name_are_an_error() -> None:
    feed.csv("one/people.csv")
    with pytest.raises(CommandError, match=r"two feeds are called 'people\.csv'.*name="):
        feed.csv("two/people.csv")
    assert [each.name for each in feeds] == ["people.csv"]
    assert repr(feed.csv("two/people.csv", name="more")) == "<Feed 'more', unique>"


def test_a_missing_file_is_an_error_when_the_first_row_is_wanted() -> None:
    accounts = feed.csv("gone.csv")
    for _ in range(2):
        with pytest.raises(FeedError, match=r"feed 'gone\.csv': there is no gone\.csv in .*"):
            accounts.next()


def test_what_a_function_raises_is_told() -> None:
    def broken() -> dict[str, int]:
        raise ConnectionError("no database")

    with pytest.raises(FeedError, match="ConnectionError: no database"):
        feed.function(broken).next()


def test_every_kind_of_file_is_found_beside_the_locustfile_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("n\n")
    for make in (feed.csv, feed.json_lines, feed.parquet, lambda path, name: feed.sqlite(path, "select 1", name=name)):
        made = make("file", name=str(make))
        beside = made.source._beside  # type: ignore[attr-defined]
        assert (
            beside == Path(inspect.getfile(test_every_kind_of_file_is_found_beside_the_locustfile_that_names_it)).parent
        )


def test_the_command_ends_with_what_is_wrong_with_a_feed(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(
        "from gregaria import User, constant, feed, task\n"
        "accounts = feed.csv('gone.csv')\n"
        "class Buyer(User):\n"
        "    wait_time = constant(0.1)\n"
        "    @task\n"
        "    def buy(self):\n"
        "        accounts.next()\n"
    )
    run = run_gregaria("-f", "locustfile.py", "-u", "3", "-t", "1m", folder=tmp_path)
    assert run.exit_code == 2, run.output
    assert "there is no gone.csv" in run.stderr


def test_a_feed_costs_little_beside_a_request() -> None:
    accounts = numbers(50_000)
    for _ in range(50_000):
        accounts.next()
    figures = json.dumps(feeds._local.pools["numbers"].figures())  # type: ignore[union-attr]
    assert '"drawn": 50000' in figures
