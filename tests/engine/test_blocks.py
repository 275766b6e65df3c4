"""What is cut into blocks adds up to what was counted, by name and in all; what is no block is refused."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.engine.blocks import Cutter, cells_of, join, mark_buckets, one_of, plain_rows, rows_of, total_of
from gregaria.engine.histogram import Histogram
from gregaria.engine.recorder import Entry, Recorder

BUCKETS = 1728

requests = st.tuples(
    st.integers(0, 4),
    st.one_of(st.none(), st.integers(0, 1 << 34), st.integers(0, 300)),
    st.integers(-5, 1 << 20),
    st.booleans(),
)


def counts(entry: Entry) -> tuple[object, ...]:
    return (
        entry.times.buckets(),
        entry.times.sum_us,
        entry.num_requests,
        entry.num_none_requests,
        entry.num_failures,
        entry.num_interrupted,
        entry.num_generator_errors,
        entry.num_late,
        entry.total_bytes,
    )


def count(recorder: Recorder, number: int, duration_us: int | None, size_bytes: int, fails: bool) -> None:
    recorder.record("GET", f"/{number}", duration_us, size_bytes, ValueError("no") if fails else None)
    if number == 3:
        recorder.interrupted(recorder.entry("GET", "/3"))
    if number == 4:
        recorder.generator_error(recorder.entry("POST", "/4"), OSError("none left"))


@given(st.lists(st.lists(requests, max_size=20), min_size=1, max_size=8), st.integers(1, 7))
def test_blocks_add_up_to_what_was_counted_however_they_are_joined(
    seconds: list[list[tuple[int, int | None, int, bool]]], split: int
) -> None:
    recorder, cutter = Recorder(), Cutter()
    blocks = []
    for second in seconds:
        for request in second:
            count(recorder, *request)
        blocks.append(cutter.take(recorder))
    whole = join(blocks)
    assert whole == join([join(blocks[:split]), join(blocks[split:])])
    assert {cutter.names[name_id]: counts(entry) for name_id, entry in rows_of(whole)} == {
        (entry.method, entry.name): counts(entry) for entry in recorder.entries.values()
    }
    for name_id, entry in rows_of(whole):
        ((zero, alone),) = rows_of(one_of(whole, name_id))
        assert (zero, counts(alone)) == (0, counts(entry))
    assert [counts(entry) for _, entry in rows_of(total_of(whole))] == ([counts(recorder.total)] if whole else [])
    assert cutter.take(recorder) == b""


def test_a_row_that_was_reset_or_dropped_is_counted_from_zero_under_its_id() -> None:
    recorder, cutter = Recorder(), Cutter()
    for name in ("/a", "/b"):
        recorder.record("GET", name, 1000, 1)
    cutter.take(recorder)
    recorder.reset()
    recorder.record("GET", "/b", 2000, 1)
    assert [(name_id, entry.num_requests) for name_id, entry in rows_of(cutter.take(recorder))] == [(1, 1)]
    recorder.clear()
    for name in ("/c", "/b", "/a"):
        recorder.record("GET", name, 3000, 1)
    assert [(name_id, entry.times.max_us) for name_id, entry in rows_of(cutter.take(recorder))] == [
        (0, 2991),
        (1, 2991),
        (2, 2991),
    ]
    assert cutter.names == [("GET", "/a"), ("GET", "/b"), ("GET", "/c")]


def test_many_blocks_are_joined_as_few_are() -> None:
    recorder, cutter = Recorder(), Cutter()
    blocks = []
    for number in range(1000):
        recorder.record("GET", f"/{number % 7}", number, 1)
        blocks.append(cutter.take(recorder))
    assert sum(entry.num_requests for _, entry in rows_of(join(blocks))) == 1000
    assert counts(rows_of(total_of(join(blocks)))[0][1]) == counts(recorder.total)


def test_plain_rows_say_buckets_as_distances_and_put_those_of_one_place_together() -> None:
    recorder, cutter = Recorder(), Cutter()
    for duration_us in (3, 3, 5, 100, 101):
        recorder.record("GET", "/", duration_us, 1)
    recorder.fail("GET", "/", "no")
    block = cutter.take(recorder)
    marks = bytearray(BUCKETS)
    mark_buckets(block, marks)
    assert [bucket for bucket in range(BUCKETS) if marks[bucket]] == [3, 5, 100, 101]
    assert plain_rows(block, list(range(BUCKETS))) == [[0, 5, 1, 212, [3, 2, 2, 1, 95, 1, 1, 1]]]
    assert plain_rows(block, [bucket // 50 for bucket in range(BUCKETS)]) == [[0, 5, 1, 212, [0, 3, 2, 2]]]


def test_cells_are_quarters_of_an_octave_and_have_every_sample() -> None:
    times = Histogram()
    for time_us in (0, 1, 16, 16, 1000, 4_000_000_000):
        times.add_us(time_us)
    assert cells_of(times) == (0, 2, 16, 2, 39, 1, 127, 1)
    assert cells_of(Histogram()) == ()


@pytest.mark.parametrize("broken", [b"\x00", b"\x00\x05\x00", b"\x80" * 11, b"\x00\x03\x00\x05\x00", b"\x00\x01\x00"])
def test_what_is_no_block_is_refused(broken: bytes) -> None:
    for use in (lambda: join([broken, broken]), lambda: total_of(broken), lambda: rows_of(broken)):
        with pytest.raises(ValueError, match="no block"):
            use()


def test_random_bytes_do_no_harm() -> None:
    chance = random.Random(4)
    recorder, cutter = Recorder(), Cutter()
    for number in range(200):
        recorder.record("GET", f"/{number % 9}", number * number, 1)
    block = cutter.take(recorder)
    for _ in range(2000):
        changed = bytearray(block)
        for _ in range(chance.randrange(1, 5)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            rows_of(join([bytes(changed), block]))
            plain_rows(bytes(changed[: chance.randrange(len(changed))]), list(range(BUCKETS)))
        except ValueError as error:
            assert "no block" in str(error)  # noqa: PT017 - most of them are refused, some mean something


@pytest.mark.parametrize("use", [lambda: mark_buckets(b"", bytearray(3)), lambda: plain_rows(b"", [1, 2])])
def test_there_has_to_be_a_place_for_every_bucket(use: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="for 1728 buckets"):
        use()


@pytest.mark.parametrize(
    "use",
    [
        lambda: Cutter().take(None),  # type: ignore[arg-type]
        lambda: join(None),  # type: ignore[arg-type]
        lambda: join([None]),  # type: ignore[list-item]
        lambda: join(["text"]),  # type: ignore[list-item]
        lambda: total_of(None),  # type: ignore[arg-type]
        lambda: one_of(None, 0),  # type: ignore[arg-type]
        lambda: rows_of(None),  # type: ignore[arg-type]
        lambda: cells_of(None),  # type: ignore[arg-type]
        lambda: mark_buckets(b"", None),  # type: ignore[arg-type]
        lambda: plain_rows(b"\x00\x05\x00\x01\x00\x03\x00", ["a"] * BUCKETS),  # type: ignore[list-item]
    ],
)
def test_other_things_than_blocks_are_refused(use: Callable[[], object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        use()
