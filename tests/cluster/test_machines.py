"""Both ends of the link over a simulated one: everything arrives once, leases end in time, nobody is mistaken."""

import pytest

from gregaria.cluster.greeting import STANDS_FOR
from gregaria.cluster.happenings import (
    Asked,
    Back,
    Connected,
    Disturbed,
    Held,
    Item,
    Joined,
    Left,
    Lost,
    Refused,
    Resumed,
    Waiting,
)
from gregaria.cluster.wire import LARGEST_FRAME_BYTES, WireError, pack, unpack
from tests.cluster.simulation import STEP_S, Simulation, Weather


def kinds(happened: list[object]) -> list[type]:
    return [type(what) for what in happened]


def counting(simulation: Simulation, rate: int = 3) -> None:
    for worker in simulation.workers.values():
        if not worker.is_dead:
            worker.counted += rate


def counted(simulation: Simulation) -> int:
    return sum(worker.counted for worker in simulation.workers.values())


def test_a_worker_is_accepted_and_its_reports_add_up() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(10, lambda: counting(simulation))
    simulation.run(3)
    assert kinds(worker.happened) == [Connected]
    assert kinds(simulation.happened)[0] is Joined
    assert simulation.total == worker.counted > 0
    assert worker.machine.is_all_dealt_with


@pytest.mark.parametrize("seed", range(20))
def test_on_a_bad_link_every_report_is_added_once(seed: int) -> None:
    simulation = Simulation(seed)
    for _ in range(4):
        simulation.add_worker().weather = Weather(loss=0.3, repeats=0.3, delay_s=2.0)
    simulation.run(60, lambda: counting(simulation))
    for worker in simulation.workers.values():
        worker.weather = Weather()
    simulation.run(10)
    assert simulation.total == counted(simulation)
    assert len(simulation.seen) == len(set(simulation.seen))


def test_a_link_that_is_down_for_a_minute_loses_nothing_and_frees_the_users_in_time() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(5, lambda: counting(simulation))
    worker.weather.is_down = True
    down_s = simulation.now_s
    held_s = lost_s = 0.0
    while not (held_s and lost_s):
        simulation.run(0.05, lambda: counting(simulation))
        held_s = held_s or (simulation.now_s if Held in kinds(worker.happened) else 0.0)
        lost_s = lost_s or (simulation.now_s if Lost in kinds(simulation.happened) else 0.0)
    # The worker pauses before its users are free for others.
    assert held_s <= lost_s
    assert simulation.timing.lease_s - 1.1 <= held_s - down_s <= simulation.timing.lease_s + 0.1
    simulation.run(60, lambda: counting(simulation))
    worker.weather.is_down = False
    simulation.run(5)
    assert simulation.total == worker.counted
    assert kinds(worker.happened)[-1] is Resumed
    assert Back in kinds(simulation.happened)


def test_a_closed_link_frees_the_users_at_once() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(3)
    worker.is_dead = True
    simulation.master.probe()
    simulation.run(0.1)
    lost = [what for what in simulation.happened if isinstance(what, Lost)]
    assert [what.reason for what in lost] == ["its connection was closed"]


def test_a_worker_that_comes_back_while_it_is_lost_has_no_lease_before_it_is_welcome() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(3)
    worker.weather.is_down = True
    simulation.run(10)
    simulation.master.welcome = lambda node_id: None  # type: ignore[method-assign]
    worker.weather.is_down = False
    simulation.run(5)
    assert Resumed not in kinds(worker.happened)
    del simulation.master.welcome
    simulation.master.welcome("host_0")
    simulation.run(2)
    assert Resumed in kinds(worker.happened)


def test_a_master_that_begins_again_with_its_notes_goes_on_where_it_was() -> None:
    simulation = Simulation()
    for _ in range(3):
        simulation.add_worker()
    simulation.run(10, lambda: counting(simulation))
    known = {name: (peer.incarnation, peer.index, peer.channel.dealt) for name, peer in simulation.master.peers.items()}
    simulation.new_master(known)
    simulation.run(10, lambda: counting(simulation))
    simulation.run(5)
    assert simulation.total == counted(simulation)
    assert {name: peer.index for name, peer in simulation.master.peers.items()} == {
        name: index for name, (_, index, _) in known.items()
    }


