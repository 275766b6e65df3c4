"""Names of requests in the statistics. Plain requests knows none; what is sent has to be the same all the same."""

from tests.oracle.case import Case
from tests.oracle.phrases import RENAME_REQUEST, REQUEST_NAME
from tests.oracle.places import Places
from tests.oracle.ways import Client


def _renamed(*names: str) -> object:
    def do(client: Client, places: Places) -> None:
        client.get("/before")
        if client.is_ours:
            with client.session.rename_request(names[0]):
                for number in range(3):
                    client.get(f"/item/{number}")
                client.get("/item", name="own")
        else:
            for number in range(3):
                client.get(f"/item/{number}")
            client.get("/item")
        client.get("/after")

    return do


def _nested(client: Client, places: Places) -> None:
    if not client.is_ours:
        for path in ("/a", "/b", "/c"):
            client.get(path)
        return
    with client.session.rename_request("outer"):
        client.get("/a")
        with client.session.rename_request("inner"):
            client.get("/b")
        client.get("/c")


def _in_a_chain(client: Client, places: Places) -> None:
    if not client.is_ours:
        client.get("/a?to=/b")
        client.get("/a?to=/b")
        return
    with client.session.rename_request("chain"):
        client.get("/a?to=/b")
    client.get("/a?to=/b")


def _although_it_failed(client: Client, places: Places) -> None:
    if client.is_ours:
        try:
            with client.session.rename_request("inside"):
                client.get("/a?status=500")
                raise KeyError("of the user's own")
        except KeyError:
            pass
    else:
        client.get("/a?status=500")
    client.get("/b")


def _with_bodies(client: Client, places: Places) -> None:
    if not client.is_ours:
        for number in range(3):
            client.post("/form", data={"n": number})
        client.post("/form", json={"n": 1})
        return
    with client.session.rename_request("forms"):
        for number in range(3):
            client.post("/form", data={"n": number})
    client.post("/form", json={"n": 1})


def _request_name(client: Client, places: Places) -> None:
    client.get("/before")
    if client.is_ours:
        client.session.request_name = "all"
    for path in ("/a", "/b?c=d", "/a"):
        client.get(path)
    client.post("/c", json={"a": 1})
    if client.is_ours:
        client.session.request_name = None
    client.get("/a")


def _own_name_wins(client: Client, places: Places) -> None:
    if client.is_ours:
        client.session.request_name = "all"
    client.get("/a", name="mine")
    client.get("/a")
    client.request("OPTIONS", "/a", name="mine")


def _changed_in_between(client: Client, places: Places) -> None:
    for name in ("one", "two", "one"):
        if client.is_ours:
            client.session.request_name = name
        client.get("/a")


def _caught(client: Client, places: Places) -> None:
    if client.is_ours:
        client.session.request_name = "all"
        with client.get("/a?status=404", catch_response=True) as response:
            response.success()
        with client.get("/a", catch_response=True, name="mine") as response:
            response.failure("no")
    else:
        client.get("/a?status=404")
        client.get("/a")
    # What the blocks decided is another matter.
    client.responses[:] = [response.status_code for response in client.responses]


CASES = [
    Case(
        RENAME_REQUEST, "a group of pages", _renamed("items"), counted={"/before": 1, "items": 3, "own": 1, "/after": 1}
    ),
    Case(RENAME_REQUEST, "one within the other", _nested, counted={"outer": 2, "inner": 1}),
    Case(RENAME_REQUEST, "a chain of redirects", _in_a_chain, counted={"chain": 1, "/a?to=/b": 1}),
    Case(RENAME_REQUEST, "a block that ends by an exception", _although_it_failed, counted={"inside": 1, "/b": 1}),
    Case(RENAME_REQUEST, "bodies", _with_bodies, counted={"forms": 3, "/form": 1}),
    Case(REQUEST_NAME, "for a while", _request_name, counted={"/before": 1, "all": 4, "/a": 1}),
    Case(REQUEST_NAME, "an own name wins", _own_name_wins, counted={"mine": 2, "all": 1}),
    Case(REQUEST_NAME, "changed in between", _changed_in_between, counted={"one": 2, "two": 1}),
    Case(REQUEST_NAME, "with catch_response", _caught, counted={"all": 1, "mine": 1}),
]
