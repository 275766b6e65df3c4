"""What a master decides, without any worker: what happens to it is made up."""

import logging
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from gregaria.cluster.bookkeeping import Bookkeeper
from gregaria.cluster.channel import Channel
from gregaria.cluster.happenings import Back, Item, Joined, Left, Lost, Refused
from gregaria.cluster.journal import Journal, Notes
from gregaria.cluster.master import MasterRunner
from gregaria.cluster.master_machine import Peer
from gregaria.cluster.notes import NoteTaker
from gregaria.context import CustomOption
from gregaria.environment import Environment
from gregaria.errors import ExitCode, StopTest
from gregaria.logs import watch_greenlets
from gregaria.runner.state import STATE_RUNNING, STATE_SPAWNING, STATE_STOPPED
from gregaria.users.declare import task
from gregaria.users.user import User
from gregaria.web.picture import Picture


class Calm(User):
    @task
    def rest(self) -> None:
        gevent.sleep(0.01)


class Master:
    """A master, and what it tells its workers."""

    def __init__(self, **more: Any) -> None:
        self.environment = Environment(user_classes=[Calm])
        self.runner: MasterRunner = self.environment.create_master_runner("127.0.0.1", 0, **more)
        self.told: list[tuple[str, str, Any]] = []
        self.runner._post.put = lambda *told: self.told.append(told)  # type: ignore[method-assign]

    def join(self, number: int, **about: Any) -> None:
        self.runner._happened(Joined(f"host_{number}", number, "gregaria", about))

    def lose(self, number: int) -> None:
        self.runner._happened(Lost(f"host_{number}", "it is not heard of", 5.0))

    def say(self, number: int, kind: str, payload: Any, place: int = 1) -> None:
        self.runner._happened(Item(f"host_{number}", place, kind, payload))

    def spawns(self, number: int) -> list[Any]:
        """How often, and of which users, that worker was told."""
        return [payload for node_id, kind, payload in self.told if (node_id, kind) == (f"host_{number}", "spawn")]

    def users_of(self, number: int) -> int:
        """How many users that worker was told to have."""
        spawns = self.spawns(number)
        return sum(spawns[-1]["users"].values()) if spawns else 0

    def spawned(self, number: int) -> None:
        self.say(number, "spawned", {"users": {"Calm": self.users_of(number)}, "step": self.spawns(number)[-1]["step"]})

    def kinds(self, number: int) -> list[str]:
        return [kind for node_id, kind, _ in self.told if node_id == f"host_{number}"]

    def end(self) -> None:
        self.runner.clients._nodes.clear()
        self.runner.quit()


@pytest.fixture
def master() -> Iterator[Master]:
    one = Master()
    yield one
    one.end()


