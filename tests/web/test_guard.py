"""What is let in: requests of scripts and of the page itself, and of nobody else's page."""

from collections.abc import Callable

import pytest
from flask import Blueprint

from gregaria.web.guard import LARGEST_BODY_BYTES
from gregaria.web.ui import WebUI

MakeUI = Callable[..., WebUI]

FORM = {"user_count": "0", "spawn_rate": "1"}


def code(ui: WebUI, path: str = "/swarm", method: str = "POST", host: str = "127.0.0.1:8089", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = ui.app.test_client().open(path, method=method, data=FORM, headers={"Host": host, **named})
    return answer.status_code


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8089"},
        {"Sec_Fetch_Site": "same-origin", "Origin": "http://127.0.0.1:8089"},
        {"Sec_Fetch_Site": "none"},
        # Behind a proxy that speaks https and has another name.
        {"Origin": "https://load.example.com", "X_Forwarded_Host": "load.example.com"},
    ],
)
def test_scripts_and_the_page_itself_are_let_in(make_ui: MakeUI, headers: dict[str, str]) -> None:
    assert code(make_ui(), **headers) == 200


FOREIGN = [
    {"Origin": "http://evil.example.com"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:9999"},
    {"Sec_Fetch_Site": "cross-site", "Origin": "http://evil.example.com"},
    {"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:8089"},
    {"Sec_Fetch_Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    ("path", "method"),
    [("/swarm", "POST"), ("/stop", "POST"), ("/stop", "GET"), ("/stats/reset", "GET"), ("/user", "POST")],
)
def test_what_another_sites_page_asks_for_is_refused(
    make_ui: MakeUI, path: str, method: str, headers: dict[str, str]
) -> None:
    assert code(make_ui(), path, method, **headers) == 403


def test_what_looks_like_a_picture_to_a_browser_changes_nothing(make_ui: MakeUI) -> None:
    browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
    ui = make_ui(host="")
    assert code(ui, "/stop", "GET", host="load.internal:8089", User_Agent=browser) == 403
    assert code(ui, "/stop", "GET", host="load.internal:8089", User_Agent="python-requests/2.34") == 200
    assert code(ui, "/stats/requests", "GET", host="load.internal:8089", User_Agent=browser) == 200
    # Typed by a person, where the browser says so.
    assert code(ui, "/stop", "GET", host="localhost:8089", User_Agent=browser, Sec_Fetch_Site="none") == 200


def test_another_sites_page_may_link_here_but_reads_nothing(make_ui: MakeUI) -> None:
    answer = make_ui().app.test_client().get(
        "/stats/requests", headers={"Host": "127.0.0.1", "Origin": "http://evil.example.com"}
    )
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_refusal_says_what_to_do(make_ui: MakeUI) -> None:
    answer = make_ui().app.test_client().post("/swarm", headers={"Host": "127.0.0.1", "Origin": "http://evil.example"})
    assert "--web-cors-origin" in answer.text


def test_a_base_path_does_not_open_what_get_changes(make_ui: MakeUI) -> None:
    ui = make_ui(web_base_path="/load")
    assert code(ui, "/load/stop", "GET", Origin="http://evil.example.com") == 403
    assert code(ui, "/load/stop", "GET") == 200


def test_a_route_of_a_locustfile_is_guarded_alike(make_ui: MakeUI) -> None:
    ui = make_ui()
    more = Blueprint("more", __name__)
    more.add_url_rule("/boom", "boom", lambda: "boom", methods=["GET", "POST"])
    ui.app.register_blueprint(more)
    assert code(ui, "/boom") == 200
    assert code(ui, "/boom", Origin="http://evil.example.com") == 403


def test_a_site_that_is_let_in_may_ask_and_read(make_ui: MakeUI) -> None:
    ui = make_ui(cors_origins=["https://good.example.com"])
    good = {"Host": "127.0.0.1", "Origin": "https://good.example.com", "Sec-Fetch-Site": "cross-site"}
    client = ui.app.test_client()
    before = client.options("/swarm", headers={**good, "Access-Control-Request-Method": "POST"})
    assert before.status_code == 204
    assert "POST" in before.headers["Access-Control-Allow-Methods"]
    answer = client.post("/swarm", data=FORM, headers=good)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://good.example.com")
    assert code(ui, Origin="https://bad.example.com") == 403


def test_everybody_may_be_let_in(make_ui: MakeUI) -> None:
    ui = make_ui(cors_origins=["*"])
    assert code(ui, Origin="https://any.example.com", Sec_Fetch_Site="cross-site") == 200


@pytest.mark.parametrize("name", ["evil.example.com", "127.0.0.1.evil.com:8089", "10.0.0.1", "[::2]:8089", "[::1", ""])
def test_a_foreign_name_does_not_lead_to_the_loopback(make_ui: MakeUI, name: str) -> None:
    assert code(make_ui(), "/stats/requests", "GET", host=name) == 403


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST:8089", "127.0.0.9:8089", "[::1]:8089", "a.localhost"])
def test_names_of_the_loopback_do(make_ui: MakeUI, name: str) -> None:
    assert code(make_ui(), "/stats/requests", "GET", host=name) == 200


def test_the_name_given_for_the_machine_does_too(make_ui: MakeUI) -> None:
    assert code(make_ui(display_name="box.example.com"), "/stats/requests", "GET", host="box.example.com:8089") == 200


def test_one_that_listens_everywhere_has_any_name(make_ui: MakeUI) -> None:
    assert code(make_ui(host=""), "/stats/requests", "GET", host="master.cluster.local") == 200


def test_answers_bear_the_browsers_safeguards(make_ui: MakeUI) -> None:
    headers = make_ui().app.test_client().get("/stats/requests", headers={"Host": "localhost"}).headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_of_a_locustfile_keeps_its_inline_scripts(make_ui: MakeUI) -> None:
    ui = make_ui()
    ui.app.add_url_rule("/mine", "mine", lambda: "<script>alert(1)</script>")
    policy = ui.app.test_client().get("/mine", headers={"Host": "localhost"}).headers["Content-Security-Policy"]
    assert policy == "frame-ancestors 'none'"


def test_a_body_has_its_bounds(make_ui: MakeUI) -> None:
    answer = make_ui().app.test_client().post(
        "/swarm", data=b"a=" + b"x" * LARGEST_BODY_BYTES, headers={"Host": "localhost"},
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.status_code == 413


def test_what_breaks_is_told_without_a_traceback(make_ui: MakeUI, caplog: pytest.LogCaptureFixture) -> None:
    ui = make_ui()

    def broken() -> str:
        raise RuntimeError("password=hunter2")

    ui.app.add_url_rule("/broken", "broken", broken)
    answer = ui.app.test_client().get("/broken", headers={"Host": "localhost"})
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "the log has more" in answer.text
    assert "hunter2" in caplog.text


@pytest.mark.parametrize(("path", "expected"), [("/nothing", 404), ("/swarm", 405)])
def test_what_is_not_there_is_told_in_a_sentence(make_ui: MakeUI, path: str, expected: int) -> None:
    answer = make_ui().app.test_client().get(path, headers={"Host": "localhost"})
    assert answer.status_code == expected
    assert answer.mimetype == "text/plain"
