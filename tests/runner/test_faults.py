import pytest

from gregaria.runner.faults import Faults, where


def raised(message: str) -> Exception:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def test_errors_of_one_kind_are_told_once_and_summed_up(caplog: pytest.LogCaptureFixture) -> None:
    faults = Faults()
    for index in range(3):
        faults.tell("Shopper", raised(f"number {index}"), "So what.", traceback_wanted=True)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "A user of Shopper ended by ValueError: number 0" in caplog.text
    assert "test_faults.py:" in caplog.text
    assert "Traceback" in caplog.text
    faults.sum_up()
    assert "3 users of Shopper ended by ValueError" in caplog.text


def test_another_class_or_line_is_another_kind(caplog: pytest.LogCaptureFixture) -> None:
    faults = Faults()
    error = raised("x")
    faults.tell("A", error, "", traceback_wanted=False)
    faults.tell("B", error, "", traceback_wanted=False)
    assert len(caplog.records) == 2
    assert "Traceback" not in caplog.text
    faults.sum_up()
    assert len(caplog.records) == 2


def test_a_new_test_forgets(caplog: pytest.LogCaptureFixture) -> None:
    faults = Faults()
    for _ in range(2):
        faults.tell("A", raised("x"), "", traceback_wanted=False)
        faults.clear()
    assert len(caplog.records) == 2


def test_an_error_without_traceback_has_no_place() -> None:
    assert where(None) == ("unknown file", 0)
