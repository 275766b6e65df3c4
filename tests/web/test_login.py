"""The login that a locustfile brings, as Locust's documentation has it."""

from collections.abc import Callable

import pytest

from gregaria.web.ui import WebUI
from tests.web.conftest import Starter

LOGIN = """
import os
from flask import Blueprint, redirect, request, session, url_for
from flask_login import UserMixin, login_user
from locust import events


class Person(UserMixin):
    def __init__(self, name):
        self.name = name

    def get_id(self):
        return self.name


@events.init.add_listener
def add_login(environment, web_ui, **_):
    if not web_ui:
        return
    web_ui.app.config["SECRET_KEY"] = os.urandom(16)
    web_ui.login_manager.user_loader(Person)
    web_ui.auth_args = {"username_password_callback": "/login_submit", "title": "Come in"}
    more = Blueprint("auth", __name__)

    @more.route("/login_submit", methods=["POST"])
    def login_submit():
        if request.form["password"] == "sesame":
            login_user(Person(request.form["username"]))
            return redirect(url_for("locust.index"))
        session["auth_error"] = "Invalid username or password"
        return redirect(url_for("locust.login"))

    @more.route("/mine")
    @web_ui.auth_required_if_enabled
    def mine():
        return "mine"

    web_ui.app.register_blueprint(more)
"""

PAGES = ["/", *(f"/stats/{name}" for name in ("requests", "requests/csv", "failures/csv", "report"))]
PAGES += ["/exceptions", "/exceptions/csv", "/tasks", "/logs", "/worker-count"]
API = ["/api/events", "/api/form", "/api/runs", "/api/window", "/api/failures", "/api/runs/x/document", "/metrics"]


def test_nobody_gets_in_without_a_login_and_everybody_with_one(starter: Starter) -> None:
    starter.write("login.py", LOGIN)
    site = starter.start("-f", "shop.py,login.py", "--web-login")
    for path in [*PAGES, "/mine"]:
        answer = site.get(path, allow_redirects=False)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/login"), path
    for path in API:
        assert site.get(path).status_code == 401, path
    for path in ("/swarm", "/stop", "/stats/reset", "/user"):
        assert site.post(path, allow_redirects=False).status_code == 302, path
    wrong = site.post("/login_submit", {"username": "ada", "password": "x"}, allow_redirects=False)
    assert wrong.headers["Location"] == "/login"
    page = site.get("/login")
    assert page.status_code == 503 or '"error": "Invalid username or password"' in page.text
    right = site.post("/login_submit", {"username": "ada", "password": "sesame"}, allow_redirects=False)
    assert right.headers["Location"] == "/"
    assert "HttpOnly" in right.headers["Set-Cookie"]
    assert "SameSite=Lax" in right.headers["Set-Cookie"]
    assert site.get("/mine").text == "mine"
    assert site.json("/api/runs") == []
    assert site.swarm(host="http://127.0.0.1:1")["success"] is True
    assert not any("--web-host 127.0.0.1 to be" in line for line in site.log)


@pytest.mark.parametrize(
    ("listener", "missing"),
    [
        ("pass", "web_ui.app.secret_key"),
        ("web_ui.app.secret_key = 'x' * 20", "has no user_loader"),
        ("web_ui.app.secret_key = 'x' * 20; web_ui.login_manager.user_loader(str)", "auth_args has none of"),
    ],
)
def test_a_login_that_nobody_could_pass_is_refused_at_the_start(starter: Starter, listener: str, missing: str) -> None:
    text = f"from locust import events\n@events.init.add_listener\ndef add(web_ui, **_):\n    {listener}\n"
    starter.write("login.py", text)
    site = starter.begin("-f", "shop.py,login.py", "--web-login", "--web-host", "127.0.0.1", "--web-port", "0")
    assert site.end(None) == 15
    log = "".join(site.log)
    assert "--web-login needs a listener of init" in log
    assert missing in log
    assert "web_ui.login_manager.user_loader(" in log


def test_without_the_option_the_login_page_leads_to_the_page(starter: Starter) -> None:
    starter.write("login.py", LOGIN.replace("if not web_ui:", "if True:"))
    site = starter.start()
    answer = site.get("/login", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("key", ["key-of-sessions", b"key-of-sessions"])
def test_the_key_that_signs_sessions_is_a_secret(make_ui: Callable[..., WebUI], key: str | bytes) -> None:
    ui = make_ui(web_login=True)
    ui.app.secret_key = key
    ui.login_manager.user_loader(lambda name: None)
    ui.auth_args = {"username_password_callback": "/login_submit"}
    ui.start()
    assert ui.environment.stats.errors.mask.text("it is key-of-sessions") == "it is ***"
