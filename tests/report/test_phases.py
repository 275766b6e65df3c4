from gregaria.engine.phases import PHASES
from gregaria.report.phases import phase_table
from gregaria.report.tables import Look
from tests.report.sample import row, summary


def test_each_phase_is_told_by_median_and_tail() -> None:
    measured = {phase: {0.5: 1_000 * place, 0.95: 2_000 * place} for place, phase in enumerate(PHASES)}
    lines = phase_table(summary(row("/a", phases_us=measured), row("/by-requests")))
    assert lines[0] == "Where the time went (ms, median / 95%)"
    assert [part.strip() for part in lines[1].split("|")[1].split("  ") if part.strip()] == [
        "name lookup", "connect", "TLS", "sending", "first byte", "receiving",
    ]  # fmt: skip
    (told,) = [line for line in lines if "/a" in line]
    assert " ".join(told.split("|")[1].split()) == "0 / 0 1.00 / 2.00 2.00 / 4.00 3.00 / 6.00 4.00 / 8.00 5.00 / 10.0"
    assert not [line for line in lines if "by-requests" in line]


def test_without_phases_there_is_no_table() -> None:
    assert phase_table(summary(row()), Look(width=100, colour=True)) == []
