"""What a session holds, changed between requests in every way that its containers know; and copies of it."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tests.oracle.case import Case, Do
from tests.oracle.phrases import CONTAINERS
from tests.oracle.places import Places
from tests.oracle.ways import HTTP, Client

Change = Callable[[Any], Any]


def changing(*changes: Change, path: str = "/a") -> Do:
    """The same request again after each change of the session; what a change returns is compared too."""

    def do(client: Client, places: Places) -> None:
        for _ in range(2):
            client.get(path)
        for change in changes:
            client.note(change(client.session))
            client.get(path)

    return do


def _params(change: Callable[[Any], Any]) -> Change:
    return lambda session: change(session.params)


def _put(container: Any, key: Any, value: Any) -> None:
    container[key] = value


def _remove(container: Any, key: Any) -> None:
    del container[key]


def _merge(container: Any) -> None:
    container |= {"merged": "1"}


PARAMS: list[Change] = [
    _params(lambda params: _put(params, "put", "1")),
    _params(lambda params: params.update(more="2", most="3")),
    _params(lambda params: params.setdefault("default", "4")),
    _params(_merge),
    _params(lambda params: params.pop("more")),
    _params(lambda params: _remove(params, "put")),
    _params(lambda params: params.popitem()),
    _params(lambda params: params.clear()),
]


def _hooks_in_every_way(client: Client, places: Places) -> None:
    heard: list[str] = []

    def hook(name: str) -> Callable[..., None]:
        return lambda response, **_: heard.append(name)

    hooks = client.session.hooks["response"]
    first, second, third = hook("first"), hook("second"), hook("third")

    def add(more: Any) -> None:
        listened = hooks
        listened += more

    changes: list[Callable[[], Any]] = [
        lambda: hooks.append(first),
        lambda: hooks.remove(first),
        lambda: hooks.extend([first, second]),
        lambda: hooks.pop(),
        lambda: hooks.insert(0, third),
        lambda: _put(hooks, 0, second),
        lambda: _remove(hooks, 0),
        lambda: add([third]),
        lambda: hooks.clear(),
    ]
    # Each of them by itself as well: what was left of the one before would tell of the next.
    for change in changes:
        client.get("/a")
        change()
        client.get("/a")
        client.note(list(heard))
        heard.clear()
    for leave in (lambda: hooks.remove(first), lambda: hooks.pop(), lambda: _remove(hooks, 0), lambda: hooks.clear()):
        hooks.append(first)
        client.get("/a")
        leave()
        client.get("/a")
        client.note(list(heard))
        heard.clear()


def _adapters_in_every_way(client: Client, places: Places) -> None:
    adapters = client.session.adapters
    leave: list[Callable[[], Any]] = [
        lambda: _remove(adapters, "http://"),
        lambda: adapters.pop("http://"),
        lambda: adapters.clear(),
    ]
    for each in leave:
        client.get("/a")
        each()
        try:
            client.session.get(client.base_url + "/b")
        except requests.RequestException as error:
            client.note(type(error).__name__)
        client.session.mount("http://", HTTPAdapter())
    client.get("/c")


def _dictionaries_of_ones_own(client: Client, places: Places) -> None:
    client.session.headers = {"X-Own": "1", "Accept": "text/plain"}
    client.session.params = {"of": ["one", "two"]}
    for _ in range(2):
        client.get("/a")
    client.session.headers["X-Own"] = "2"
    client.get("/a")
    client.session.params["of"].append("three")
    client.get("/a")


def _jar_of_ones_own(client: Client, places: Places) -> None:
    class Jar(requests.cookies.RequestsCookieJar):
        """Somebody's own."""

    client.session.cookies = Jar()
    client.get("/a?cookie=a=1")
    client.get("/b")
    client.session.cookies.set("c", "2")
    client.get("/b")
    # The same again for a jar that is no longer one's own.
    client.session.cookies = requests.cookies.cookiejar_from_dict({"d": "3"})
    client.get("/b")


def _deleted(client: Client, places: Places) -> None:
    session = client.session
    client.get("/a?to=/b")
    session.get_redirect_target = lambda response: None
    client.get("/a?to=/b")
    del session.get_redirect_target
    client.get("/a?to=/b")
    session.remark = "kept"
    client.note(session.remark)
    del session.remark
    client.note(hasattr(session, "remark"))
    client.get("/a?to=/b")


def _replaced_for_a_while(client: Client, places: Places) -> None:
    session = client.session
    client.get("/a")
    asked: list[str] = []
    merge = session.merge_environment_settings

    def noting(url: str, *arguments: Any) -> Any:
        asked.append(url)
        return merge(url, *arguments)

    session.merge_environment_settings = noting
    client.get("/a")
    del session.merge_environment_settings
    client.get("/a")
    client.note(asked)


def _copies(client: Client, places: Places) -> None:
    session = client.session
    session.params["a"] = "1"
    session.headers["X-Own"] = "1"
    session.hooks["response"].append(len)
    for copied in (copy.deepcopy, copy.copy, lambda container: pickle.loads(pickle.dumps(container))):
        client.note([dict(copied(session.params)), dict(copied(session.headers)), dict(copied(session.hooks))])
        client.note(list(copied(session.hooks["response"])) == [len])
    client.note([prefix for prefix in copy.copy(session.adapters) if prefix != "http+unix://"])
    session.hooks["response"].clear()
    copied = copy.copy(session.params)
    copied["b"] = "2"
    client.get("/a")


CASES = [
    Case(CONTAINERS, "parameters in every way", changing(*PARAMS), ways=HTTP),
    *[
        Case(CONTAINERS, f"parameters that {name}", changing(*steps), ways=HTTP)
        for name, steps in {
            "are merged into": (_params(_merge),),
            "have a default": (_params(lambda params: params.setdefault("default", "1")),),
            "are updated": (_params(lambda params: params.update(a="1")),),
            "lose one by name": (PARAMS[0], _params(lambda params: _remove(params, "put"))),
            "lose one by pop": (PARAMS[0], _params(lambda params: params.pop("put"))),
            "lose the last": (PARAMS[0], _params(lambda params: params.popitem())),
            "lose all": (PARAMS[0], _params(lambda params: params.clear())),
        }.items()
    ],
    Case(CONTAINERS, "hooks in every way", _hooks_in_every_way, ways=HTTP),
    Case(CONTAINERS, "adapters that are taken away", _adapters_in_every_way, ways=HTTP, counted=None),
    Case(CONTAINERS, "dictionaries of one's own", _dictionaries_of_ones_own, ways=HTTP),
    Case(CONTAINERS, "a jar of one's own", _jar_of_ones_own, ways=HTTP),
    Case(CONTAINERS, "attributes that are deleted", _deleted, ways=HTTP),
    Case(CONTAINERS, "a method that is replaced for a while", _replaced_for_a_while, ways=HTTP),
    Case(CONTAINERS, "copies", _copies, ways=HTTP),
]
