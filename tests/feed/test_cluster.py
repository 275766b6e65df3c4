"""Rows over a cluster: each goes to one user, whatever the links and workers do."""

import pytest

from gregaria.feed.source import IterableSource
from tests.feed.simulation import Named, Simulation, Worker, numbered

SEEDS = range(5)


def with_users(simulation: Simulation, workers: int, users: int, think_s: float = 0.1, **how: float) -> list[Worker]:
    made = simulation.add_workers(workers)
    for worker in made:
        for _ in range(users):
            worker.add_user(think_s * simulation.random.uniform(0.5, 1.5), **how)
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_each_row_goes_to_one_user_and_at_the_end_every_user_is_told(seed: int) -> None:
    simulation = Simulation(lambda: [numbered(10_000)], seed)
    workers = with_users(simulation, 8, 20)
    simulation.run(120)
    assert simulation.handed_out == dict.fromkeys(range(10_000), 1)
    assert [worker.ended for worker in workers] == [20] * 8
    assert simulation.server.pools["rows"].figures() == {"used": 10_000, "held": 0, "doubtful": 0, "drawn": 10_000}


@pytest.mark.parametrize("seed", SEEDS)
def test_of_a_killed_worker_what_it_surely_did_not_use_comes_back_and_the_rest_is_reported(seed: int) -> None:
    simulation = Simulation(lambda: [numbered(10_000)], seed)
    workers = with_users(simulation, 8, 20)
    simulation.run(simulation.random.uniform(1, 5))
    killed = workers[3]
    simulation.kill(killed)
    simulation.run(120)
    handed_out = simulation.handed_out
    assert set(handed_out.values()) == {1}
    doubtful = simulation.server.pools["rows"].doubtful
    assert list(doubtful) == [killed.name]
    # Rows that nobody got are all among those that are reported, and these are what 20 users use in a moment.
    assert set(range(10_000)) - set(handed_out) <= set(doubtful[killed.name])
    assert 0 < len(doubtful[killed.name]) < 400
    assert [worker.ended for worker in workers] == [20] * 3 + [0] + [20] * 4
    (note,) = simulation.server.notes()
    assert f"{len(doubtful[killed.name])} rows of the feed 'rows' were open at the lost worker worker-3" in note