def test_a_master_that_knows_nothing_takes_what_comes_from_now_on() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(10, lambda: counting(simulation))
    simulation.new_master()
    before = simulation.total
    simulation.run(10, lambda: counting(simulation))
    simulation.run(5)
    assert simulation.total - before >= 190 * 3
    assert [what.is_new for what in worker.happened if isinstance(what, Connected)][:2] == [True, True]


def test_another_process_under_the_same_name_is_another_worker() -> None:
    simulation = Simulation()
    first = simulation.add_worker("host_0", "first")
    simulation.run(5, lambda: counting(simulation))
    simulation.run(3)
    first.is_dead = True
    before = first.counted
    second = simulation.add_worker("host_0", "second")
    simulation.run(5, lambda: counting(simulation))
    simulation.run(3)
    assert simulation.total == before + second.counted
    assert len(simulation.master.peers) == 1
    assert [type(what) for what in simulation.happened if not isinstance(what, Item)] == [Joined, Lost, Joined]


def test_items_for_a_worker_come_once_and_in_order_on_a_bad_link() -> None:
    simulation = Simulation(7)
    worker = simulation.add_worker()
    worker.weather = Weather(loss=0.3, repeats=0.3, delay_s=1.0)
    simulation.run(5)
    for number in range(200):
        simulation.master.put("host_0", "message", number)
        simulation.run(0.05)
    worker.weather = Weather()
    simulation.run(5)
    got = [what.payload for what in worker.happened if isinstance(what, Item)]
    assert got == list(range(200))


def test_many_large_items_go_in_several_frames() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(2)
    large = bytes(1024 * 1024)
    for _ in range(80):
        simulation.master.put("host_0", "message", large)
        worker.machine.put("message", large)
    simulation.run(5)
    assert sum(isinstance(what, Item) for what in worker.happened) == 80
    assert sum(isinstance(what, Item) and what.kind == "message" for what in simulation.happened) == 80


def test_what_cannot_be_sent_is_refused_and_keeps_nothing_else_from_being_sent() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(2)
    for payload in (object(), bytes(LARGEST_FRAME_BYTES - 100)):
        with pytest.raises(WireError):
            simulation.master.put("host_0", "message", payload)
        with pytest.raises(WireError):
            worker.machine.put("message", payload)
    simulation.master.put("host_0", "message", "fine")
    worker.machine.put("message", "fine")
    simulation.run(2)
    assert [what.payload for what in worker.happened if isinstance(what, Item)] == ["fine"]
    assert "fine" in [what.payload for what in simulation.happened if isinstance(what, Item)]


def test_what_of_a_master_before_is_dealt_with_late_disturbs_nothing() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(2)
    simulation.new_master()
    simulation.run(2)
    worker.machine.deal(100_000)
    for number in range(1200):
        simulation.master.put("host_0", "message", number)
    simulation.run(5)
    assert [what.payload for what in worker.happened if isinstance(what, Item)] == list(range(1200))
    assert simulation.master.peers["host_0"].channel.is_empty


def test_connections_that_close_at_a_time_have_everybody_tried_once() -> None:
    simulation = Simulation()
    simulation.add_worker()
    simulation.run(2)
    for _ in range(10):
        simulation.master.probe()
    simulation.master.tick(simulation.now_s)
    assert len(simulation.master.outbox) == 1


def test_a_worker_of_ours_is_ready_again_for_a_master_of_locusts() -> None:
    machine = Simulation().add_worker().machine
    machine.receive(pack("ack", {"index": 0}, ""), 1000.0)
    machine.put("stopped", {"run": "run"})
    machine.put("client_ready", None)
    said = [unpack(body) for body in machine.outbox]
    assert [(frame.type, frame.data) for frame in said] == [("client_stopped", None), ("client_ready", STANDS_FOR)]


def test_indexes_of_workers_that_are_known_are_given_to_no_others() -> None:
    simulation = Simulation()
    simulation.new_master({"host_0": ("gone", 0, 5), "host_2": ("gone", 2, 5)})
    simulation.add_worker("host_7")
    simulation.run(2)
    assert simulation.master.peers["host_7"].index == 3


def test_a_goodbye_comes_after_everything_else() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(2)
    worker.counted = 5
    worker.machine.report_now()
    worker.machine.leave()
    simulation.run(2)
    assert simulation.total == 5
    assert kinds(simulation.happened)[-1] is Left
    assert worker.machine.is_all_dealt_with


