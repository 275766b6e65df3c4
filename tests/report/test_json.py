import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from gregaria.engine.phases import PHASES
from gregaria.errors import CommandError, ExitCode
from gregaria.report.json import SCHEMA, check_document_path, document, document_path, to_locust_json, write_document
from gregaria.report.reading import SCHEMA_FILE
from gregaria.stats.generator import Load
from gregaria.stats.summary import (
    ExceptionRow,
    FailureRow,
    GeneratorErrorRow,
    HistoryPoint,
    Limits,
    RequestRow,
    Summary,
)
from tests.report.sample import (
    exchange,
    failure,
    generator,
    generator_error,
    point,
    row,
    silent_row,
    summary,
    task_exception,
)

PUBLISHED = json.loads(SCHEMA_FILE.read_text())
VALIDATOR = Draft202012Validator(PUBLISHED)


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


# Locust's list


def test_locusts_list_has_an_entry_for_each_name_with_locusts_keys_and_no_total() -> None:
    made = summary(
        row("/b"),
        row("/a", num_requests=3, num_none_requests=1, avg_us=150_000.0, min_us=140_000, max_us=160_000,
            histogram_us={139_264: 1, 159_744: 1}, per_second={1_700_000_001: (2, 1), 1_700_000_002: (1, 0)}),
    )  # fmt: skip
    first, second = json.loads(to_locust_json(made))
    assert first == {
        "name": "/a",
        "method": "GET",
        "last_request_timestamp": 1_700_000_002.0,
        "start_time": 1_700_000_000.0,
        "num_requests": 3,
        "num_none_requests": 1,
        "num_failures": 0,
        "total_response_time": 300.0,
        "max_response_time": 160.0,
        "min_response_time": 140.0,
        "total_content_length": 17_000,
        "response_times": {"140": 1, "160": 1},
        "num_reqs_per_sec": {"1700000001": 2, "1700000002": 1},
        "num_fail_per_sec": {"1700000001": 1},
    }
    assert second["name"] == "/b"


def test_locusts_list_is_indented_by_four_and_can_be_made_again() -> None:
    made = summary(row())
    assert to_locust_json(made).startswith('[\n    {\n        "name": "/",')
    assert to_locust_json(made) == to_locust_json(made)


def test_an_entry_without_times_is_told_as_locust_tells_it() -> None:
    (entry,) = json.loads(to_locust_json(summary(silent_row(), started_epoch_s=None)))
    assert entry["min_response_time"] is None
    assert entry["max_response_time"] == 0
    assert entry["last_request_timestamp"] is None
    assert entry["response_times"] == {}


def test_response_times_are_rounded_as_locust_rounds_them() -> None:
    made = row(histogram_us={210: 5, 99_328: 3, 1_040_384: 2}, min_us=210, max_us=1_050_000)
    (entry,) = json.loads(to_locust_json(summary(made)))
    assert entry["response_times"] == {"0": 5, "100": 3, "1000": 2}


# The document


def test_the_document_holds_everything() -> None:
    made = summary(
        row("/a", num_interrupted=2, intended_percentiles_us={0.5: 5_000}, num_late=4, num_generator_errors=5,
            phases_us={key: {0.5: 120, 1.0: 4500} for key in PHASES}),
        failures=(failure(exchanges=(exchange(), exchange())),),
        generator_errors=(generator_error(),),
        exceptions=(task_exception(),),
        history=(point(5),),
        notes=("Read this.",),
        options={"users": 10, "run_time_s": 60.0},
        ended_epoch_s=1_700_000_010.25,
    )
    told = document(made)
    assert told["schema"] == "gregaria.summary/1" == SCHEMA == PUBLISHED["$id"]
    assert told["started_at"] == "2023-11-14T22:13:20.000Z"
    assert told["ended_at"] == "2023-11-14T22:13:30.250Z"
    assert told["options"] == {"users": 10, "run_time_s": 60.0}
    assert told["interrupted"] == 2
    assert told["notes"] == ["Read this."]
    assert told["history"][0]["current_percentiles_ms"] == {"p50": 1.99, "p95": 2.94}
    (told_row,) = told["requests"]
    assert told_row["percentiles_ms"]["p99.9"] == 2.989
    assert told_row["intended_percentiles_ms"] == {"p50": 5.0}
    assert (told_row["num_late"], told_row["num_generator_errors"]) == (4, 5)
    assert told_row["phases_ms"] == {key: {"p50": 0.12, "p100": 4.5} for key in PHASES}
    assert told["total"]["phases_ms"] is None
    assert told_row["histogram_us"] == {"210": 1, "1984": 998, "47104": 1}
    assert told["total"]["name"] == "Aggregated"
    assert told["failures"][0]["sample"] == "500 Server Error"
    assert told["failures"][0]["exchanges"] == 2
    assert told["generator_errors"][0]["error"] == "too many open files; raise `ulimit -n`"
    assert told["exceptions"][0]["nodes"] == ["local"]
    VALIDATOR.validate(told)