@pytest.mark.parametrize("seed", SEEDS)
def test_a_worker_that_comes_back_goes_on_with_what_is_still_its_own(seed: int) -> None:
    simulation = Simulation(lambda: [numbered(10_000)], seed)
    workers = with_users(simulation, 4, 20)
    simulation.run(2)
    simulation.cut(workers[1])
    simulation.run(8)
    during = len(workers[1].handed_out)
    simulation.run(2)
    assert len(workers[1].handed_out) == during
    simulation.mend(workers[1])
    simulation.run(200)
    assert simulation.handed_out == dict.fromkeys(range(10_000), 1)
    assert len(workers[1].handed_out) > during
    assert simulation.server.pools["rows"].doubtful == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_short_cut_that_nobody_takes_for_a_loss_changes_nothing(seed: int) -> None:
    simulation = Simulation(lambda: [numbered(5_000)], seed)
    workers = with_users(simulation, 4, 10)
    for _ in range(5):
        worker = simulation.random.choice(workers)
        worker.is_cut = True
        simulation.run(1)
        simulation.mend(worker)
        simulation.run(1)
    simulation.run(200)
    assert simulation.handed_out == dict.fromkeys(range(5_000), 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_another_master_goes_on_from_the_journal(seed: int) -> None:
    simulation = Simulation(lambda: [numbered(5_000, "shuffle")], seed)
    workers = with_users(simulation, 4, 10)
    simulation.run(3)
    simulation.new_master()
    simulation.run(3)
    simulation.kill(workers[0])
    simulation.run(0.02)
    simulation.new_master()
    simulation.deliver(simulation.server.lost(workers[0].name))
    simulation.run(200)
    handed_out = simulation.handed_out
    assert set(handed_out.values()) == {1}
    assert set(range(5_000)) - set(handed_out) <= set(simulation.server.pools["rows"].doubtful["worker-0"])


def test_the_last_rows_are_fetched_back_from_workers_that_do_not_need_them() -> None:
    simulation = Simulation(lambda: [numbered(40)])
    idle, *busy = simulation.add_workers(5)
    for worker in busy:
        worker.add_user(0.01)
    simulation.run(5)
    assert simulation.handed_out == dict.fromkeys(range(40), 1)
    assert idle.handed_out == []
    assert [worker.ended for worker in busy] == [1] * 4


def test_with_fewer_rows_than_workers_nobody_waits_for_ever() -> None:
    simulation = Simulation(lambda: [numbered(3)])
    workers = with_users(simulation, 8, 2)
    simulation.run(5)
    assert simulation.handed_out == dict.fromkeys(range(3), 1)
    assert sum(worker.ended for worker in workers) == 16


def test_rows_begin_again_when_all_of_them_were_used() -> None:
    simulation = Simulation(lambda: [numbered(500, at_end="again")])
    workers = with_users(simulation, 4, 5)
    simulation.run(20)
    handed_out = simulation.handed_out
    assert len(handed_out) == 500
    # Nobody gets a row for the third time before everybody else's second.
    assert max(handed_out.values()) - min(handed_out.values()) <= 1
    assert min(handed_out.values()) >= 2
    assert [worker.ended for worker in workers] == [0] * 4


def test_circular_and_random_rows_never_end() -> None:
    simulation = Simulation(lambda: [numbered(7, "circular", name="circle"), numbered(7, "random", name="dice")])
    for worker in simulation.add_workers(3):
        worker.add_user(0.05, name="circle")
        worker.add_user(0.05, name="dice")
    simulation.run(20)
    circle, dice = (simulation.server.pools[name] for name in ("circle", "dice"))
    assert set(simulation.handed_out) == set(range(7))
    # But for those that were not told yet: six users, 20 rows a second, told each second.
    assert 0 <= simulation.handed_out.total() - circle.used - dice.used <= 6 * 20 * 1.2
    assert circle.notes("circle") == []


def test_a_row_costs_no_round_trip_and_blocks_grow_with_the_rate() -> None:
    simulation = Simulation(lambda: [numbered(100_000)], delay_s=0.02)
    (worker,) = with_users(simulation, 1, 50, think_s=0.05)
    simulation.run(10)
    begun = worker.messages
    before = len(worker.handed_out)
    simulation.run(10)
    got = len(worker.handed_out) - before
    assert got > 8_000
    assert worker.messages - begun < got / 40


def test_large_rows_come_in_blocks_that_a_message_can_hold() -> None:
    rows = [{"number": number, "text": "x" * 300_000} for number in range(40)]
    simulation = Simulation(lambda: [Named("rows", IterableSource(rows, "rows"))])
    (worker,) = simulation.add_workers(1)
    ask = {"epoch": 2, "want": 1000, "waiting": 1, "opens": 1}
    ((_, answer),) = simulation.server.pools["rows"].ask("greedy", ask)
    # One for the user that waits, and of the block what fits.
    assert len(answer["rows"]) == 1 + 4
    simulation.deliver(simulation.server.lost("greedy"))
    worker.add_user(0.01)
    simulation.run(20)
    assert len(simulation.handed_out) == 39
    assert worker.ended == 1
    assert simulation.server.pools["rows"].doubtful == {"greedy": [8]}


def test_a_checked_out_row_is_with_one_user_at_a_time_in_the_whole_cluster() -> None:
    simulation = Simulation(lambda: [numbered(10)])
    workers = with_users(simulation, 4, 5, think_s=0.01, holds_s=0.2)
    for _ in range(400):
        simulation.run(0.05)
        out = [number for worker in workers for number in worker.out.values()]
        assert len(out) == len(set(out))
    # Rows go round: everybody gets some, though there are half as many as users.
    assert all(len(worker.handed_out) > 50 for worker in workers)
    assert set(simulation.handed_out) == set(range(10))


def test_rows_that_are_only_checked_out_come_back_from_a_lost_worker() -> None:
    simulation = Simulation(lambda: [numbered(8)])
    workers = with_users(simulation, 4, 4, think_s=0.01, holds_s=0.5)
    simulation.run(3)
    simulation.kill(workers[0])
    simulation.run(10)
    for worker in workers[1:]:
        worker.handed_out.clear()
    workers[0].handed_out.clear()
    simulation.run(10)
    assert set(simulation.handed_out) == set(range(8))
    assert simulation.server.notes() == []


@pytest.mark.parametrize("seed", SEEDS)
def test_checked_out_rows_of_a_worker_that_comes_back_are_nobody_elses_at_once(seed: int) -> None:
    simulation = Simulation(lambda: [numbered(12)], seed)
    workers = with_users(simulation, 3, 6, think_s=0.01, holds_s=0.3)
    simulation.run(2)
    simulation.cut(workers[0])
    simulation.run(8)
    simulation.mend(workers[0])
    for _ in range(100):
        simulation.run(0.05)
        out = [number for worker in workers for number in worker.out.values()]
        assert len(out) == len(set(out))
    assert all(worker.handed_out[-1][0] > simulation.now_s - 2 for worker in workers)


def check_used_once(simulation: Simulation) -> None:
    """A row that was used up was used up by one user, and nobody has got it later."""
    used = [each for worker in simulation.workers.values() for each in worker.used]
    moment = {number: now_s for now_s, number in used}
    assert len(moment) == len(used)
    for worker in simulation.workers.values():
        for now_s, number in worker.handed_out:
            assert now_s <= moment.get(number, now_s)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_that_were_only_checked_out_and_then_are_used_up_are_used_up_once(seed: int) -> None:
    simulation = Simulation(lambda: [numbered(2_000)], seed)
    workers = with_users(simulation, 3, 3, think_s=0.1, holds_s=0.1)
    simulation.run(1)
    for worker in workers:
        for _ in range(10):
            worker.add_user(0.05)
    simulation.run(simulation.random.uniform(0, 0.2))
    simulation.kill(workers[0])
    simulation.run(60)
    check_used_once(simulation)
    used = {number for worker in workers for _, number in worker.used}
    out = {number for worker in workers[1:] for number in worker.out.values()}
    assert set(range(2_000)) - used - out <= set(simulation.server.pools["rows"].doubtful.get("worker-0", ()))


@pytest.mark.parametrize("seed", range(20))
def test_whatever_befalls_a_cluster_no_row_is_used_twice_and_none_is_forgotten(seed: int) -> None:
    simulation = Simulation(lambda: [numbered(1_500, "shuffle")], seed, delay_s=0.3)
    workers = with_users(simulation, 4, 6, think_s=0.2)
    for _ in range(8):
        simulation.run(simulation.random.uniform(0, 2))
        alive = [worker for worker in simulation.workers.values() if not worker.is_dead and not worker.is_cut]
        blow = simulation.random.choice(["kill", "cut", "short cut", "master", "join", "check out"])
        worker = simulation.random.choice(alive)
        if blow == "kill" and len(alive) > 2:
            simulation.kill(worker)
        elif blow == "cut":
            simulation.cut(worker)
            simulation.run(7)
            simulation.mend(worker)
        elif blow == "short cut":
            worker.is_cut = True
            simulation.run(1)
            simulation.mend(worker)
        elif blow == "master":
            simulation.new_master()
        elif blow == "check out":
            worker.add_user(0.1, holds_s=0.2)
        elif blow == "join":
            workers += with_users(simulation, 1, 6, think_s=0.2)
    simulation.run(100)
    check_used_once(simulation)
    used = {number for worker in simulation.workers.values() for _, number in worker.used}
    doubtful = {number for rows in simulation.server.pools["rows"].doubtful.values() for number in rows}
    out = {number for worker in simulation.workers.values() if not worker.is_dead for number in worker.out.values()}
    assert len(used | doubtful | out) == 1_500


def test_a_worker_that_leaves_gives_back_what_it_has() -> None:
    simulation = Simulation(lambda: [numbered(300)])
    leaving, staying = with_users(simulation, 2, 5)
    simulation.run(1)
    leaving.is_dead = True
    leaving.feeds.leave()
    simulation.run(1)
    simulation.deliver(simulation.server.lost(leaving.name))
    simulation.run(60)
    assert simulation.handed_out == dict.fromkeys(range(300), 1)
    assert staying.ended == 5
    assert simulation.server.notes() == []


def test_a_source_that_fails_in_the_middle_is_told_to_everybody() -> None:
    def broken() -> object:
        for number in range(500):
            yield {"number": number}
        raise ValueError("the disk has gone")

    simulation = Simulation(lambda: [Named("rows", IterableSource(broken, "rows"))])  # type: ignore[arg-type]
    workers = with_users(simulation, 3, 4)
    simulation.run(60)
    assert all("the disk has gone" in error for worker in workers for error in worker.errors)
    assert [len(worker.errors) for worker in workers] == [4] * 3


def test_a_feed_that_the_master_does_not_know_is_an_error_that_says_so() -> None:
    simulation = Simulation(lambda: [numbered(5)])
    (worker,) = simulation.add_workers(1)
    worker.feeders["other"] = worker.feeds.add(numbered(5, name="other"))
    worker.add_user(0.1, name="other")
    simulation.run(1)
    assert worker.errors == ["the master's locustfile has no feed 'other': give the workers the same files"]


def test_a_further_test_begins_with_all_rows_and_takes_nothing_from_the_one_before() -> None:
    simulation = Simulation(lambda: [numbered(100)])
    (worker,) = with_users(simulation, 1, 3)
    simulation.run(1)
    worker.tests += 1
    late = simulation.server.take(worker.name, "rows", {"run": "run", "epoch": 2, "want": 5})
    simulation.server.begin("another")
    assert simulation.server.take(worker.name, "rows", {"run": "run", "epoch": 2, "want": 5}) == []
    simulation.deliver(simulation.server.prepare(worker.name))
    simulation.run(0.5)
    simulation.deliver(late)
    worker.handed_out.clear()
    for _ in range(3):
        worker.add_user(0.01)
    simulation.run(10)
    assert simulation.handed_out == dict.fromkeys(range(100), 1)


def test_users_start_only_when_every_worker_has_its_rows() -> None:
    simulation = Simulation(lambda: [numbered(100), numbered(3, "random", name="dice")])
    first = Worker(simulation, "first")
    simulation.workers["first"] = first
    simulation.deliver(simulation.server.prepare("first"))
    assert not first.feeds.is_ready
    assert not simulation.server.is_ready(["first"])
    simulation.run(1)
    assert first.feeds.is_ready
    assert simulation.server.is_ready(["first"])
    assert not simulation.server.is_ready(["first", "second"])
    assert first.feeders["rows"].take(uses=True) is not None


def test_users_behind_a_slow_link_get_blocks_that_are_large_enough() -> None:
    simulation = Simulation(lambda: [numbered(10_000)], delay_s=1.0)
    for worker in simulation.add_workers(2):
        for _ in range(2):
            worker.add_user(0.05)
    simulation.run(30)
    before = len(simulation.handed_out)
    simulation.run(30)
    # Four users, twenty rows a second each.
    assert len(simulation.handed_out) - before > 30 * 80 * 0.5
