import json
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from gregaria.client.pool import ClientPool
from gregaria.client.requests import HttpSession
from gregaria.client.session import FastHttpSession
from gregaria.errors import InterruptTaskSet
from gregaria.users.http import FastHttpUser, HttpUser
from tests.support.echo import Echo, echo_server
from tests.support.environments import QuietEnvironment


@pytest.fixture(scope="module")
def server() -> Iterator[Echo]:
    with echo_server() as echo:
        yield echo


@pytest.fixture
def environment() -> QuietEnvironment:
    return QuietEnvironment()


@pytest.fixture
def requests(environment: QuietEnvironment) -> list[dict[str, Any]]:
    """Every request that was told."""
    told: list[dict[str, Any]] = []
    environment.events.request.add_listener(lambda **arguments: told.append(arguments))
    return told


@pytest.fixture(params=[HttpUser, FastHttpUser])
def user(request: pytest.FixtureRequest, server: Echo, environment: QuietEnvironment) -> Any:
    return type("Caller", (request.param,), {"host": server.url})(environment)


def test_both_are_to_be_derived_from() -> None:
    assert HttpUser.abstract
    assert FastHttpUser.abstract
    assert not type("Concrete", (HttpUser,), {}).abstract  # type: ignore[attr-defined]


def test_the_client_asks_the_host_and_shares_the_users_gate(user: Any, requests: list[dict[str, Any]]) -> None:
    assert isinstance(user.client, HttpSession if isinstance(user, HttpUser) else FastHttpSession)
    assert user.client.gate is user.gate
    assert user.client.get("/there").status_code == 200
    assert [told["name"] for told in requests] == ["/there"]


@pytest.mark.parametrize("base", [HttpUser, FastHttpUser])
def test_a_user_without_host_may_ask_whole_urls(base: Any, server: Echo, environment: QuietEnvironment) -> None:
    user = type("Homeless", (base,), {})(environment)
    assert user.client.get(f"{server.url}/whole").status_code == 200


def test_what_a_fast_user_class_says_reaches_its_session(environment: QuietEnvironment) -> None:
    pool = ClientPool()
    contexts = []

    def context() -> ssl.SSLContext:
        contexts.append(ssl.create_default_context())
        return contexts[-1]

    class Careful(FastHttpUser):
        insecure = False
        max_redirects = 3
        client_pool = pool
        default_headers = {"X-Who": "me"}
        ssl_context_factory = context

    client = Careful(environment).client
    assert client.max_redirects == 3
    assert not client.insecure
    assert client.client_pool is pool
    assert client.client.default_headers["X-Who"] == "me"
    assert client.route.factory is context


def test_rest_asks_for_json_and_reads_it(user: Any, requests: list[dict[str, Any]]) -> None:
    with user.rest("POST", "/items", json={"a": 1}, headers={"X-Mine": "1"}) as response:
        headers = {name.lower(): value for name, value in response.js["headers"]}
        assert response.js["method"] == "POST"
        assert headers["accept"] == headers["content-type"] == "application/json"
        assert headers["x-mine"] == "1"
    assert [told["exception"] for told in requests] == [None]


def test_a_header_of_ones_own_wins_whatever_its_case(user: Any) -> None:
    with user.rest("GET", "/", headers={"accept": "application/problem+json"}) as response:
        accepted = [value for name, value in response.js["headers"] if name.lower() == "accept"]
    assert accepted == ["application/problem+json"]


def failure_of(block: Any, requests: list[dict[str, Any]]) -> str:
    block()
    [told] = requests
    return str(told["exception"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [("say=%22hello%22", "hello"), ("say=", None), ("say=null", None), ("say=[]", [])],
)
def test_js_is_the_body_and_none_when_there_is_no_body(
    user: Any, requests: list[dict[str, Any]], query: str, expected: Any
) -> None:
    with user.rest("GET", f"/?{query}") as response:
        assert response.js == expected
    assert requests[0]["exception"] is None


def test_a_body_that_is_not_json_is_the_failure_and_what_follows_from_it_is_not(
    user: Any, requests: list[dict[str, Any]]
) -> None:
    with user.rest("GET", "/?say=" + "x" * 300) as response:
        assert response.js["key"] == 1
    text = str(requests[0]["exception"])
    assert text.startswith("Could not parse response as JSON. " + "x" * 250 + ", response code 200, error ")


def test_a_failed_assertion_is_the_failure(user: Any, requests: list[dict[str, Any]]) -> None:
    with user.rest("GET", "/?say=[1]") as response:
        assert len(response.js) == 2, "expected two"
    assert str(requests[0]["exception"]).startswith("expected two")


def test_an_assertion_that_ends_in_a_comma_quotes_the_response(user: Any, requests: list[dict[str, Any]]) -> None:
    with user.rest("GET", "/?say=[1]"):
        raise AssertionError("expected two,")
    assert str(requests[0]["exception"]) == "expected two, response was [1]"


def test_an_assertion_without_words_says_where_it_stands(user: Any, requests: list[dict[str, Any]]) -> None:
    with user.rest("GET", "/?say=[1]"):
        raise AssertionError
    assert f"assertion failed at {__file__}:" in str(requests[0]["exception"])


def test_an_accident_in_the_block_is_the_failure_with_its_place(user: Any, requests: list[dict[str, Any]]) -> None:
    with user.rest("GET", "/?say={}") as response:
        response.js["missing"]
    text = str(requests[0]["exception"])
    assert text.startswith(f"KeyError: 'missing' at {__file__}:")
    assert text.endswith("Response was {}")


def test_no_answer_is_the_failure_whatever_the_block_makes_of_it(user: Any, requests: list[dict[str, Any]]) -> None:
    with user.rest("GET", "/?hang_up=1") as response:
        assert response.js["key"]
    assert requests[0]["exception"] is not None
    assert "TypeError" not in repr(requests[0]["exception"])


def test_a_status_that_fails_is_a_failure_without_further_words(user: Any, requests: list[dict[str, Any]]) -> None:
    with user.rest("GET", "/status/503?say={}"):
        pass
    assert "503" in str(requests[0]["exception"])


def test_what_steers_a_user_passes_through_a_rest_block(user: Any) -> None:
    with pytest.raises(InterruptTaskSet):
        with user.rest("GET", "/?say={}"):
            raise InterruptTaskSet


@pytest.mark.parametrize(("url", "name"), [("/a", "/a?_=..."), ("/a?say=[]", "/a?say=[]&_=...")])
def test_rest_with_an_underscore_goes_past_caches_under_one_name(
    user: Any, server: Echo, requests: list[dict[str, Any]], url: str, name: str
) -> None:
    with user.rest_("GET", url) as response:
        assert response.status_code == 200
    with user.rest_("GET", url, name="mine"):
        pass
    assert [told["name"] for told in requests] == [name, "mine"]
    assert [told["exception"] for told in requests] == [None, None]
    method, target = server.served[-1]
    assert method == "GET"
    assert target.rpartition("_=")[2].isdigit()


def test_a_users_context_goes_with_its_requests(
    user: Any, requests: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(user), "context", lambda self: {"who": "me"}, raising=False)
    user.client.get("/", context={"what": "this"})
    requests[0]["context"].pop("phases", None)
    assert requests[0]["context"] == {"who": "me", "what": "this"}


def test_json_of_a_class_can_be_shown(server: Echo) -> None:
    class Shown(HttpUser):
        host = server.url
        tasks = {print: 2}

    assert json.loads(json.dumps(Shown.json())) == {
        "host": server.url,
        "weight": 1,
        "fixed_count": 0,
        "tasks": ["print", "print"],
    }
