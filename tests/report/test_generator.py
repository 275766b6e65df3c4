import csv
from dataclasses import replace
from pathlib import Path

from gregaria.report.console import final_report
from gregaria.report.csv import CsvWriter, HistoryRows
from gregaria.report.frame import live_frame
from gregaria.report.generator import (
    GENERATOR_HEADER,
    LateMarks,
    generator_document,
    generator_part,
    generator_rows,
    late_mark,
)
from gregaria.report.progress import progress_sentence
from gregaria.report.tables import Look
from gregaria.settings import settings
from gregaria.stats.generator import Cause, Generator, HoldUp, LateSecond
from gregaria.stats.summary import Summary
from tests.report.sample import generator, row, second, summary


def watched(*late: tuple[int, int]) -> Summary:
    return summary(row(), generator=generator(*late))


# The console


def test_a_late_generator_is_marked_as_long_as_current_figures_are_of_that_second() -> None:
    settings.current_window_s = 5
    assert late_mark(watched((8, 212_000), (6, 60_000))) == "GENERATOR LATE by 212 ms"
    assert late_mark(watched((5, 212_000))) == "GENERATOR LATE by 212 ms"
    assert late_mark(watched((4, 212_000))) == ""
    assert late_mark(watched()) == late_mark(summary(row())) == ""


def test_a_second_that_is_not_over_is_marked_at_once() -> None:
    found = generator((10, 99_900))
    assert late_mark(summary(row(), generator=found)) == "GENERATOR LATE by 99.9 ms"
    unfinished = replace(found, recent=())
    assert late_mark(summary(row(), generator=unfinished)) == "GENERATOR LATE by 99.9 ms"


def test_the_live_picture_and_the_line_above_a_table_have_the_mark() -> None:
    made = watched((8, 212_000))
    assert "GENERATOR LATE by 212 ms" in "\n".join(live_frame(made, Look(width=160), 24))
    assert "\x1b[31mGENERATOR LATE by 212 ms\x1b[0m" in "\n".join(live_frame(made, Look(width=160, colour=True), 24))
    assert progress_sentence(made).endswith("no failures, GENERATOR LATE by 212 ms")


def test_the_final_report_ends_with_the_verdict_and_who_else_held_up_the_loop() -> None:
    causes = tuple(
        Cause(HoldUp("task", f"task Visitor.task_{number}", "Do less."), number, 70_000 * number, 70_000)
        for number in range(8, 0, -1)
    )
    lines = generator_part(summary(generator=replace(generator((1, 70_000)), causes=causes)), Look())
    assert lines == [
        "Generator: Do not trust them.",
        "    task Visitor.task_7 held up all users 7 times, for 70 ms at most, 490 ms in all. Do less.",
        "    task Visitor.task_6 held up all users 6 times, for 70 ms at most, 420 ms in all. Do less.",
        "    task Visitor.task_5 held up all users 5 times, for 70 ms at most, 350 ms in all. Do less.",
        "    task Visitor.task_4 held up all users 4 times, for 70 ms at most, 280 ms in all. Do less.",
        "    ... and 3 more, 6 times",
    ]


def test_only_distrust_is_red() -> None:
    assert generator_part(watched((1, 70_000)), Look(colour=True))[0].startswith("\x1b[31mGenerator:")
    assert generator_part(watched(), Look(colour=True))[0].startswith("\x1b[1mGenerator:")
    assert "Generator: Trust them." in final_report(watched(), Look())
    assert not any("Generator" in line for line in final_report(summary(row()), Look()))


def test_names_of_tasks_cannot_steer_the_terminal() -> None:
    found = replace(generator((1, 70_000)), causes=(Cause(HoldUp("task", "task \x1b[2J"), 1, 1, 1),) * 2)
    assert "\x1b" not in "\n".join(generator_part(summary(generator=found), Look()))


# CSV


