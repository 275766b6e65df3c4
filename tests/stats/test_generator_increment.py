"""What workers' generators observed, at the master: a verdict about all of them."""

from dataclasses import replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.settings import settings
from gregaria.stats.generator import Cause, HoldUp, LateSecond, Second
from gregaria.stats.generator_increment import GeneratorIncrement, Looks
from gregaria.stats.generator_log import GeneratorLog, Mark
from tests.stats.generator_lines import COMPUTE, late_log, second, verdict

WHOLE = GeneratorIncrement(
    (second(1), second(2, starved_us=None, descriptors=None, descriptor_limit=None, is_late=True)),
    (LateSecond(1_700_000_002, 60_000),),
    (Cause(COMPUTE, 2, 300, 200),),
    (Looks(COMPUTE.key, COMPUTE.who, 3),),
    4,
    5,
    60_000,
)


def told(log: GeneratorLog, mark: Mark) -> tuple[GeneratorIncrement, Mark]:
    """What is new, as it comes out at the other end."""
    increment, mark = log.since(mark)
    plain = msgpack.unpackb(msgpack.packb(increment.plain()))
    return GeneratorIncrement.of(plain, 0), mark


def test_an_increment_is_the_same_at_the_other_end() -> None:
    assert GeneratorIncrement.of(msgpack.unpackb(msgpack.packb(WHOLE.plain())), 0) == WHOLE
    assert GeneratorIncrement().plain() == {}
    assert GeneratorIncrement.of({}, 0) == GeneratorIncrement()


def test_seconds_become_those_of_the_receivers_clock() -> None:
    shifted = GeneratorIncrement.of(WHOLE.plain(), -100)
    assert [each.epoch_s for each in shifted.seconds] == [1_699_999_901, 1_699_999_902]
    assert shifted.late_seconds == (LateSecond(1_699_999_902, 60_000),)


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {"seconds": 3},
        {"seconds": [[1] * 12]},
        {"seconds": [["1", *WHOLE.plain()["seconds"][0][1:]]]},
        {"seconds": [[*WHOLE.plain()["seconds"][0][:-1], 1]]},
        {"late_seconds": [[1.5, 2]]},
        {"late_seconds": [[2**60, 2]]},
        {"causes": [["task", "x", "", "", -1, 1, 1, 1]]},
        {"causes": [["task", "x", "", "", 1, True, 1, 1]]},
        {"looks": [["task", "x", "", None, 1]]},
        {"num_looks": 2**70},
        {"longest_delay_us": 1.5},
    ],
)
def test_what_is_no_increment_is_refused(broken: object) -> None:
    with pytest.raises(ValueError, match=r"is no|has \d+ items|neither|is \d"):
        GeneratorIncrement.of(broken, 0)


def test_what_one_worker_observed_is_what_the_master_tells_with_its_name() -> None:
    worker, master = late_log(), GeneratorLog()
    worker.add_look(COMPUTE)
    worker.add_look(None)
    increment, mark = told(worker, Mark())
    master.add(increment, "host_1a2b3c")
    theirs, mine = worker.freeze(1000, 30), master.freeze(1000, 30)
    assert theirs is not None
    assert mine is not None
    (cause,), (load,) = mine.causes, mine.loads
    assert cause.what.name == "host_1a2b3c: task Checkout.compute"
    assert load.who == "host_1a2b3c: task Checkout.compute (locustfile.py:41)"
    assert replace(mine, causes=theirs.causes, loads=theirs.loads, verdict=theirs.verdict) == theirs
    assert "mostly as host_1a2b3c" not in mine.verdict.sentence
    assert "as host_1a2b3c: task Checkout.compute (locustfile.py:41) held up all users 3 times" in mine.verdict.sentence
    assert told(worker, mark)[0] == GeneratorIncrement()


def test_what_several_workers_have_in_common_is_told_once_and_of_how_many() -> None:
    master = GeneratorLog()
    for name in ("a", "b", "c"):
        master.add(told(late_log(seconds=60, late=3), Mark())[0], name)
    found = master.freeze(1000, None)
    assert found is not None
    assert (found.seconds_watched, found.num_late_seconds) == (60, 3)
    assert [each.number for each in found.seconds] == list(range(1, 61))
    (cause,) = found.causes
    assert (cause.what.name, cause.count) == ("3 workers: task Checkout.compute", 9)
    assert "3 of 60 seconds" in verdict(master, 1000, None)[1]


