"""Plain requests is right: both clients, and HttpUser by either way, do what it does but for the listed differences."""

from collections import Counter

import pytest

from tests.oracle.case import Case
from tests.oracle.differences import DIFFERENCES, EVERYTHING, Difference, allowed
from tests.oracle.mutate import UNNOTICED, functions
from tests.oracle.places import Places
from tests.oracle.run import reference, run
from tests.oracle.seen import differing
from tests.oracle.table import BY_ID, CASES, PHRASES

# requests' own, of those cases that are about it.
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


def _parameters() -> list[object]:
    parameters = []
    for case in CASES:
        for way in case.ways:
            marks = [pytest.mark.needs("nginx")] if case.server == "nginx" else []
            parameters.append(pytest.param(case, way, marks=marks, id=f"{way}-{case.id}"))
    return parameters


@pytest.mark.parametrize("case, way", _parameters())
def test_a_case_comes_out_as_with_requests(places: Places, case: Case, way: str) -> None:
    found = differing(reference(case, places), run(case, way, places))
    must, may = allowed(case, way)
    if EVERYTHING in must:
        assert case.checks is not None
        assert found, "a listed difference no longer occurs"
        return
    unexpected = {aspect: pair for aspect, pair in found.items() if aspect not in must | may}
    assert not unexpected, "".join(
        f"\n{aspect}\n  requests: {expected!r:.900}\n  {way}: {seen!r:.900}"
        for aspect, (expected, seen) in unexpected.items()
    )
    assert must <= found.keys(), "a listed difference no longer occurs"


@pytest.mark.parametrize(
    "difference", [each for each in DIFFERENCES if callable(each.cases)], ids=lambda each: "+".join(each.aspects)
)
def test_a_difference_that_is_listed_for_many_cases_still_occurs(places: Places, difference: Difference) -> None:
    case = BY_ID[difference.example]
    for way in difference.ways:
        found = differing(reference(case, places), run(case, way, places))
        assert set(difference.aspects) <= found.keys()


def test_every_phrase_has_four_cases_and_all_have_two_hundred() -> None:
    count = Counter(case.phrase for case in CASES)
    assert {phrase: count[phrase] for phrase in PHRASES if count[phrase] < 4} == {}
    assert set(count) == set(PHRASES)
    assert len(CASES) >= 200
    assert len(BY_ID) == len(CASES), "two cases have the same name"


def test_functions_that_no_case_can_notice_exist_and_have_a_reason() -> None:
    assert UNNOTICED.keys() <= functions([]).keys()
    assert all(UNNOTICED.values())


def test_every_listed_difference_names_cases_that_exist() -> None:
    named = {name for each in DIFFERENCES if isinstance(each.cases, frozenset) for name in each.cases}
    assert named <= BY_ID.keys()
    assert all(each.why and (each.example in BY_ID or not callable(each.cases)) for each in DIFFERENCES)
