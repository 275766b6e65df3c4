"""client/watched.py"""

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
from requests.cookies import RequestsCookieJar, create_cookie
from requests.structures import CaseInsensitiveDict

from gregaria.client.watched import Watched, WatchedAdapters, WatchedDict, WatchedHeaders, WatchedJar, WatchedList


class Watcher:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.told = 0

    def forget(self) -> None:
        self.told += 1

    forget_cookies = forget


CHANGES: dict[type[Watched], list[Callable[[Any], Any]]] = {
    WatchedHeaders: [
        lambda it: it.__setitem__("b", "2"),
        lambda it: it.__delitem__("a"),
        lambda it: it.update({"b": "2"}),
        lambda it: it.update(b="2"),
        lambda it: it.pop("a"),
        lambda it: it.popitem(),
        lambda it: it.setdefault("b", "2"),
        lambda it: it.clear(),
    ],
    WatchedDict: [
        lambda it: it.__setitem__("b", "2"),
        lambda it: it.__delitem__("a"),
        lambda it: it.update({"b": "2"}),
        lambda it: it.__ior__({"b": "2"}),
        lambda it: it.pop("a"),
        lambda it: it.popitem(),
        lambda it: it.setdefault("b", "2"),
        lambda it: it.clear(),
    ],
    WatchedAdapters: [
        lambda it: it.__setitem__("b", "2"),
        lambda it: it.__delitem__("a"),
        lambda it: it.update({"b": "2"}),
        lambda it: it.pop("a"),
        lambda it: it.clear(),
    ],
    WatchedList: [
        lambda it: it.append("b"),
        lambda it: it.extend(["b"]),
        lambda it: it.insert(0, "b"),
        lambda it: it.pop(),
        lambda it: it.remove("a"),
        lambda it: it.clear(),
        lambda it: it.__setitem__(0, "b"),
        lambda it: it.__delitem__(0),
        lambda it: it.__iadd__(["b"]),
    ],
    WatchedJar: [
        lambda it: it.set("b", "2"),
        lambda it: it.set("a", "2"),
        lambda it: it.set("a", None),
        lambda it: it.__setitem__("a", "2"),
        lambda it: it.__delitem__("a"),
        lambda it: it.update({"b": "2"}),
        lambda it: it.clear(),
        lambda it: it.clear("", "/", "a"),
        lambda it: it.set_cookie(create_cookie("a", "1", secure=True)),
        lambda it: it.set_cookie(create_cookie("a", "1", expires=2_000_000_000)),
    ],
}

#: a container with one thing in it
FULL: dict[type[Watched], Callable[[], Any]] = {
    WatchedHeaders: lambda: WatchedHeaders({"a": "1"}),
    WatchedDict: lambda: WatchedDict({"a": "1"}),
    WatchedAdapters: lambda: WatchedAdapters({"a": "1"}),
    WatchedList: lambda: WatchedList(["a"]),
    WatchedJar: lambda: _jar(),
}


def _jar() -> WatchedJar:
    jar = WatchedJar()
    jar.set("a", "1")
    return jar


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, number) for kind, changes in CHANGES.items() for number in range(len(changes))]
)
def test_every_change_is_told(kind: type[Watched], number: int) -> None:
    container, watcher = FULL[kind](), Watcher()
    container.watch(watcher)
    CHANGES[kind][number](container)
    assert watcher.told


@pytest.mark.parametrize("kind", FULL)
def test_looking_is_no_change_and_watching_twice_is_watching_once(kind: type[Watched]) -> None:
    container, watcher = FULL[kind](), Watcher()
    container.watch(watcher)
    container.watch(watcher)
    assert len(container) == 1
    assert list(container)
    assert repr(container)
    assert watcher.told == 0


@pytest.mark.parametrize("kind", FULL)
def test_a_watcher_that_is_gone_is_not_missed(kind: type[Watched]) -> None:
    container = FULL[kind]()
    container.watch(Watcher())
    CHANGES[kind][0](container)


@pytest.mark.parametrize(
    ("kind", "plain"),
    [(WatchedHeaders, CaseInsensitiveDict), (WatchedDict, dict), (WatchedAdapters, OrderedDict), (WatchedList, list)],
)
def test_copies_and_pickles_are_plain_containers(kind: type[Watched], plain: type[Any]) -> None:
    container = FULL[kind]()
    container.watch(Watcher())
    for again in (copy.copy(container), copy.deepcopy(container), pickle.loads(pickle.dumps(container))):
        assert type(again) is plain
        assert again == container


def test_copies_and_pickles_of_a_jar_have_its_cookies_and_tell_nobody() -> None:
    jar, watcher = _jar(), Watcher()
    jar.watch(watcher)
    for again in (jar.copy(), copy.deepcopy(jar), pickle.loads(pickle.dumps(jar))):
        assert isinstance(again, RequestsCookieJar)
        assert again.get_dict() == {"a": "1"}
        again.set("b", "2")
    assert watcher.told == 0


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({}, {}, False),
        ({"expires": 2_000_000_000}, {"expires": 2_000_000_000}, False),
        ({"expires": 2_000_000_000}, {"expires": 2_000_000_060}, False),
        ({"expires": 2_000_000_060}, {"expires": 2_000_000_000}, True),
        ({"expires": 2_000_000_000}, {}, True),
        ({"secure": True}, {}, True),
    ],
)
def test_a_cookie_set_again_is_a_change_only_if_it_goes_out_differently(
    old: dict[str, Any], new: dict[str, Any], changes: bool
) -> None:
    jar, watcher = WatchedJar(), Watcher()
    jar.set_cookie(create_cookie("a", "1", **old))
    jar.watch(watcher)
    jar.set_cookie(create_cookie("a", "1", **new))
    assert bool(watcher.told) is changes
