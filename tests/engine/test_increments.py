"""What a recorder has counted since it was last asked: all of it, once, however it is cut; and nothing made up."""

import gc
import math
import random
import threading
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.engine import clock
from gregaria.engine.histogram import Histogram
from gregaria.engine.increments import Ledger, merge, rows_of
from gregaria.engine.recorder import Entry, Recorder

SECOND = 1_000_000
#: all requests end before now
NOW_US = clock.now_us()

Counts = dict[str, Any]


def histograms(row: Entry) -> list[Histogram]:
    return [row.times, *([row.intended] if row.intended else []), *(row.phases or ())]


def counted(row: Entry) -> Counts:
    """Every figure of a row but its beginning."""
    found = row.state()
    del found["started_us"]
    found["histograms"] = [each.pack() for each in histograms(row)]
    found["percentiles"] = [
        [each.percentile_us(fraction) for fraction in (0, 0.5, 0.9, 0.99, 0.9999, 1)] for each in histograms(row)
    ]
    return found


def whole(recorder: Recorder) -> dict[Any, Counts]:
    return {key: counted(row) for key, row in recorder.entries.items()} | {"total": counted(recorder.total)}


def apply(recorder: Recorder, what: tuple[Any, ...]) -> None:
    kind, name, duration_us, size_bytes, age_s = what
    now_us = NOW_US - age_s * SECOND
    row = recorder.entry("GET", name)
    if kind == "request":
        recorder.record("GET", name, duration_us, size_bytes, now_us=now_us)
    elif kind == "failed request":
        recorder.record("GET", name, duration_us, size_bytes, error="no", now_us=now_us)
    elif kind == "failure":
        recorder.fail("GET", name, "no", now_us=now_us)
    elif kind == "interrupted":
        recorder.interrupted(row)
    elif kind == "generator error":
        recorder.generator_error(row, "no ports")
    elif kind == "intended":
        recorder.intended(row, duration_us or 0)
    elif kind == "phases":
        for each in (row, recorder.total):
            each.add_phases([0, 1, 2, duration_us or 3, age_s, 5])
    else:
        late = Entry("GET", name, row.started_us)
        late.restore(late.state() | {"num_late": 3}, Histogram())
        recorder.merge(late)


DURATIONS_US = st.none() | st.integers(0, 300) | st.integers(0, 2**33) | st.just(2**40)
COUNTED = st.tuples(
    st.sampled_from(
        ["request", "failed request", "failure", "interrupted", "generator error", "intended", "phases", "late"]
    ),
    st.sampled_from(["/a", "/b", "/\ud800", "/ü" * 200]),
    DURATIONS_US,
    st.integers(-1, 2**40),
    st.integers(0, 130),
)
STEPS = st.lists(
    st.tuples(st.integers(0, 1), COUNTED | st.sampled_from(["take", "take", "reset", "clear"])), max_size=60
)


@given(STEPS)
def test_whatever_is_counted_reset_and_taken_adds_up_to_what_would_have_been_counted_directly(steps: list[Any]) -> None:
    workers, ledgers = [Recorder(), Recorder()], [Ledger(), Ledger()]
    untaken: list[list[Any]] = [[], []]
    master, direct = Recorder(), Recorder()

    def take(number: int) -> None:
        packed = ledgers[number].take(workers[number])
        assert (packed is None) == (not untaken[number])
        if packed is not None:
            before = direct.total.num_requests
            for what in untaken[number]:
                apply(direct, what)
            assert merge(master, packed) == direct.total.num_requests - before
        untaken[number] = []

    for number, step in steps:
        if step == "take":
            take(number)
        elif step in ("reset", "clear"):
            getattr(workers[number], step)()
            untaken[number] = []
        else:
            apply(workers[number], step)
            untaken[number].append(step)
    take(0)
    take(1)
    assert whole(master) == whole(direct)


@given(st.lists(COUNTED, min_size=1, max_size=40))
def test_rows_have_the_same_numbers_as_what_is_packed(steps: list[Any]) -> None:
    worker, ledger, merged = Recorder(), Ledger(), Recorder()
    for position, what in enumerate(steps):
        apply(worker, what)
        if position % 3 == 0:
            for row in ledger.take_rows(worker):
                merged.merge(row)
    for row in ledger.take_rows(worker):
        merged.merge(row)
    assert whole(merged) == whole(worker)
    assert ledger.take_rows(worker) == []