def test_a_run_without_requests_has_a_valid_document_with_nulls() -> None:
    told = document(summary(silent_row(), started_epoch_s=None, host=None))
    VALIDATOR.validate(told)
    assert told["total"]["avg_ms"] is told["total"]["median_ms"] is told["total"]["min_ms"] is None
    assert told["total"]["percentiles_ms"] == {}


def keys(schema: dict[str, Any]) -> set[str]:
    assert set(schema["required"]) == set(schema["properties"])
    return set(schema["properties"])


def test_the_published_schema_describes_every_field_and_no_other() -> None:
    busy = generator((3, 212_000), loads=(Load("task Checkout.compute", 0.7),))
    told = document(
        summary(
            row(phases_us={key: {} for key in PHASES}),
            failures=(failure(exchanges=(exchange(),)),),
            task_ratios={"per_class": {"User": {"ratio": 1.0, "tasks": {"buy": {"ratio": 1.0}}}}, "total": {}},
            generator_errors=(generator_error(),),
            exceptions=(task_exception(),),
            history=(point(),),
            generator=busy,
            limits=Limits(("shop.example",), 50.0, 3, 9),
        )
    )
    Draft202012Validator.check_schema(PUBLISHED)
    parts = PUBLISHED["$defs"]
    assert keys(PUBLISHED) == set(told)
    assert keys(parts["machine"]) == set(told["machine"])
    kept = told["failures"][0]["kept_exchanges"][0]
    assert keys(parts["exchange"]) == set(kept)
    assert keys(parts["half"]) == set(kept["request"])
    assert keys(PUBLISHED["properties"]["task_ratios"]) == set(told["task_ratios"])
    assert keys(PUBLISHED["properties"]["limits"]) == set(told["limits"])
    assert keys(parts["row"]) == set(told["total"]) == set(told["requests"][0])
    assert keys(parts["failure"]) == set(told["failures"][0])
    assert keys(parts["generator_error"]) == set(told["generator_errors"][0])
    assert parts["row"]["properties"]["phases_ms"]["required"] == list(told["requests"][0]["phases_ms"])
    assert keys(parts["exception"]) == set(told["exceptions"][0])
    assert keys(parts["point"]) == set(told["history"][0])
    assert keys(parts["generator"]) == set(told["generator"])
    assert keys(parts["second"]) == set(told["generator"]["seconds"][0])
    assert keys(parts["cause"]) == set(told["generator"]["causes"][0])
    for name in ("late_seconds", "busy_with"):
        assert keys(parts["generator"]["properties"][name]["items"]) == set(told["generator"][name][0])
    assert keys(parts["generator"]["properties"]["verdict"]) == set(told["generator"]["verdict"])
    VALIDATOR.validate(told)