def wait_until(is_so: Callable[[], object], timeout_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s
        gevent.sleep(0.01)


def notes_of(tmp_path: Path, **more: Any) -> Journal:
    """A journal of a master that was killed."""
    told: dict[str, Any] = {
        "run": "run",
        "generation": 0,
        "is_over": False,
        "command": "",
        "started_epoch_s": time.time() - 60,
        "written_epoch_s": time.time() - 1,
        "users": 4,
        "spawn_rate": 1.0,
        "workers": {"host_0": ("a", 0, 7), "host_1": ("b", 3, 9)},
        "counted": None,
    }
    journal = Journal(str(tmp_path / "notes"))
    journal.write(Journal.pack(Notes(**{**told, **more})))
    return journal


def note_taker_of(master: Master) -> NoteTaker:
    note_taker = master.runner._note_taker
    assert note_taker is not None
    return note_taker


def test_what_is_known_of_workers_that_have_not_come_back_is_not_forgotten(tmp_path: Path) -> None:
    journal = notes_of(tmp_path)
    master = Master(journal=journal)
    note_taker_of(master).write()
    notes = journal.read()
    master.end()
    assert notes is not None
    assert notes.workers == {"host_0": ("a", 0, 7), "host_1": ("b", 3, 9)}


def test_a_worker_that_has_left_is_not_waited_for_by_another_master(tmp_path: Path) -> None:
    keeper = Bookkeeper(Journal(str(tmp_path / "notes")), "")
    peers = {name: Peer(name, 0, "gregaria", "a", {}, Channel(), 0.0) for name in ("host_0", "host_1")}
    peers["host_1"].has_left = True
    assert keeper.places(peers, {}) == {"host_0": ("a", 0, 0)}


def test_a_goodbye_that_is_not_acknowledged_can_be_said_to_another_master(tmp_path: Path) -> None:
    keeper = Bookkeeper(Journal(str(tmp_path / "notes")), "")
    peers = {"host_0": Peer("host_0", 0, "gregaria", "a", {}, Channel(), 0.0)}
    # The link has seen it, but what went before has not been taken.
    peers["host_0"].goodbye = 8
    assert keeper.places(peers, {}) == {"host_0": ("a", 0, 0)}
    keeper.took("host_0", 7)
    keeper.took("host_0", 8)
    assert keeper.places(peers, {}) == {"host_0": ("a", 0, 7)}


def seen(master: Master, number: int, received: int) -> Channel:
    """A worker that the link knows, and so many items of it; returns its channel."""
    master.join(number)
    channel = Channel()
    channel.received = received
    peer = Peer(f"host_{number}", number, "gregaria", "a", {}, channel, time.monotonic())
    master.runner._post._machine.peers[peer.node_id] = peer
    return channel


def test_a_journal_that_cannot_be_written_is_no_error_that_nobody_has_handled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = notes_of(tmp_path)
    notes = journal.read()
    assert notes is not None
    (tmp_path / "notes.new").mkdir()
    # What watches is gone after the test.
    monkeypatch.setattr(gevent.get_hub(), "handle_error", gevent.get_hub().handle_error)
    errors = watch_greenlets()
    assert Bookkeeper(journal, "").write(notes) is None
    assert errors.count == 0


def test_with_a_journal_what_comes_between_two_tests_is_acknowledged_at_once(tmp_path: Path) -> None:
    master = Master(journal=Journal(str(tmp_path / "notes")))
    channel = seen(master, 0, received=2)
    master.say(0, "logs", {"lines": []}, place=1)
    wait_until(lambda: channel.dealt == 1)
    master.runner.start(1, 1)
    master.runner.clients._nodes.clear()
    master.runner.stop()
    master.say(0, "logs", {"lines": []}, place=2)
    wait_until(lambda: channel.dealt == 2)
    master.end()


def test_while_the_journal_cannot_be_written_rows_and_acknowledgements_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = notes_of(tmp_path)
    master = Master(journal=journal)
    note_taker = note_taker_of(master)
    channel = seen(master, 0, received=1)
    (tmp_path / "notes.new").mkdir()
    master.say(0, "logs", {"lines": []})
    master.runner._rows._say([("host_0", "rows", {"number": 1})])
    for _ in range(3):
        note_taker.write()
    assert "feed" not in master.kinds(0)
    assert channel.dealt == 0
    assert [record.message.partition(":")[0] for record in caplog.records].count("The journal cannot be written") == 1
    (tmp_path / "notes.new").rmdir()
    note_taker.write()
    assert master.kinds(0).count("feed") == 1
    wait_until(lambda: channel.dealt == 1)
    master.end()


def test_a_worker_that_is_back_before_the_test_is_gone_on_with_is_not_stopped(tmp_path: Path) -> None:
    master = Master(journal=notes_of(tmp_path))
    master.join(0, run="run")
    master.lose(0)
    master.runner._happened(Back("host_0"))
    assert "stop" not in master.kinds(0)
    master.end()


def test_statistics_that_were_reset_before_are_not_reset_by_the_next_master(tmp_path: Path) -> None:
    master = Master(journal=notes_of(tmp_path, generation=1))
    master.environment.reset_stats = True
    master.join(0, run="run")
    master.runner.start(4, 100)
    wait_until(lambda: master.users_of(0) == 4)
    master.spawned(0)
    wait_until(lambda: master.runner.state == STATE_RUNNING)
    assert "reset" not in master.kinds(0)
    master.end()


def test_a_missing_worker_is_told_to_count_anew_too(master: Master) -> None:
    master.join(0)
    master.join(1)
    master.lose(1)
    master.runner._reset_statistics()
    assert "reset" in master.kinds(1)


def test_options_are_told_as_listeners_of_test_start_have_left_them(master: Master) -> None:
    environment = master.environment
    environment.parsed_options, environment.custom_options = Namespace(shelf="top", other=1), {"shelf": CustomOption()}

    def change(**_: Any) -> None:
        # One that is back at this moment is told how things are now.
        master.lose(0)
        master.runner._happened(Back("host_0"))
        environment.parsed_options.shelf = "low"

    environment.events.test_start.add_listener(change)
    master.join(0)
    master.join(1)
    master.runner.start(2, 100)
    wait_until(lambda: master.users_of(0) == master.users_of(1) == 1)
    told = [payload["options"] for _, kind, payload in master.told if kind == "spawn"]
    others = {"tags": None, "exclude_tags": None}
    assert told == [{"shelf": "top", **others}, {"shelf": "low", **others}, {"shelf": "low", **others}]


def test_a_worker_that_brings_users_gives_them_up_before_it_gets_others(master: Master) -> None:
    master.join(0)
    master.runner.start(4, 100)
    wait_until(lambda: master.users_of(0) == 4)
    master.join(1, run=master.runner._test.run)
    (first,) = [payload["users"] for node_id, kind, payload in master.told if (node_id, kind) == ("host_1", "spawn")]
    assert first == {"Calm": 0}


def test_one_note_is_written_after_the_other(tmp_path: Path) -> None:
    master = Master(journal=notes_of(tmp_path))
    note_taker = note_taker_of(master)
    keeper = note_taker._keeper
    write, at_work = keeper._journal.write, [0, 0]

    def write_slowly(packed: bytes) -> None:
        at_work[0] += 1
        at_work[1] = max(at_work)
        threading.Event().wait(0.05)
        write(packed)
        at_work[0] -= 1

    keeper._journal.write = write_slowly  # type: ignore[method-assign]

    def write_note(is_over: bool) -> None:
        master.runner._test.is_over = is_over
        note_taker.write()

    gevent.joinall([gevent.spawn(write_note, is_over) for is_over in (False, False, True)])
    notes = keeper._journal.read()
    assert notes is not None
    assert notes.is_over
    assert at_work == [0, 1]
    master.end()


def test_users_of_a_worker_that_is_lost_while_the_last_are_waited_for_are_placed_again(master: Master) -> None:
    master.join(0)
    master.join(1)
    master.runner.start(4, 1000)
    wait_until(lambda: (master.users_of(0), master.users_of(1)) == (2, 2))
    master.lose(1)
    master.spawned(0)
    wait_until(lambda: master.users_of(0) == 4)


def test_what_workers_answer_to_an_earlier_step_is_no_answer_to_the_next(master: Master) -> None:
    master.join(0)
    master.runner.start(2, 1000)
    wait_until(lambda: master.users_of(0) == 2)
    first = {"users": {"Calm": 2}, "step": master.spawns(0)[-1]["step"]}
    master.spawned(0)
    wait_until(lambda: master.runner.state == STATE_RUNNING)
    master.runner.start(4, 1000)
    wait_until(lambda: master.users_of(0) == 4)
    master.say(0, "spawned", first)
    for _ in range(20):
        gevent.sleep(0)
    assert master.runner.state == STATE_SPAWNING
    assert master.runner.user_count == 2
    master.spawned(0)
    wait_until(lambda: master.runner.state == STATE_RUNNING)


def test_a_test_without_workers_waits_for_one(master: Master) -> None:
    master.runner.start(4, 1000)
    wait_until(lambda: master.runner.state == STATE_RUNNING)
    assert master.runner._ender is None
    master.join(0)
    wait_until(lambda: master.users_of(0) == 4)


def test_a_user_that_a_missing_worker_says_has_ended_does_not_end_the_test(master: Master) -> None:
    master.join(0)
    master.runner.start(4, 1000)
    wait_until(lambda: master.users_of(0) == 4)
    master.spawned(0)
    wait_until(lambda: master.runner.state == STATE_RUNNING)
    master.lose(0)
    master.say(0, "user_gone", {"class": "Calm"})
    assert master.runner._ender is None
    master.runner._happened(Back("host_0"))
    wait_until(lambda: master.users_of(0) == 4)


def test_a_worker_that_joins_while_the_test_ends_is_not_waited_for(master: Master) -> None:
    master.join(0)
    master.runner.start(4, 1000)
    wait_until(lambda: master.users_of(0) == 4)
    ending = gevent.spawn(master.runner.stop)
    wait_until(lambda: "stop" in master.kinds(0))
    master.join(1)
    master.join(2, run=master.runner._test.run)
    assert "stop" in master.kinds(2)
    master.say(0, "stopped", {"run": master.runner._test.run})
    master.say(2, "stopped", {"run": master.runner._test.run})
    ending.join(3)
    assert master.runner.state == STATE_STOPPED
    assert list(master.runner.notes) == []


def test_a_master_whose_link_has_failed_ends_the_test_and_waits_for_nobody(master: Master) -> None:
    def fail(now_s: float) -> None:
        raise RuntimeError("it cannot go on")

    master.join(0)
    master.runner.start(4, 1000)
    wait_until(lambda: master.users_of(0) == 4)
    master.spawned(0)
    wait_until(lambda: master.runner.state == STATE_RUNNING)
    master.runner._post._machine.tick = fail  # type: ignore[method-assign]
    with gevent.Timeout(5):
        master.runner.greenlet.join()
    assert master.runner.state == STATE_STOPPED
    assert master.runner.failure is not None
    assert master.runner.failure.exit_code == ExitCode.CLUSTER
    assert [note for note in master.runner.notes if "was lost with 4 users" in note]


def test_a_worker_that_cannot_start_its_users_ends_the_test_as_one_process_would(master: Master) -> None:
    master.join(0)
    master.runner.start(4, 1000)
    wait_until(lambda: master.users_of(0) == 4)
    master.say(0, "failed", {"reason": "Calm has no tasks", "exit_code": 4})
    wait_until(lambda: "stop" in master.kinds(0))
    master.say(0, "stopped", {"run": master.runner._test.run})
    assert str(master.runner.failure) == "worker 0 (host) cannot start its users: Calm has no tasks"
    assert master.runner.failure is not None
    assert master.runner.failure.exit_code == ExitCode.LOCUSTFILE_BROKEN


def test_a_second_test_that_is_ended_before_it_has_users_ends(master: Master) -> None:
    master.runner.start(1, 1)
    master.runner.stop()

    def end(**_: Any) -> None:
        raise StopTest

    master.environment.events.test_start.add_listener(end)
    master.runner.start(1, 1)
    wait_until(lambda: master.runner._ender is None)
    assert not master.runner._is_testing
    assert master.runner.state == STATE_STOPPED


def join_with(master: Master, statuses: list[dict[str, Any]]) -> list[Peer]:
    """A worker for each sign of life, which the link has heard last of it."""
    peers = []
    for number, status in enumerate(statuses):
        master.join(number)
        peers.append(Peer(f"host_{number}", number, "gregaria", "x", {}, Channel(), time.monotonic(), status))
    known = {peer.node_id: peer for peer in peers}
    master.runner._post._link.ask(lambda: master.runner._post._machine.peers.update(known))
    return peers


def test_a_worker_whose_words_mean_nothing_keeps_no_other_from_being_watched(master: Master) -> None:
    statuses: list[dict[str, Any]] = [
        {"current_cpu_usage": "a lot"},
        {"users": {"Calm": "many"}},
        {"users": {"Calm": 3}, "current_memory_usage": 5},
    ]
    join_with(master, statuses)
    wait_until(lambda: master.runner.clients["host_2"].user_count == 3)
    assert master.runner.user_count == 3


def test_users_that_a_worker_has_just_spawned_are_not_taken_back_by_an_older_sign_of_life(master: Master) -> None:
    (peer,) = join_with(master, [{"users": {"Calm": 3}}])
    node = master.runner.clients["host_0"]
    wait_until(lambda: node.user_count == 3)
    master.say(0, "spawned", {"users": {"Calm": 5}})
    wait_until(lambda: not node.has_spawned)
    assert node.user_count == 5
    peer.status = {"users": {"Calm": 4}}
    wait_until(lambda: node.user_count == 4)


def test_a_worker_that_was_late_is_told_so_without_being_said_to_stand_still(
    master: Master, caplog: pytest.LogCaptureFixture
) -> None:
    statuses: list[dict[str, Any]] = [
        {"longest_delay_s": 0.4},
        {"longest_delay_s": 0.001, "loop_delay_s": 3.5},
        {"longest_delay_s": None},
        {"longest_delay_s": float("inf")},
        {"longest_delay_s": 7.0},
    ]
    join_with(master, statuses)
    wait_until(lambda: master.runner.clients["host_4"].longest_delay_s == 7.0)
    workers = Picture(master.environment, lambda: 1).changes()["workers"]
    assert [worker["loop_delay_s"] for worker in workers] == [0.4, 3.5, None, None, 7.0]
    assert [text for text in caplog.messages if "has not turned" in text] == [
        "The event loop of worker 1 (host_1) has not turned for 4 s: a user's code blocks it"
    ]


def test_exceptions_that_workers_have_not_dealt_with_are_added_up_and_told_once_of_each(
    master: Master, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        seen(master, number, received=0)
    assert master.runner.num_unhandled_elsewhere == 0
    for _ in range(2):
        master.say(0, "stopped", {"run": "run", "unhandled": 3})
    # One that tells nothing of it.
    master.say(2, "stopped", {"run": "run"})
    peers = master.runner._post._machine.peers
    peers["host_0"].status = {"unhandled": 2}
    peers["host_1"].status = {"unhandled": 4}
    wait_until(lambda: master.runner.num_unhandled_elsewhere == 7)
    master.say(0, "stopped", {"run": "run", "unhandled": "many"})
    assert master.runner.num_unhandled_elsewhere == 7
    told = [record.args for record in caplog.records if record.getMessage().startswith("Exceptions have escaped")]
    assert told == [(0, "host_0", 2), (1, "host_1", 2)]


def test_nobody_fills_the_log(master: Master, caplog: pytest.LogCaptureFixture) -> None:
    master.join(0)
    for number in range(1000):
        master.runner._happened(Refused("another protocol", f"host_{number}"))
        master.say(0, "message", {"type": f"type {number}", "data": None})
        master.say(0, "message", {"type": "x" * 100_000, "data": None})
        master.say(0, f"report {number}", None)
        master.say(0, "spawned", {})
    assert len(caplog.records) < 400
    assert max(len(record.getMessage()) for record in caplog.records) < 1000


@pytest.mark.parametrize("idle", ["all", float("nan"), -1, 10**30, None, True, [4]])
def test_idle_cores_that_are_no_number_are_told_and_weigh_as_one(idle: Any, caplog: pytest.LogCaptureFixture) -> None:
    master = Master(balance="capacity")
    master.join(0, idle_cores=idle)
    master.join(1, host="other", idle_cores=0.5)
    master.runner.start(3, 1000)
    wait_until(lambda: (master.users_of(0), master.users_of(1)) == (2, 1))
    assert "idle" in caplog.text
    master.end()


def test_shares_weigh_what_is_idle_when_users_are_placed_and_what_workers_use_there() -> None:
    master = Master(balance="capacity")
    statuses = [{"idle_cores": 0.25, "current_cpu_usage": 0.0}, {"idle_cores": 0.1, "current_cpu_usage": 65.0}]
    for number, status in enumerate(statuses):
        seen(master, number, received=0)
        master.runner.clients[f"host_{number}"].about = {"host": f"machine {number}"}
        master.runner._post._machine.peers[f"host_{number}"].status = status
    wait_until(lambda: master.runner.clients["host_1"].cpu_usage == 65.0)
    master.runner.start(4, 1000)
    wait_until(lambda: (master.users_of(0), master.users_of(1)) == (1, 3))
    master.end()


@pytest.mark.parametrize("payload", [None, [], {"users": None}, {"users": {"Calm": "many"}}, {"users": {"Calm": -1}}])
def test_numbers_of_users_that_are_none_are_left_out(master: Master, payload: Any) -> None:
    master.join(0)
    master.say(0, "spawned", payload)
    assert master.runner.user_count == 0


@pytest.mark.parametrize("kind", ["report", "message", "failed", "logs", "shared", "stop_test", "feed", "stopped"])
@pytest.mark.parametrize("payload", [None, [], {}, 5, "x", ["", None], [[], {}]])
def test_whatever_a_worker_says_is_dealt_with(master: Master, kind: str, payload: Any) -> None:
    dealt: list[Item] = []
    master.runner._dealt = dealt.append  # type: ignore[method-assign]
    master.join(0)
    master.say(0, kind, payload)
    assert len(dealt) == 1


def test_a_stamp_beyond_all_others_leaves_room_for_later_writes(master: Master) -> None:
    master.join(0)
    master.say(0, "shared", {"key": "key", "value": 1, "stamp": [2**64 - 1, "x"], "is_gone": False})
    master.environment.shared_data["key"] = 2
    (change,) = [payload for _, kind, payload in master.told if kind == "shared"]
    assert change["value"] == 2
    assert change["stamp"][0] < 2**53


def test_users_of_a_worker_that_is_lost_after_a_master_was_started_anew_come_at_the_spawn_rate(tmp_path: Path) -> None:
    master = Master(journal=notes_of(tmp_path))
    master.join(0, run="run")
    master.join(1, run="run")
    master.runner.start(4, 0.1)
    wait_until(lambda: (master.users_of(0), master.users_of(1)) == (2, 2))
    master.spawned(0)
    master.spawned(1)
    wait_until(lambda: master.runner.state == STATE_RUNNING)
    master.lose(1)
    wait_until(lambda: master.users_of(0) == 3)
    gevent.sleep(0.3)
    assert master.users_of(0) == 3
    master.end()


def test_strangers_that_come_and_go_without_end_do_not_fill_the_log(
    master: Master, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    began_s = time.monotonic()
    for number in range(1000):
        master.join(number)
        master.lose(number)
        master.runner._happened(Left(f"host_{number}", 0))
    lines = [message for message in caplog.messages if message.startswith("Worker ")]
    # As many as there is room for at once, and what has become room since.
    assert 1000 <= len(lines) <= 1000 + (time.monotonic() - began_s) + 1
    assert "is ready; there are 1" in lines[0]