def test_nothing_is_told_while_nothing_new_is_counted() -> None:
    recorder, ledger = Recorder(), Ledger()
    assert ledger.take(recorder) is None
    recorder.entry("GET", "/looked at")
    assert ledger.take(recorder) is None
    recorder.record("GET", "/a", 10, 1)
    assert ledger.take(recorder) is not None
    assert ledger.take(recorder) is None


def test_a_row_keeps_its_beginning_and_its_end() -> None:
    worker, ledger, master = Recorder(), Ledger(), Recorder()
    worker.record("GET", "/a", 10, 1)
    (theirs,) = worker.entries.values()
    packed = ledger.take(worker)
    assert packed is not None
    merge(master, packed)
    (row,) = master.entries.values()
    assert (row.method, row.name) == ("GET", "/a")
    # The distance to the wall clock may have been read anew between the two.
    assert abs(row.started_us - theirs.started_us) < 50_000
    assert abs(row.last_us - theirs.last_us) < 50_000


def test_a_row_reset_in_the_microsecond_of_its_beginning_is_told_from_zero() -> None:
    recorder, ledger = Recorder(), Ledger()
    row = recorder.entry("GET", "/a")
    recorder.record("GET", "/a", 10, 1)
    assert ledger.take(recorder) is not None
    row.reset(row.started_us)
    row.add_request(20, 1)
    (told,) = ledger.take_rows(recorder)
    assert (told.num_requests, told.times.min_us, told.times.max_us) == (1, 20, 20)


def test_what_a_clock_that_is_ahead_calls_the_future_is_now_and_a_shift_is_added() -> None:
    worker, ledger, master = Recorder(), Ledger(), Recorder()
    worker.record("GET", "/a", 10, 1, now_us=NOW_US - 20 * SECOND)
    (second,) = worker.total.per_second()
    packed = ledger.take(worker)
    assert packed is not None
    merge(master, packed, shift_s=-7)
    assert list(master.total.per_second()) == [second - 7]
    assert abs(master.total.last_us - (NOW_US - 27 * SECOND)) < 50_000
    later = Recorder()
    before_us = clock.now_us()
    merge(later, packed, shift_s=3600)
    (shown,) = later.total.per_second()
    assert shown <= clock.epoch_us() // SECOND
    assert before_us <= later.total.last_us <= clock.now_us()


def test_names_beyond_the_limit_share_a_row_at_the_worker_and_at_the_master() -> None:
    worker, ledger, master = Recorder(3), Ledger(), Recorder(2)
    told: list[Any] = []
    master.on_overflow = lambda *about: told.append((about, master.total.num_requests))
    for number in range(10):
        worker.record("GET", f"/{number}", 100, 1)
    packed = ledger.take(worker)
    assert packed is not None
    assert merge(master, packed) == 10
    assert {name: row.num_requests for (name, _), row in master.entries.items()} == {"/0": 1, "/1": 1, "(other)": 8}
    assert told == [(("GET", "/2"), 0)]


def test_the_percentiles_of_the_last_seconds_know_what_was_merged() -> None:
    worker, ledger, master = Recorder(), Ledger(), Recorder()
    master.snapshots_kept = 12
    worker.record("GET", "/a", 77, 1)
    packed = ledger.take(worker)
    assert packed is not None
    merge(master, packed)
    recent = master.recent(clock.now_us(), 10)
    assert recent is not None
    assert recent.total == 1


def test_a_name_that_is_too_long_is_cut() -> None:
    recorder, ledger = Recorder(), Ledger()
    recorder.record("GET", "\N{GRINNING FACE}" * 300_000, 10, 1)
    (row,) = ledger.take_rows(recorder)
    assert row.name == "\N{GRINNING FACE}" * 2**18


def test_dropped_rows_are_let_go() -> None:
    recorder, ledger = Recorder(), Ledger()
    recorder.record("GET", "/a", 10, 1)
    ledger.take(recorder)
    row = recorder.entry("GET", "/a")
    holders = len(gc.get_referrers(row))
    recorder.clear()
    ledger.take(recorder)
    assert len(gc.get_referrers(row)) <= holders - 2


