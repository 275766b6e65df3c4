"""``--stream``: a line a second whose sum is the run, and readers that are slow or go away and hold up nobody."""

import fcntl
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gregaria.report.stream import Sink
from tests.support.servers import ROOT, Server
from tests.system.conftest import Command, arguments, document
from tests.web.conftest import Starter, starter, target

__all__ = ["starter", "target"]

SCHEMA = json.loads((ROOT / "docs" / "stream.schema.json").read_text())


def lines_of(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    return lines


def seconds(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == "second"]


@pytest.mark.parametrize("more", [(), ("--processes", "2")])
def test_standard_output_has_nothing_but_lines_that_add_up_to_the_run(
    command: Command, server: Server, more: tuple[str, ...]
) -> None:
    ended = command.run(
        *arguments(server, "-u", "4", "-r", "50", "-t", "3s", "--stream", "-", "--json-file", "a", *more)
    )
    assert ended.code == 0, ended.err
    lines = lines_of(ended.out)
    told, total = seconds(lines), document(command.folder / "a.json")["total"]
    assert isinstance(total, dict)
    assert [line["kind"] for line in lines[-2:]] == ["second", "end"]
    assert len(told) >= 3
    assert sum(line["requests"] for line in told) == total["num_requests"] == lines[-1]["total"]["requests"]
    assert sum(line["failures"] for line in told) == total["num_failures"] == lines[-1]["total"]["failures"]
    assert lines[-1]["total"]["percentiles_ms"]["p95"] == pytest.approx(total["percentiles_ms"]["p95"])
    assert lines[-1]["state"] == "stopped"
    assert lines[-1]["verdict"] is lines[-2]["broken_rules"] is None
    assert max(line["users"] for line in told) == 4
    assert max(sum(line["users_by_class"].values()) for line in told) == 4
    assert {line["workers"] for line in told} == {2 if more else 0}
    for earlier, later in itertools.pairwise(told):
        assert later["epoch_s"] == pytest.approx(earlier["epoch_s"] + earlier["length_s"], abs=0.01)
    for line in told:
        rate = line["requests"] / line["length_s"] if line["length_s"] >= 0.5 else None
        assert line["rps"] == (None if rate is None else pytest.approx(rate, rel=0.01))
    assert "Aggregated" in ended.err


def test_it_tells_what_is_broken_and_the_verdict(command: Command, server: Server) -> None:
    ended = command.run(
        *arguments(server, "-u", "2", "-r", "50", "-t", "4s", "--stream", "-", "--json-file", "a"),
        *("--fail-if", "users > 0 for 1s", "--fail-if", "p95 > 1h", "--fail-if", "p95 of '/nothing' > 1h"),
    )
    assert ended.code == 16, ended.err
    lines = lines_of(ended.out)
    assert lines[-2]["broken_rules"] == ["users > 0 for 1s"]
    assert lines[-1]["verdict"] == document(command.folder / "a.json")["verdict"]
    assert [rule["state"] for rule in lines[-1]["verdict"]["rules"]] == ["broken", "passed", "no data"]


def test_a_file_has_all_tests_of_a_process_and_is_flushed_with_each_line(starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url, "--stream", "seconds.jsonl")
    path = starter.folder / "seconds.jsonl"
    for number in (1, 2):
        assert site.swarm()["success"] is True
        site.until(lambda number=number: [line for line in lines_of(path.read_text()) if line["test"] == number])
        site.post("/stop")
        site.until(lambda number=number: lines_of(path.read_text())[-1]["kind"] == "end")
    site.end()
    lines = lines_of(path.read_text())
    for number in (1, 2):
        mine = [line for line in lines if line["test"] == number]
        assert sum(line["requests"] for line in seconds(mine)) == mine[-1]["total"]["requests"] > 0
        assert [line["kind"] for line in mine].count("end") == 1


def test_a_reader_that_goes_away_neither_ends_nor_holds_up_the_run(command: Command, server: Server) -> None:
    process = command.start(*arguments(server, "-t", "4s", "--stream", "-"))
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["kind"] == "second"
    process.stdout.close()
    process.stdout = None
    ended = command.end_of(process)
    assert ended.code == 0, ended.err
    assert ended.err.count("--stream - cannot be written: Broken pipe; nothing more is written there") == 1


def test_a_named_pipe_waits_for_its_readers(command: Command, server: Server) -> None:
    path = command.folder / "pipe"
    os.mkfifo(path)
    process = command.start(*arguments(server, "--stream", "pipe"))
    for _ in range(2):
        with open(path) as reader:
            line = json.loads(reader.readline())
            jsonschema.validate(line, SCHEMA)
            assert line["requests"] > 0
    ended = command.stop_with(process, signal.SIGINT)
    assert ended.code == 0, ended.err
    assert ended.err.count("--stream pipe cannot be written: Broken pipe; its next reader gets what comes then") == 1


def test_a_reader_that_does_not_read_holds_up_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        sink = Sink(str(path))
        began_s = time.monotonic()
        with caplog.at_level(logging.WARNING):
            for number in range(20_000):
                sink.add({"kind": "second", "number": number, "text": "x" * 80})
                sink.push()
        assert caplog.text.count("does not keep up; lines are left out") == 1
        # The lines that are there are whole, and in order.
        os.set_blocking(reader, False)
        text = b""
        while b"\n" in (text := text + os.read(reader, 65536)) and text.count(b"\n") < 5000:
            sink.push()
        numbers = [json.loads(line)["number"] for line in text.splitlines()[:5000]]
        assert numbers == list(range(5000))
        sink.close()
        assert time.monotonic() - began_s < 10
    finally:
        os.close(reader)


def test_what_cannot_be_written_is_refused_before_the_run(command: Command, server: Server) -> None:
    ended = command.run(*arguments(server, "-t", "1s", "--stream", "no/such/folder/file"))
    assert (ended.code, ended.out) == (11, "")
    assert "--stream no/such/folder/file cannot be written: No such file or directory. Name a file" in ended.err
    ended = command.run(*arguments(server, "-t", "1s", "--stream", "-", "--json"))
    assert ended.code == 2
    assert "--stream - and --json both write to standard output" in ended.err
    ended = command.run(*arguments(server, "-t", "1s", "--stream", ""))
    assert (ended.code, "argument --stream: is empty" in ended.err) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no sh")
def test_a_standard_output_that_is_closed_is_refused(command: Command, server: Server) -> None:
    words = (sys.executable, "-m", "gregaria", *arguments(server, "-t", "1s", "--stream", "-"))
    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *words], cwd=command.folder, stderr=subprocess.PIPE, text=True, check=False
    )
    assert ended.returncode == 11
    assert "--stream - cannot be written: standard output is closed" in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_full_disk_ends_the_lines_and_not_the_run(command: Command, server: Server) -> None:
    ended = command.run(*arguments(server, "-t", "3s", "--stream", "/dev/full"))
    assert ended.code == 0, ended.err
    assert ended.err.count("--stream /dev/full cannot be written: No space left on device") == 1
