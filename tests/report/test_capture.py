import io
import logging
import sys
from collections.abc import Iterator

import pytest

from gregaria.report.capture import AboveArea, Capture
from gregaria.report.live import LiveArea
from tests.report.screen import Screen


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def area(screen: Screen) -> LiveArea:
    return LiveArea(screen, lambda: screen.columns)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("test.report.capture")
    logger.propagate = False
    yield logger
    logger.handlers.clear()


def test_prints_and_logs_appear_above_the_area(
    screen: Screen, area: LiveArea, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.take_over(monkeypatch)
    logger.addHandler(logging.StreamHandler(screen))
    capture = Capture(area)
    capture.start()
    area.draw(["AREA"])
    print("printed")
    logger.warning("logged")
    sys.stderr.writelines(["one\n", "two\n"])
    assert screen.everything == ["printed", "logged", "one", "two", "AREA"]
    area.clear()
    capture.stop()
    print("after")
    logger.warning("logged after")
    assert screen.everything == ["printed", "logged", "one", "two", "after", "logged after"]


def test_everything_is_put_back(
    screen: Screen, area: LiveArea, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.take_over(monkeypatch)
    early = logging.StreamHandler(screen)
    logger.addHandler(early)
    capture = Capture(area)
    capture.start()
    late = logging.StreamHandler()
    logger.addHandler(late)
    assert isinstance(sys.stdout, AboveArea)
    assert isinstance(late.stream, AboveArea)
    capture.stop()
    assert sys.stdout is sys.stderr is early.stream is late.stream is screen


def test_what_somebody_else_has_put_there_meanwhile_stays(
    screen: Screen, area: LiveArea, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.take_over(monkeypatch)
    capture = Capture(area)
    capture.start()
    theirs = io.StringIO()
    sys.stdout = theirs
    capture.stop()
    assert sys.stdout is theirs
    assert sys.stderr is screen


def test_what_goes_to_a_pipe_is_left_alone(screen: Screen, area: LiveArea, monkeypatch: pytest.MonkeyPatch) -> None:
    screen.take_over(monkeypatch)
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", pipe)
    Capture(area).start()
    assert sys.stdout is pipe


def test_an_unfinished_line_waits_for_its_end_or_for_a_flush(screen: Screen, area: LiveArea) -> None:
    above = AboveArea(screen, area)
    area.draw(["AREA"])
    above.write("half")
    assert screen.everything == ["AREA"]
    above.write(" whole\n")
    assert screen.everything == ["half whole", "AREA"]
    above.write("prompt> ")
    above.flush()
    assert screen.everything == ["half whole", "prompt>"]


def test_no_unfinished_line_is_lost_at_the_end(screen: Screen, area: LiveArea, monkeypatch: pytest.MonkeyPatch) -> None:
    screen.take_over(monkeypatch)
    capture = Capture(area)
    capture.start()
    area.draw(["AREA"])
    print("last words", end="")
    area.clear()
    capture.stop()
    assert screen.everything == ["last words"]


def test_one_who_keeps_the_stream_prints_straight_through_when_the_area_is_gone(screen: Screen, area: LiveArea) -> None:
    above = AboveArea(screen, area)
    area.draw(["AREA"])
    above.write("a")
    area.clear()
    above.write("b\n")
    assert screen.everything == ["ab"]
    assert above.isatty()