def says_locust(simulation: Simulation, kind: str, data: object = None) -> list[str]:
    """A worker of Locust's says something; the types of the frames that it is answered."""
    simulation.master.receive(b"host_theirs", pack(kind, data, "host_theirs"), simulation.now_s)
    answers = [unpack(body).type for _, body in simulation.master.outbox]
    simulation.master.outbox.clear()
    return answers


def test_a_worker_of_locusts_is_used_when_its_locustfile_has_had_time_to_listen() -> None:
    simulation = Simulation()
    # It is answered at once, or it would ask again.
    assert says_locust(simulation, "client_ready", "2.47.0") == ["ack"]
    says_locust(simulation, "heartbeat", {"state": "ready"})
    simulation.run(0.5)
    assert simulation.happened == []
    says_locust(simulation, "heartbeat", {"state": "ready"})
    simulation.run(0.1)
    assert kinds(simulation.happened) == [Joined]
    says_locust(simulation, "client_ready", "2.47.0")
    says_locust(simulation, "heartbeat", {"state": "ready"})
    simulation.run(4)
    assert kinds(simulation.happened) == [Joined]


@pytest.mark.parametrize(
    ("kind", "expected"), [("quit", [Joined, Left]), ("heartbeat", [Joined]), (None, [Joined, Lost])]
)
def test_one_of_locusts_that_hardly_says_anything_is_told_of_all_the_same(
    kind: str | None, expected: list[type]
) -> None:
    simulation = Simulation()
    says_locust(simulation, "client_ready", "2.47.0")
    if kind is not None:
        says_locust(simulation, kind)
    simulation.run(4 if kind is not None else 6)
    assert kinds(simulation.happened) == expected


def test_reports_come_at_the_same_moment_of_each_interval() -> None:
    simulation = Simulation()
    worker = simulation.add_worker(report_at_s=0.25)
    reported: list[tuple[float, int]] = []

    def look() -> None:
        worker.counted += 1
        if worker.reported and worker.reported not in (number for _, number in reported):
            reported.append((simulation.now_s, worker.reported))

    simulation.run(20, look)
    late_s = [(moment_s - 0.25) % 1.0 for moment_s, _ in reported[1:]]
    assert len(late_s) >= 19
    assert max(late_s) < 2.5 * STEP_S


@pytest.mark.parametrize("is_noted", [False, True])
def test_a_goodbye_acknowledges_nothing_that_another_master_would_have_to_be_told(is_noted: bool) -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(2)
    simulation.deals = False
    worker.counted = 5
    worker.machine.report_now()
    worker.machine.leave()
    simulation.run(2)
    peer = simulation.master.peers["host_0"]
    assert kinds(simulation.happened)[-1] is Left
    assert not worker.machine.has_left
    assert peer.goodbye == peer.channel.received
    # What a journal of this moment says: the report may be in it, the goodbye is not.
    known = peer.channel.received - 1 if is_noted else peer.channel.dealt
    simulation.total = 5 if is_noted else 0
    simulation.deals = True
    simulation.new_master({"host_0": (peer.incarnation, 0, known)})
    simulation.run(10)
    assert simulation.total == 5
    assert kinds(simulation.happened)[-1] is Left
    assert worker.machine.has_left


def test_a_goodbye_is_over_when_it_has_been_dealt_with() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(2)
    simulation.deals = False
    worker.machine.leave()
    # Longer than a lease: it is waited for as long as it gives signs of life.
    simulation.run(10)
    assert not worker.machine.has_left
    assert Lost not in kinds(simulation.happened)
    (left,) = [what for what in simulation.happened if isinstance(what, Left)]
    simulation.master.deal(left.node_id, left.number)
    simulation.run(0.2)
    assert worker.machine.has_left
    assert simulation.master.peers["host_0"].has_left


def test_another_protocol_is_refused_with_both_versions() -> None:
    simulation = Simulation()
    said = '2.47.0 gregaria {"protocol": 99, "version": "7.0", "incarnation": "x"}'
    simulation.add_worker("host_new").is_dead = True
    simulation.master.receive(b"host_new", pack("client_ready", said, "host_new"), simulation.now_s)
    (refused,) = [what for what in simulation.master.happenings if isinstance(what, Refused)]
    assert "protocol 1" in refused.reason
    assert "7.0" in refused.reason
    assert "protocol 99" in refused.reason


