import itertools

import pytest

from gregaria.runner.state import TRANSITIONS, check_transition


def test_every_state_is_in_the_table_and_leads_only_to_others_in_it() -> None:
    assert set(TRANSITIONS) == {"ready", "spawning", "running", "cleanup", "stopping", "stopped", "missing"}
    assert set().union(*TRANSITIONS.values()) <= set(TRANSITIONS)


@pytest.mark.parametrize(
    ("before", "after"), [("ready", "running"), ("running", "stopped"), ("stopped", "running"), ("cleanup", "spawning")]
)
def test_a_transition_that_makes_no_sense_is_refused(before: str, after: str) -> None:
    with pytest.raises(RuntimeError, match=f"'{before}' cannot become '{after}'"):
        check_transition(before, after)


def test_a_life_is_allowed() -> None:
    life = ["ready", "spawning", "running", "spawning", "running", "cleanup", "stopped", "spawning", "cleanup"]
    for before, after in itertools.pairwise(life):
        check_transition(before, after)
