"""The keys that a secret makes."""

from gregaria.cluster.keys import Keys


def test_the_keys_of_a_secret_are_made_once() -> None:
    first, second = Keys("a secret that is long enough"), Keys("a secret that is long enough")
    assert first._master is second._master
    assert first._worker is second._worker
    assert first._master != first._worker
    assert Keys("another that is long enough")._master != first._master
