"""The log goes where it is asked to, and keeps its last lines."""

import logging
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from gregaria.errors import CommandError
from gregaria.logs import (
    Bounded,
    OncePerKind,
    last_lines,
    lines_since,
    mask_records,
    set_up_logging,
    watch_greenlets,
)
from gregaria.stats.masking import Mask


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    names = ("", "gregaria", "locust", "locust.stats_logger")
    before = [(logging.getLogger(name), list(logging.getLogger(name).handlers)) for name in names]
    levels = [logger.level for logger, _ in before]
    yield
    for (logger, handlers), level in zip(before, levels, strict=True):
        for handler in logger.handlers:
            if handler not in handlers:
                handler.close()
        logger.handlers = handlers
        logger.setLevel(level)


def test_a_line_says_when_where_how_bad_and_who(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO")
    logging.getLogger("locust.shop").info("hello")
    logging.getLogger("gregaria.shop").debug("not this")
    line = capsys.readouterr().err.strip()
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] [^./]+/INFO/locust\.shop: hello", line)
    assert last_lines()[-1] == line


def test_a_file_gets_its_folders_and_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a" / "b" / "run.log"
    set_up_logging("WARNING", str(path))
    logging.getLogger("anything").warning("told")
    assert "anything: told" in path.read_text()
    assert capsys.readouterr().err == ""


def test_a_file_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="--logfile"):
        set_up_logging("INFO", str(tmp_path / "file" / "run.log"))


def test_no_handler_gets_a_secret(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = logging.getLogRecordFactory()
    set_up_logging("INFO", str(tmp_path / "run.log"))
    another = logging.StreamHandler(sys.stderr)
    logging.getLogger("shop").addHandler(another)
    secrets = ["open-sesame"]
    mask_records(lambda text: Mask(secrets).text(text))
    try:
        logger = logging.getLogger("shop")
        logger.info("it is %s", "open-sesame")
        logger.info({"key": "open-sesame"}, stack_info=True)
        try:
            raise ValueError("not open-sesame")
        except ValueError:
            logger.exception("failed")
        secrets.append("another-secret")
        logger.info("and another-secret; http://me:my-word@shop")
    finally:
        logging.getLogger("shop").removeHandler(another)
        logging.setLogRecordFactory(before)
    told = (tmp_path / "run.log").read_text()
    for text in (told, "\n".join(last_lines()), capsys.readouterr().err):
        assert re.search(r"it is \*\*\*$", text, re.MULTILINE)
        assert "ValueError: not ***" in text
        assert "and ***; http://***@shop" in text
        assert not any(secret in text for secret in ("open-sesame", "another-secret", "my-word"))


def test_what_holds_no_secret_keeps_its_arguments(caplog: pytest.LogCaptureFixture) -> None:
    before = logging.getLogRecordFactory()
    mask_records(Mask(["open-sesame"]).text)
    mask_records(Mask(["another-secret"]).text)
    try:
        logging.getLogger("shop").warning("%s, not another-secret", "open-sesame")
        logging.getLogger("shop").warning("it is %s", "known")
        # Handlers say what is wrong with it, not whoever logs.
        record = logging.getLogRecordFactory()("shop", logging.INFO, "", 1, "%d", ("x",), None)
    finally:
        logging.setLogRecordFactory(before)
    assert caplog.records[0].getMessage() == "open-sesame, not ***"
    assert (caplog.records[1].msg, caplog.records[1].args) == ("it is %s", ("known",))
    assert record.args == ("x",)


def test_each_kind_is_told_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    once = OncePerKind(logging.getLogger("shop"))
    assert [once.tell(kind, "kind %s", kind) for kind in "abaa"] == [True, True, False, False]
    assert [record.getMessage() for record in caplog.records] == ["kind a", "kind b"]
    assert once.counts == {"a": 3, "b": 1}


def test_what_escapes_a_greenlet_is_counted_and_told_once_per_line(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("lost")

    hub = gevent.get_hub()
    errors = watch_greenlets()
    try:
        gevent.joinall([gevent.spawn(fail), gevent.spawn(fail)])
    finally:
        del hub.handle_error
    assert errors.count == 2
    assert len([record for record in caplog.records if "ValueError: lost" in record.getMessage()]) == 1


def test_of_kinds_that_have_no_end_the_first_are_told_and_that_there_are_more(caplog: pytest.LogCaptureFixture) -> None:
    once = OncePerKind(logging.getLogger("shop"), most=3)
    for number in range(10):
        once.tell(number, "number %d", number)
    told = [record.getMessage() for record in caplog.records]
    assert told[:3] == ["number 0", "number 1", "number 2"]
    assert len(told) == 4
    assert told[3].endswith("number 3")
    assert len(once.counts) == 3


def test_what_others_bring_about_is_told_as_far_as_there_is_room(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    bounded = Bounded(logging.getLogger("shop"), most=3, per_s=0.5)
    assert [bounded.tell(logging.WARNING, "number %d", number) for number in range(10)] == [True] * 3 + [False] * 7
    now_s += 1
    assert not bounded.tell(logging.WARNING, "number %d", 10)
    now_s += 1
    assert bounded.tell(logging.WARNING, "number %d", 11)
    now_s += 2
    assert bounded.tell(logging.WARNING, "number %d", 12)
    told = [record.getMessage() for record in caplog.records]
    assert told[:3] == ["number 0", "number 1", "number 2"]
    assert told[3:] == ["number 11 (8 lines before this one were too many to be told)", "number 12"]


def test_lines_since_the_last_look_come_once_and_those_that_are_gone_are_counted() -> None:
    set_up_logging("INFO")
    logger = logging.getLogger("gregaria.shop")
    begin, _ = lines_since(0)
    logger.info("one")
    logger.info("two")
    number, lines = lines_since(begin)
    assert number == begin + 2
    assert [line.rpartition(": ")[2] for line in lines] == ["one", "two"]
    assert lines_since(number) == (number, [])
    for place in range(600):
        logger.info("line %d", place)
    last, lines = lines_since(number)
    assert last == number + 600
    assert [line.rpartition(": ")[2] for line in lines] == [f"line {place}" for place in range(100, 600)]
    assert lines_since(0) == (last, lines)
    assert lines_since(last + 1) == (last, [])