def test_taking_makes_nothing_that_a_garbage_collection_could_begin_with() -> None:
    recorder, ledger = Recorder(), Ledger()
    for number in range(200):
        recorder.record("GET", f"/{number}", number, 1, intended_us=clock.now_us() - 10)
        recorder.entry("GET", f"/{number}").add_phases([1, 2, 3, 4, 5, 6])
    gc.disable()
    try:
        for _ in range(3):
            before = gc.get_count()[0]
            packed = ledger.take(recorder)
            after = gc.get_count()[0]
            recorder.record("GET", "/7", 10, 1)
            # The tuple of the first reading itself is one.
            assert after - before <= 1
            assert packed is not None
    finally:
        gc.enable()


def test_a_thread_that_takes_all_the_time_loses_nothing_of_a_million_requests() -> None:
    worker, ledger, master = Recorder(), Ledger(), Recorder()
    names = [f"/{number}" for number in range(7)]
    is_over = threading.Event()
    takes = 0

    def count() -> None:
        record = worker.record
        try:
            for number in range(1_000_000):
                record("GET", names[number % 7], number % 5000, 3, "no" if number % 11 == 0 else None)
        finally:
            is_over.set()

    counting = threading.Thread(target=count)
    counting.start()
    while True:
        was_over = is_over.is_set()
        packed = ledger.take(worker)
        if packed is not None:
            takes += 1
            for row in rows_of(packed):
                assert row.times.total == row.num_requests == sum(each for each, _ in row.per_second().values())
                assert row.total_bytes == 3 * row.num_requests
            merge(master, packed)
        if was_over:
            break
    counting.join()
    assert master.total.num_requests == 1_000_000
    assert takes > 2
    mine, theirs = whole(master), whole(worker)
    for counts in (*mine.values(), *theirs.values()):
        # The distance to the wall clock may be read anew in between, at which moments differ by some microseconds.
        del counts["last_us"]
    assert mine == theirs


def test_a_second_of_ten_thousand_requests_of_a_hundred_names_is_at_most_sixteen_kib_compressed() -> None:
    recorder, ledger, chance = Recorder(), Ledger(), random.Random(1)
    for number in range(10_000):
        time_us = round(chance.lognormvariate(math.log(20_000), 0.7))
        recorder.record("GET", f"/shop/category/{number % 100}/items", time_us, 17 + number % 100)
    packed = ledger.take(recorder)
    assert packed is not None
    assert len(zlib.compress(packed, 1)) <= 16 * 1024


# -- hostile bytes -----------------------------------------------------------------------------------------------------


def number(value: int) -> bytes:
    """As LEB128."""
    packed = bytearray()
    while value >= 0x80:
        packed.append(0x80 | value & 0x7F)
        value >>= 7
    return bytes([*packed, value])


#: when reports of these tests are packed: fixed, as the tests' names tell it
PACKED_US = 1_700_000_000_000_000


def report(
    *,
    version: int = 1,
    flags: int = 2,
    method: bytes = b"GET",
    name: bytes = b"/",
    counts: Any = (1, 0, 0, 0, 0, 0),
    size: int = 0,
    seconds: Any = (),
    times: Any = (1, 10, 0, 10, 20),
) -> bytes:
    """A row of one request of ten microseconds, unless told otherwise."""
    numbers = [version, PACKED_US, flags, len(method)]
    packed = b"".join(map(number, numbers)) + method + number(len(name)) + name
    return packed + b"".join(map(number, [*counts, size, 0, len(seconds), *sum(seconds, ()), *times]))


def test_the_packed_form_is_the_one_that_is_described() -> None:
    recorder = Recorder()
    assert merge(recorder, report(seconds=[(0, 1, 0)], times=(5, 10, 90, 230, 21, 1, 179, 0))) == 1
    times = recorder.total.times
    assert (times.buckets(), times.min_us, times.max_us, times.sum_us) == ({10: 3, 100: 2}, 10, 100, 230)
    assert list(recorder.total.per_second().values()) == [(1, 0)]