@pytest.mark.parametrize(
    "spoilt", [{"schema": "gregaria.summary/2"}, {"total": {}}, {"user_count": -1}, {"notes": [1]}]
)
def test_the_published_schema_refuses_what_is_not_such_a_document(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VALIDATOR.validate(document(summary(row())) | spoilt)


def test_options_become_what_json_can_hold() -> None:
    options = {"tags": {"b", "a"}, "path": Path("x"), "nested": {1: (float("inf"), None, True)}}
    assert document(summary(options=options))["options"] == {
        "tags": ["a", "b"],
        "path": "x",
        "nested": {"1": ["inf", None, True]},
    }


COUNTS = st.integers(0, 2**40)
TIMES = st.integers(0, 2**32)
FIGURES = st.floats(min_value=0) | st.just(float("nan"))
MOMENTS = st.none() | st.floats(0, 2**33)
TEXTS = st.text(max_size=20)
PERCENTILES = st.dictionaries(st.sampled_from([0.0, 0.5, 0.95, 0.999, 0.9999, 1.0]), TIMES)

ROWS = st.builds(
    RequestRow,
    method=TEXTS,
    name=TEXTS,
    num_requests=COUNTS,
    num_none_requests=COUNTS,
    num_failures=COUNTS,
    num_interrupted=COUNTS,
    min_us=st.none() | TIMES,
    max_us=st.none() | TIMES,
    avg_us=FIGURES,
    median_us=TIMES,
    percentiles_us=PERCENTILES,
    intended_percentiles_us=PERCENTILES,
    avg_size_bytes=FIGURES,
    total_size_bytes=COUNTS,
    current_rps=FIGURES,
    current_fail_per_s=FIGURES,
    total_rps=FIGURES,
    total_fail_per_s=FIGURES,
    histogram_us=st.dictionaries(TIMES, st.integers(1, 2**40), max_size=5),
    per_second=st.dictionaries(st.integers(0, 2**33), st.tuples(COUNTS, COUNTS), max_size=3),
    num_generator_errors=COUNTS,
    num_late=COUNTS,
    phases_us=st.none() | st.fixed_dictionaries(dict.fromkeys(PHASES, PERCENTILES)),
)
SUMMARIES = st.builds(
    Summary,
    state=TEXTS,
    user_count=COUNTS,
    user_classes=st.dictionaries(TEXTS, COUNTS, max_size=3),
    host=st.none() | TEXTS,
    locustfiles=st.tuples(TEXTS),
    started_epoch_s=MOMENTS,
    ended_epoch_s=MOMENTS,
    duration_s=FIGURES,
    requests=st.lists(ROWS, max_size=3).map(tuple),
    total=ROWS,
    failures=st.lists(st.builds(FailureRow, TEXTS, TEXTS, TEXTS, TEXTS, COUNTS, MOMENTS, MOMENTS), max_size=2).map(
        tuple
    ),
    exceptions=st.lists(st.builds(ExceptionRow, COUNTS, TEXTS, TEXTS, st.tuples(TEXTS)), max_size=2).map(tuple),
    history=st.lists(
        st.builds(HistoryPoint, st.floats(0, 2**33), COUNTS, FIGURES, FIGURES, FIGURES, PERCENTILES, COUNTS, COUNTS),
        max_size=2,
    ).map(tuple),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    generator_errors=st.lists(
        st.builds(GeneratorErrorRow, TEXTS, TEXTS, TEXTS, TEXTS, COUNTS, MOMENTS, MOMENTS), max_size=2
    ).map(tuple),
    options=st.dictionaries(TEXTS, st.none() | st.floats() | TEXTS | st.lists(st.floats()), max_size=3),
)


@given(SUMMARIES)
def test_whatever_was_counted_the_document_is_valid_json_of_the_schema(made: Summary) -> None:
    text = json.dumps(document(made), allow_nan=False)
    VALIDATOR.validate(json.loads(text, parse_constant=no_constant))


@given(SUMMARIES)
def test_whatever_was_counted_locusts_list_is_valid_json(made: Summary) -> None:
    entries = json.loads(to_locust_json(made), parse_constant=no_constant)
    assert [(each["method"], each["name"]) for each in entries] == [(each.method, each.name) for each in made.requests]


# The file


@pytest.mark.parametrize(
    ("name", "path"),
    [("run", "run.json"), ("run.json", "run.json"), ("a/run.JSON", "a/run.JSON"), ("v1.2", "v1.2.json")],
)
def test_the_file_has_the_ending_json(name: str, path: str) -> None:
    assert document_path(name) == Path(path)


def test_the_document_is_written_whole_into_directories_made_for_it(tmp_path: Path) -> None:
    path = write_document(str(tmp_path / "new" / "run"), summary(row("/ünï\ud800")))
    assert path == tmp_path / "new" / "run.json"
    VALIDATOR.validate(json.loads(path.read_text(), parse_constant=no_constant))
    assert [each.name for each in path.parent.iterdir()] == ["run.json"]


def test_a_place_that_cannot_be_written_to_is_refused_before_and_after(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    name = str(tmp_path / "file" / "run")
    for refuse in (lambda: check_document_path(name), lambda: write_document(name, summary(row()))):
        with pytest.raises(CommandError, match=r"^--json-file: cannot write .*run\.json") as refused:
            refuse()
        assert refused.value.exit_code == ExitCode.OUTPUT


def test_a_place_that_can_be_written_to_is_left_as_it_was(tmp_path: Path) -> None:
    check_document_path(str(tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []
