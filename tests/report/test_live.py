import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.report.live import LiveArea, can_be_live, has_colour
from tests.report.screen import Screen

XTERM = {"TERM": "xterm-256color"}


@pytest.fixture
def screen() -> Screen:
    return Screen(columns=40, rows=10)


def area_on(screen: Screen) -> LiveArea:
    return LiveArea(screen, lambda: screen.columns)


@pytest.mark.skipif(os.name == "nt", reason="Windows is plain")
def test_a_terminal_is_live_and_coloured_unless_it_says_otherwise(screen: Screen) -> None:
    assert can_be_live(screen, XTERM)
    assert has_colour(screen, XTERM)
    assert not can_be_live(screen, {"TERM": "dumb"})
    assert not can_be_live(screen, {})
    assert not can_be_live(io.StringIO(), XTERM)
    assert can_be_live(screen, XTERM | {"NO_COLOR": "1"})
    assert not has_colour(screen, XTERM | {"NO_COLOR": "1"})
    assert has_colour(screen, XTERM | {"NO_COLOR": ""})


def test_a_closed_stream_is_no_terminal() -> None:
    closed = io.StringIO()
    closed.close()
    assert not can_be_live(closed, XTERM)


def test_a_frame_takes_the_place_of_the_one_before(screen: Screen) -> None:
    area = area_on(screen)
    screen.write("before\n")
    area.draw(["one", "two", "three"])
    area.draw(["ONE", "t"])
    assert screen.everything == ["before", "ONE", "t"]
    assert screen.cursor == (3, 0)


def test_what_is_printed_appears_above(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["one", "two"])
    area.write_above("a much longer line than those below\n")
    area.write_above("x\ny\n")
    assert screen.everything == ["a much longer line than those below", "x", "y", "one", "two"]


def test_a_printed_line_wider_than_the_terminal_is_shown_whole(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["AREA"])
    area.write_above("x" * 100 + "\n")
    assert screen.everything == ["x" * 40, "x" * 40, "x" * 20, "AREA"]


def test_a_flood_of_lines_waits_for_the_next_frame_and_leaves_the_area_in_sight(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["AREA" * 9])
    for each in range(1000):
        area.write_above(f"{each}\n")
    assert screen.shown[-1] == "AREA" * 9
    assert len(screen.raw) < 10_000
    area.draw(["AREA"])
    assert screen.everything == [*(str(each) for each in range(1000)), "AREA"]
    area.write_above("one more\n")
    assert screen.shown[-2:] == ["one more", "AREA"]


def test_what_waits_for_a_frame_is_printed_before_an_unfinished_line_and_at_the_end(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["AREA"])
    expected = [str(each) for each in range(100)]
    for each in expected[:50]:
        area.write_above(f"{each}\n")
    area.write_above("name: ")
    area.write_above("Ada\n")
    for each in expected[50:]:
        area.write_above(f"{each}\n")
    area.clear()
    assert screen.everything == [*expected[:50], "name: Ada", *expected[50:]]


def test_more_than_may_wait_goes_straight_through(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["AREA"])
    lines = [f"{each:039}" for each in range(3000)]
    for line in lines:
        area.write_above(line + "\n")
    assert len(screen.everything) > 1500
    area.draw(["AREA"])
    assert screen.everything == [*lines, "AREA"]


def test_an_unfinished_line_is_shown_and_can_be_finished(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["one", "two"])
    area.write_above("loading")
    assert screen.everything == ["loading"]
    area.write_above("...")
    area.write_above(" done\n")
    assert screen.everything == ["loading... done", "one", "two"]


def test_the_next_frame_ends_an_unfinished_line(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["one"])
    area.write_above("loading")
    area.draw(["two"])
    assert screen.everything == ["loading", "two"]
    area.write_above("again")
    area.clear()
    assert screen.everything == ["loading", "again"]
    assert screen.cursor == (2, 0)


def test_a_cleared_area_leaves_nothing_behind(screen: Screen) -> None:
    area = area_on(screen)
    screen.write("before\n")
    area.draw(["one", "two"])
    assert area.active
    area.clear()
    assert not area.active
    screen.write("after\n")
    assert screen.everything == ["before", "after"]
    area.clear()
    assert screen.everything == ["before", "after"]


def test_a_terminal_made_wider_or_higher_shows_one_area(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["x" * 30])
    screen.columns, screen.rows = 100, 30
    area.draw(["y" * 90])
    assert screen.everything == ["y" * 90]


def test_lines_that_a_narrower_terminal_has_wrapped_are_taken_away_whole() -> None:
    # what the terminal makes of a resize: the old line takes two rows
    screen = Screen(columns=20, rows=10)
    widths = iter([40, 20, 20])
    area = LiveArea(screen, lambda: next(widths))
    screen.write("log\n")
    screen.wrapping = False
    area.draw(["x" * 30])
    screen = Screen(columns=20, rows=10)
    screen.write("log\n" + "x" * 30 + "\n")
    area._out = screen
    area.draw(["y"])
    assert screen.everything == ["log", "y"]


def test_after_a_suspension_the_shells_lines_are_left_alone(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["one", "two"])
    screen.write("[1]+ Stopped\n$ fg\n")
    area.forget()
    area.draw(["three"])
    assert screen.everything == ["one", "two", "[1]+ Stopped", "$ fg", "three"]


def test_a_line_too_wide_is_cut_and_keeps_to_its_row(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["\x1b[31m" + "x" * 50 + "\x1b[0m", "two"])
    area.draw(["z", "two"])
    assert screen.everything == ["z", "two"]


def test_every_frame_leaves_the_terminal_as_it_was(screen: Screen) -> None:
    area = area_on(screen)
    area.draw(["one"])
    assert screen.wrapping
    assert screen.raw.count("\x1b[?7l") == screen.raw.count("\x1b[?7h")
    assert screen.raw.count("\x1b[?2026h") == screen.raw.count("\x1b[?2026l")
    assert "\x1b[?25l" not in screen.raw
    assert "\x1b[?1049h" not in screen.raw


def test_a_terminal_that_is_gone_does_no_harm() -> None:
    class Gone(Screen):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    area = area_on(Gone())
    area.draw(["one"])
    area.write_above("text\n")
    area.clear()


LINES = st.text("abc", max_size=39)
DEEDS = st.lists(st.one_of(st.lists(LINES, max_size=6), LINES.map(lambda line: line + "\n")), max_size=20)


@given(DEEDS)
def test_no_line_is_torn_or_lost_whatever_is_drawn_and_printed_in_whatever_order(deeds: list[list[str] | str]) -> None:
    screen = Screen(columns=40, rows=10)
    area = area_on(screen)
    printed: list[str] = []
    frame: list[str] = []
    for deed in deeds:
        if isinstance(deed, list):
            frame = deed
            area.draw(deed)
        else:
            printed.append(deed.rstrip("\n"))
            area.write_above(deed)
    expected = [line.rstrip() for line in printed + frame]
    while expected and not expected[-1]:
        expected.pop()
    assert screen.everything == expected
