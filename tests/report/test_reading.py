"""What is read of a document is what its schema says; all else is refused with the field and what is expected there."""

import copy
import itertools
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gregaria.engine.phases import PHASES
from gregaria.errors import CommandError, ExitCode
from gregaria.report.compare import compare
from gregaria.report.comparison import comparison_document, comparison_lines
from gregaria.report.html import report_html
from gregaria.report.json import document
from gregaria.report.measured import run_of_document
from gregaria.report.reading import SCHEMA_FILE, read_document
from gregaria.report.shape import Misshapen, checker_of
from gregaria.stats.summary import Limits
from gregaria.version import VERSION
from tests.report.runs import run_document
from tests.report.sample import exchange, failure, generator, generator_error, point, row, summary, task_exception

SCHEMA = json.loads(SCHEMA_FILE.read_text())
#: what a document of before the timeline did not have
ADDED_LATER = {
    *("timeline", "machine", "task_ratios", "kept_exchanges", "shown_percentiles", "verdict", "after_warmup"),
    "limits",
}
#: what may stand where something else is expected
STRANGE = (None, True, 0, 1, -1, 0.5, -0.5, 2**53, 10**300, 1e300, 5e-324, "", "</script>", [], {}, [1], {"a": 1}, [[]])

Place = tuple[str | int, ...]


def full_document() -> dict[str, Any]:
    """One that has something of everything."""
    made = document(
        summary(
            row("/a", phases_us={phase: {0.5: 12} for phase in PHASES}),
            row("/b", method="POST"),
            failures=(failure(exchanges=(exchange(),)),),
            generator_errors=(generator_error(),),
            exceptions=(task_exception(),),
            history=(point(),),
            generator=generator(),
            task_ratios={"per_class": {"A": {"ratio": 1.0, "tasks": {"t": {"ratio": 1.0}}}}, "total": {}},
            limits=Limits(("*.example",), 12.5, 3, 9),
        )
    )
    told: dict[str, Any] = json.loads(
        json.dumps(made | {"timeline": run_document(1, seconds=7, per_second=10)["timeline"]})
    )
    return told


