"""The corpus of the fuzzing, and a little of it; ``python -m tests.fuzz`` looks for longer."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import CORPUS, WORDS, attempt, corpus, mutated
from tests.fuzz.targets import TARGETS

KEPT = [(path.parent.name, path) for path in sorted(CORPUS.glob("*/*"))]

LITTLE = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.mark.parametrize("name, path", KEPT, ids=[f"{name}-{path.name}" for name, path in KEPT])
def test_what_was_found_once_stays_right(name, path):
    assert attempt(name, path.read_bytes()) is None


def test_every_target_has_a_corpus():
    assert {name for name, _ in KEPT} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_changes_of_the_corpus(name):
    @LITTLE
    @given(st.integers(0, 2**32))
    def look(seed):
        chance = random.Random(seed)
        known = corpus(name)
        assert attempt(name, mutated(chance, chance.choice(known), known)) is None

    look()


@pytest.mark.parametrize("name", TARGETS)
def test_words_in_any_order(name):
    @LITTLE
    @given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=8), max_size=30))
    def look(words):
        assert attempt(name, b"".join(words)) is None

    look()


def test_a_broken_target_would_be_noticed(monkeypatch):
    def broken(data):
        raise KeyError(data)

    monkeypatch.setitem(TARGETS, "broken", broken)
    assert "KeyError" in str(attempt("broken", b"x"))