def test_each_late_second_is_marked_in_one_row_of_the_history() -> None:
    marks = LateMarks()
    assert marks.next(watched(), 1_700_000_001.5) == 0
    assert marks.next(watched((1, 60_400)), 1_700_000_002.5) == 60
    assert marks.next(watched((1, 60_400)), 1_700_000_003.5) == 0
    # the second in which the last row was written turned out to be late afterwards
    assert marks.next(watched((1, 60_400), (3, 80_000)), 1_700_000_004.5) == 80
    assert marks.next(watched((1, 60_400), (3, 80_000)), 1_700_000_005.5) == 0
    assert marks.next(summary(row()), 1_700_000_006.5) == 0


def test_every_name_of_a_full_history_is_marked() -> None:
    rows = HistoryRows([0.5], full=True).rows(watched((1, 60_400)), 1_700_000_001.5)
    assert [each[-1] for each in rows] == [60, 60]


def test_a_second_is_a_row_with_a_cell_for_each_column() -> None:
    (cells,) = generator_rows([second(3, delay_us=212_345, is_late=True)])
    assert dict(zip(GENERATOR_HEADER, cells, strict=True)) == {
        "Timestamp": 1_700_000_003,
        "Late": 1,
        "Loop Delay": "212.3",
        "Process CPU": "20.0",
        "Busiest Core": "30.0",
        "All Cores": "25.0",
        "Waited for CPU": "1.5",
        "Memory": 50_000_000,
        "Collections": 2,
        "Collecting Time": "4.2",
        "Longest Collection": "3.0",
        "Descriptors": 12,
        "Descriptor Limit": 1024,
    }


def test_what_a_system_does_not_tell_is_empty() -> None:
    (cells,) = generator_rows([second(starved_us=None, descriptors=None, descriptor_limit=None)])
    assert [cells[6], *cells[-2:]] == ["", "", ""]


def test_the_file_of_seconds_has_each_once(tmp_path: Path) -> None:
    made = [watched((1, 60_000))]
    writer = CsvWriter(str(tmp_path / "run"), lambda: made[0])
    writer._write(made[0])
    more = generator((1, 60_000))
    made[0] = summary(row(), generator=replace(more, recent=(*more.recent, second(10), second(11))))
    writer._write(made[0])
    writer.close()
    rows = list(csv.DictReader(writer.generator_path.read_text().splitlines()))
    assert [int(each["Timestamp"]) - 1_700_000_000 for each in rows] == list(range(12))
    assert [each["Late"] for each in rows].index("1") == 1
    writer.close()


def test_a_run_that_nobody_watches_has_a_file_with_a_heading_only(tmp_path: Path) -> None:
    writer = CsvWriter(str(tmp_path / "run"), lambda: summary(row()))
    writer.close()
    assert writer.generator_path.read_text() == ",".join(GENERATOR_HEADER) + "\n"


# JSON


def test_the_document_tells_the_same() -> None:
    told = generator_document(watched((3, 212_000)))
    assert told is not None
    assert told["verdict"] == {"trusted": False, "sentence": "Do not trust them."}
    assert told["late_seconds"] == [{"epoch_s": 1_700_000_003, "delay_ms": 212.0}]
    assert [each["late"] for each in told["seconds"]].index(True) == 3
    assert told["late_requests"] is None
    (cause,) = told["causes"]
    assert (cause["kind"], cause["file"], cause["line"], cause["longest_ms"]) == ("task", "locustfile.py", 41, 212.0)
    assert cause["sentence"] == "task Checkout.compute (locustfile.py:41) held up all users for 212 ms"


def test_a_cause_that_is_no_code_has_no_line() -> None:
    garbage = Cause(HoldUp("garbage", "garbage collection"), 1, 60_000, 60_000)
    told = generator_document(summary(generator=replace(generator((1, 60_000)), causes=(garbage,))))
    assert told is not None
    assert (told["causes"][0]["file"], told["causes"][0]["line"]) == (None, None)


def test_a_run_that_nobody_watched_has_none() -> None:
    assert generator_document(summary(row())) is None


def test_late_seconds_of_a_span() -> None:
    found: Generator = generator((2, 100_000), (5, 70_000))
    assert found.late_seconds[0] == LateSecond(1_700_000_002, 100_000)
    assert found.late_between(1_700_000_002.5, 1_700_000_003.5) == 100_000
    assert found.late_between(1_700_000_003, 1_700_000_005) == 0