IMPOSSIBLE = [
    (b"", "cut off"),
    (report(version=2), "another version"),
    (report(flags=512), "flags of 512"),
    (report(name=b"\xff"), "can't decode"),
    (report(name=b"x" * (2**20 + 1)), "a name's size"),
    (report(counts=(2**48, 0, 0, 0, 0, 0)), "a count of"),
    (report(counts=(2**64, 0, 0, 0, 0, 0)), "too large"),
    (report(size=2**62), "a size of"),
    (report(seconds=[(0, 1, 0)] * 65), "seconds of 65"),
    (report(seconds=[(0, 2**32, 0)]), "requests of a second"),
    (report(seconds=[(2**56, 1, 0)]), "a moment of"),
    (report(times=(0, 10, 0, 10)), "empty histogram"),
    (report(times=(1, 10, 0, 10, 18)), "below their least"),
    (report(times=(1, 10, 0, 10, 22)), "above their most"),
    (report(times=(1, 10, 0, 10, 2 * 1728)), "a distance of"),
    (report(times=(2, 10, 2**40, 10, 2 * 1727, 0)), "a bucket 1728"),
    (report(times=(2, 10, 0, 20, 21, 1)), "more samples"),
    (report(times=(2, 10, 0, 20, 20)), "cut off"),
    (report()[:-1], "cut off"),
    (report() + b"\x00", "cut off"),
]


@pytest.mark.parametrize("packed, complaint", IMPOSSIBLE, ids=[complaint for _, complaint in IMPOSSIBLE])
def test_what_is_impossible_is_refused_and_nothing_is_added(packed: bytes, complaint: str) -> None:
    recorder = Recorder()
    recorder.record("GET", "/", 10, 1)
    before = whole(recorder)
    with pytest.raises(ValueError, match=complaint):
        merge(recorder, packed)
    with pytest.raises(ValueError, match=complaint):
        rows_of(packed)
    assert whole(recorder) == before


def test_a_row_that_is_impossible_keeps_those_before_it_from_being_added() -> None:
    recorder = Recorder()
    good = report()
    head = len(number(1) + number(PACKED_US))
    assert merge(recorder, good + good[head:]) == 2
    before = whole(recorder)
    with pytest.raises(ValueError, match="below"):
        merge(recorder, good + report(name=b"/new", times=(1, 10, 0, 10, 18))[head:])
    assert whole(recorder) == before


@pytest.mark.parametrize(
    "packed",
    [report(counts=(2**48 - 1, 0, 0, 0, 0, 0)), report(times=(1, 10, 0, 2**58, 20))],
    ids=["requests", "times"],
)
def test_numbers_that_are_possible_each_never_add_up_to_more_than_can_be_counted(packed: bytes) -> None:
    recorder = Recorder()

    def merge_often() -> None:
        for _ in range(2**15):
            merge(recorder, packed)

    with pytest.raises(ValueError, match="too large in all"):
        merge_often()
    assert 0 < recorder.total.num_requests <= 2**62
    assert 0 < recorder.total.times.sum_us <= 2**62


def test_clocks_that_are_ages_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="clocks"):
        merge(Recorder(), report(), shift_s=2**40)


@given(
    st.lists(COUNTED, min_size=1, max_size=10),
    st.lists(
        st.tuples(st.sampled_from(["set", "cut", "insert", "remove"]), st.integers(0, 2**16), st.binary(max_size=4))
    ),
)
def test_broken_bytes_are_refused_or_add_up_and_never_do_half(steps: list[Any], breaks: list[Any]) -> None:
    worker, ledger, master = Recorder(), Ledger(), Recorder()
    for what in steps:
        apply(worker, what)
    good = ledger.take(worker)
    assert good is not None
    merge(master, good)
    packed = bytearray(good)
    for kind, place, piece in breaks:
        at = place % (len(packed) + 1)
        if kind == "set":
            packed[at : at + len(piece)] = piece
        elif kind == "insert":
            packed[at:at] = piece
        elif kind == "remove":
            del packed[at : at + len(piece)]
        else:
            del packed[at:]
    before, requests = whole(master), master.total.num_requests
    try:
        added = merge(master, bytes(packed))
    except ValueError:
        assert whole(master) == before
    else:
        assert master.total.num_requests == requests + added
        sums = Recorder()
        for row in master.entries.values():
            sums.merge(row)
        assert counted(sums.total)["histograms"] == counted(master.total)["histograms"]
        assert sums.total.num_requests == master.total.num_requests


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_empty(packed: bytes) -> None:
    recorder = Recorder()
    try:
        merge(recorder, packed)
    except ValueError:
        assert (recorder.entries, recorder.total.num_requests) == ({}, 0)