def test_a_second_of_several_workers_has_the_worst_of_each_and_is_busy_once() -> None:
    master = GeneratorLog()
    calm, busy = second(1, cpu_percent=20, delay_us=70_000, is_late=True), second(1, cpu_percent=99, delay_us=10)
    crowded = second(1, descriptors=900, descriptor_limit=1000, starved_us=None, memory_bytes=1)
    for name, each in (("a", calm), ("b", busy), ("c", busy), ("d", crowded)):
        master.add(GeneratorIncrement((each,)), name)
    found = master.freeze(0, None)
    assert found is not None
    assert (found.seconds_watched, found.num_busy_seconds, found.longest_cpu_percent) == (1, 1, 99)
    worst = second(1, cpu_percent=99, delay_us=70_000, is_late=True, descriptors=900, descriptor_limit=1000)
    assert found.recent == found.seconds == (worst,)


@given(st.permutations(range(1, 9)), st.permutations(range(1, 9)))
def test_seconds_come_in_any_order(one: list[int], other: list[int]) -> None:
    master = GeneratorLog()
    for mine, its in zip(one, other, strict=True):
        master.add(GeneratorIncrement((second(mine, delay_us=mine),)), "a")
        master.add(GeneratorIncrement((second(its, delay_us=10 * its),)), "b")
    found = master.freeze(0, None)
    assert found is not None
    assert found.seconds_watched == 8
    assert [(each.epoch_s, each.delay_us) for each in found.recent] == [
        (1_700_000_000 + number, 10 * number) for number in range(1, 9)
    ]
    assert sorted(each.epoch_s for each in found.seconds) == [each.epoch_s for each in found.seconds]


def test_a_second_of_long_ago_is_not_counted_again() -> None:
    master = GeneratorLog()
    master.add(GeneratorIncrement(tuple(second(number) for number in range(1, 501))), "a")
    master.add(GeneratorIncrement((second(7, delay_us=90_000, is_late=True),)), "b")
    # One that nobody had, among those that are remembered one by one.
    gap = [each for each in range(501, 900) if each != 800]
    master.add(GeneratorIncrement(tuple(second(number) for number in gap)), "a")
    master.add(GeneratorIncrement((second(800),)), "b")
    found = master.freeze(0, None)
    assert found is not None
    assert (found.seconds_watched, found.longest_delay_us) == (899, 90_000)
    assert [each.epoch_s for each in found.recent] == [1_700_000_000 + number for number in range(600, 900)]


def test_what_is_told_in_pieces_is_told_once_and_anew_after_a_new_beginning() -> None:
    log, master, mark = GeneratorLog(), GeneratorLog(), Mark()
    for number in range(1, 31):
        if number == 20:
            log.clear()
            master.clear()
        log.add_second(second(number))
        log.add_hold_up(COMPUTE, number)
        log.add_late(1_700_000_000 + number / 2, 1_700_000_000 + number / 2, 60_000 + number)
        log.add_look(COMPUTE if number % 2 else None)
        if number % 3 == 0 or number == 19:
            increment, mark = told(log, mark)
            master.add(increment, "a")
    theirs, mine = log.freeze(0, None), master.freeze(0, None)
    assert theirs is not None
    assert mine is not None
    assert replace(mine.causes[0], what=COMPUTE) == theirs.causes[0]
    assert mine.loads[0].share == theirs.loads[0].share
    assert mine.late_seconds == theirs.late_seconds
    assert mine.seconds_watched == theirs.seconds_watched == 11
    assert mine.longest_delay_us == theirs.longest_delay_us


def test_the_master_keeps_as_many_causes_as_any_and_the_rest_together() -> None:
    master = GeneratorLog()
    causes = tuple(Cause(HoldUp("task", f"task {number}"), 1, 10, 10) for number in range(200))
    master.add(GeneratorIncrement(causes=causes, late_seconds=(LateSecond(1_700_000_000, 60_000),)), "a")
    found = master.freeze(0, None)
    assert found is not None
    assert len(found.causes) == 51
    assert found.causes[0].what.name == "a: other code"
    assert found.causes[0].count == 150


def test_a_long_run_of_workers_is_thinned_out_like_any_other() -> None:
    settings.max_history_points = 100
    master = GeneratorLog()
    for number in range(1, 2001):
        for name in ("a", "b"):
            late: dict[str, object] = {"is_late": number in (7, 1500), "delay_us": 99 if name == "b" else 3}
            master.add(GeneratorIncrement((second(number, **late),)), name)
    found = master.freeze(0, None)
    assert found is not None
    assert len(found.seconds) <= 101
    assert found.seconds_watched == 2000
    seen: list[Second] = [each for each in found.seconds if each.is_late]
    assert [each.epoch_s - 1_700_000_000 for each in seen] == [7, 1500]
    # Whatever has been thinned out, what stays knows of both workers.
    assert {each.delay_us for each in found.seconds} == {99}