def places_of(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where something stands; of lists the first two entries and the last."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in entries:
        if isinstance(value, dict) or key in (0, 1, len(value) - 1):
            yield (*place, key)
            yield from places_of(each, (*place, key))


def changed(told: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """A copy with another value there; without that entry if the value is Ellipsis."""
    made = copy.deepcopy(told)
    inner: Any = made
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return made


def read(folder: Path, told: Any) -> dict[str, Any]:
    path = folder / "a.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    return read_document(path)


def refusal(folder: Path, told: Any) -> str:
    with pytest.raises(CommandError) as refused:
        read(folder, told)
    assert refused.value.exit_code == ExitCode.USAGE
    return str(refused.value).replace(str(folder / "a.json"), "a.json")


def test_what_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    for told in (full_document(), run_document(1)):
        assert read(tmp_path, told) == told
    assert read(tmp_path, "\ufeff" + json.dumps(told)) == told


def test_every_word_of_the_schema_is_one_that_is_checked() -> None:
    checker_of(SCHEMA)
    with pytest.raises(KeyError, match="multipleOf"):
        checker_of({"type": "integer", "multipleOf": 2})


def test_whatever_is_changed_is_refused_if_the_schema_refuses_it() -> None:
    told, check, validator = full_document(), checker_of(SCHEMA), Draft202012Validator(SCHEMA)
    chance = random.Random(1)
    changes = [(place, value) for place in places_of(told) for value in (..., *STRANGE)]
    refused = 0
    for place, value in chance.sample(changes, 500):
        made = changed(told, place, value)
        expected = validator.is_valid(made)
        # The schema language itself has no end of numbers.
        if expected and isinstance(value, int | float) and abs(value) >= 2**53:
            continue
        if expected:
            check(made)
        else:
            refused += 1
            with pytest.raises(Misshapen):
                check(made)
    assert refused > 300


def test_what_is_read_can_be_compared_and_shown_whatever_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text('<script type="application/json" id="run"></script>')
    monkeypatch.setattr("gregaria.report.html._PAGE", page)
    chance = random.Random(2)
    other = run_of_document(run_document(3, seconds=12, per_second=30), "other")
    taken = 0
    for told in (full_document(), run_document(1, seconds=12, per_second=30)):
        changes = [(place, value) for place in places_of(told) for value in (..., *STRANGE, 10**15, 1e-300)]
        for place, value in chance.sample(changes, 150):
            try:
                found = read(tmp_path, changed(told, place, value))
            except CommandError as error:
                assert str(error).startswith(str(tmp_path / "a.json"))  # noqa: PT017
                continue
            taken += 1
            assert report_html(found).count("</script") == 1
            comparison = compare(run_of_document(found, "a"), other)
            json.dumps(comparison_document(comparison), allow_nan=False)
            comparison_lines(comparison, width=80, height=24)
    assert taken > 20


@pytest.mark.parametrize("field", sorted(SCHEMA["required"]))
def test_each_field_that_is_missing_is_named_unless_it_was_added_later(tmp_path: Path, field: str) -> None:
    told = full_document()
    del told[field]
    if field in ADDED_LATER:
        assert field not in read(tmp_path, told)
    elif field == "schema":
        assert refusal(tmp_path, told).endswith("it has no schema, where gregaria.summary/1 is expected")
    else:
        assert refusal(tmp_path, told) == f"a.json is broken, or no document of --json-file: {field} is missing"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("total",), [], "total is [] where an object is expected"),
        (("total", "num_requests"), "9", 'total.num_requests is "9" where a whole number is expected'),
        (("requests", 1, "num_failures"), True, "requests[1].num_failures is true where a whole number is expected"),
        (
            ("requests", 0, "max_ms"),
            {"a": 1},
            "requests[0].max_ms is an object of 1 where a number or null is expected",
        ),
        (
            ("requests", 1, "histogram_us", "1984"),
            0,
            'requests[1].histogram_us["1984"] is 0 where a whole number from 1 to 9,007,199,254,740,991 is expected',
        ),
        (("total", "total_rps"), math.nan, "total.total_rps is NaN where a number from 0 to"),
        (("duration_s",), -math.inf, "duration_s is -Infinity where a number from 0 to"),
        (("options", "users"), math.inf, "options.users is Infinity where a number is expected"),
        (("host",), "x" * 500_000, None),
        (("notes",), 10**100, f"notes is {10**59}… where a list is expected"),
        (
            ("timeline", "buckets_per_octave"),
            65,
            "timeline.buckets_per_octave is 65 where 64 or 32 or 16 or 8 is expect",
        ),
        (("timeline", "blocks", 1), [1, 2], "timeline.blocks[1] has 2 entries where 5 are expected"),
        (("timeline", "blocks", 2, 4, 0, 0), 99, "timeline.blocks[2][4][0] names entry 99 of 2 names"),
        (
            ("timeline", "blocks", 2, 4, 0, 4),
            [1],
            "timeline.blocks[2][4][0] ends with a distance where its count is exp",
        ),
        (("timeline", "blocks", 2, 4, 0, 4), [10**9, 1], "timeline.blocks[2][4][0] names bucket 1,000,000,000 of "),
        (
            ("timeline", "blocks", 2, 4, 0, 4),
            [0, 0],
            "timeline.blocks[2][4][0] has a bucket of 0 where a count from 1 on",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, place: Place, value: Any, message: str | None) -> None:
    told = changed(full_document(), place, value)
    if message is None:
        assert read(tmp_path, told) == told
    else:
        assert refusal(tmp_path, told).startswith(f"a.json is broken, or no document of --json-file: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("{", "it ends in the middle, at line 1, column 2"),
        ('{"schema": x}', "it is no JSON at line 1, column 12"),
        ("<html>", "it is no JSON at line 1, column 1"),
        ("[1, 2]", "it is a list, such as --json prints; --json-file writes what is needed"),
        (f"[{'1,' * 1_000_000}1]", "it is a list, such as --json prints; --json-file writes what is needed"),
        ("3", "it has no schema, where gregaria.summary/1 is expected"),
        ("{}", "it has no schema, where gregaria.summary/1 is expected"),
        ('{"schema": ["a"]}', 'it has the schema ["a"], where gregaria.summary/1 is expected'),
        ('{"schema": "gregaria.comparison/1"}', 'it has the schema "gregaria.comparison/1", where gregaria.summary/1'),
        ('{"schema": "gregaria.summary/0"}', 'it has the schema "gregaria.summary/0", where gregaria.summary/1'),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"schema": ' + "9" * 5000 + "}", "it has a number of thousands of digits"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_told_what_it_is(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text).startswith(f"a.json is no document of --json-file: {message}")


@pytest.mark.parametrize("place", [("task_ratios", "total"), ("of a later version",)])
def test_what_is_nested_more_deeply_than_it_could_be_written_again_is_refused(tmp_path: Path, place: Place) -> None:
    shares: dict[str, Any] = {}
    for _ in range(400):
        shares = {"t": {"ratio": 1.0, "tasks": shares}}
    told = changed(full_document(), place, shares)
    assert refusal(tmp_path, told) == "a.json is no document of --json-file: it is nested too deeply"


def test_a_later_schema_is_refused_with_both_versions(tmp_path: Path) -> None:
    assert refusal(tmp_path, {"schema": "gregaria.summary/9"}) == (
        f"a.json is of a later version: its schema is gregaria.summary/9, and Gregaria {VERSION} reads "
        "gregaria.summary/1; use the version that wrote it, or a later one"
    )


def test_a_document_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    text = json.dumps(full_document())
    for end in itertools.chain(range(300), range(300, len(text), len(text) // 100)):
        assert refusal(tmp_path, text[:end]).startswith("a.json is no document of --json-file: it ")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"missing\.json cannot be read: No such file"):
        read_document(tmp_path / "missing.json")
    with pytest.raises(CommandError, match="cannot be read: Is a directory"):
        read_document(tmp_path)
    (tmp_path / "a.json").write_bytes(b"\x89PNG\xff")
    with pytest.raises(CommandError, match=r"run 7 is no document of --json-file: it is no text in UTF-8"):
        read_document(tmp_path / "a.json", "run 7")