def test_a_master_that_cannot_be_reached_is_told_of_and_given_up() -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    worker.weather.is_down = True
    simulation.run(10)
    assert Waiting in kinds(worker.happened)
    simulation.run(simulation.timing.give_up_s)
    assert [what.gives_up for what in worker.happened if isinstance(what, Waiting)].count(True) == 1


def test_whoever_asks_for_the_files_again_and_again_is_answered_once_and_delays_others_little() -> None:
    simulation = Simulation()
    question = pack("locustfile", {"gregaria": 1}, "")
    for number in range(2000):
        simulation.master.receive(b"greedy", question, simulation.now_s)
        simulation.master.receive(b"greedy %d" % number, question, simulation.now_s)
    simulation.run(1)
    simulation.master.receive(b"patient", pack("locustfile", None, ""), simulation.now_s)
    simulation.run(60)
    asked = [what for what in simulation.happened if isinstance(what, Asked)]
    assert [what.identity for what in asked].count(b"greedy") == 1
    # As many as fit in the queue, and one that came when there was room again.
    assert len(asked) == 1001
    assert asked[-1] == Asked(b"patient", is_ours=False)
    assert simulation.master.dropped["somebody asks for the files too often"] == 3000
    # After a while it may ask once more: it may not have got the first.
    simulation.master.receive(b"greedy", question, simulation.now_s)
    simulation.run(1)
    assert sum(isinstance(what, Asked) for what in simulation.happened) == 1002


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"\xc1",
        b"\x93" * 100_000,
        pack("g", None, "host_0"),
        pack("g", {"i": "process-host_0", "t": "master-1", "f": 1, "m": "no", "r": -5, "a": 10**18}, "host_0"),
        pack("g", {"i": "process-host_0", "t": "master-1", "f": 10**18, "m": [["report", None]]}, "host_0"),
        pack("g", {"i": "process-host_0", "t": "master-1", "f": 1, "m": [[]]}, "host_0"),
        pack("client_ready", {"a": 1}, "host_0"),
        pack("client_ready", "2.47 gregaria {", "host_0"),
        pack("client_ready", "2.47 gregaria []", "host_0"),
        pack("client_ready", "2.47 gregaria " + "[" * 9000, "host_0"),
        pack("client_ready", "2.47 gregaria " + "[" * 9000, "stranger"),
        pack("stats", {}, "nobody"),
        pack("heartbeat", None, "host_0"),
    ],
)
def test_what_means_nothing_disturbs_nothing(body: bytes) -> None:
    simulation = Simulation()
    worker = simulation.add_worker()
    simulation.run(3, lambda: counting(simulation))
    for identity in (b"host_0", b"stranger", b"\xff\xff"):
        simulation.master.receive(identity, body, simulation.now_s)
    worker.machine.receive(body, simulation.now_s)
    simulation.run(5, lambda: counting(simulation))
    simulation.run(3)
    assert simulation.total == worker.counted
    assert Lost not in kinds(simulation.happened)
    assert simulation.master.dropped
    assert Disturbed in kinds(simulation.happened)


def test_reasons_that_strangers_make_up_are_not_all_kept() -> None:
    simulation = Simulation()
    for number in range(1000):
        said = "2.47 gregaria " + " " * number + "{"
        simulation.master.receive(b"stranger", pack("client_ready", said, "stranger"), simulation.now_s)
    simulation.run(30)
    assert len(simulation.master.dropped) <= 101
    assert simulation.master.dropped.total() == 1000
    # One word of it every ten seconds at most.
    assert kinds(simulation.happened).count(Disturbed) == 1


def test_an_hour_of_links_that_come_and_go_changes_no_total() -> None:
    simulation = Simulation(3)
    for _ in range(5):
        simulation.add_worker()
    for _ in range(60):
        for worker in simulation.workers.values():
            worker.weather.is_down = simulation.random.random() < 0.3
        simulation.run(simulation.random.uniform(1, 20), lambda: counting(simulation, 1))
    for worker in simulation.workers.values():
        worker.weather.is_down = False
    simulation.run(10)
    assert simulation.total == counted(simulation)
