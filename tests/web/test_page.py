"""The built page: how it is served, what it is given, and what is said where it was not built."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, render_template

from gregaria.context import CustomOption
from gregaria.web import page as page_module
from gregaria.web.ui import WebUI

MakeUI = Callable[..., WebUI]
HERE = {"Host": "localhost"}

INDEX = """<!doctype html>
<html lang="en">
  <head>
    <title>Built</title>
    <script type="module" src="./assets/index-1.js"></script>
  </head>
  <body>{{ not a template }} {% nor this %}</body>
</html>
"""


@pytest.fixture
def built(tmp_path: Path) -> str:
    """A build of the page, as the option --build-path names one."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "login.html").write_text(INDEX.replace("Built", "Log in"))
    (tmp_path / "assets" / "index-1.js").write_text("let x = 1;" * 1000)
    (tmp_path / "assets" / "dot.png").write_bytes(b"\x89PNG")
    (tmp_path.parent / "secret.txt").write_text("secret")
    return str(tmp_path)


def data_in(html: str, name: str) -> Any:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', html)
    assert found is not None, html
    return json.loads(found[1])


def test_the_page_is_given_its_arguments_as_data(make_ui: MakeUI, built: str) -> None:
    ui = make_ui(build_path=built)
    ui.environment.host = "</script><script>alert(1)</script>"
    answer = ui.app.test_client().get("/", headers=HERE)
    assert answer.status_code == 200
    assert "alert(1)</script>" not in answer.text
    given = data_in(answer.text, "template_args")
    assert given["host"] == "</script><script>alert(1)</script>"
    assert {"locustfile", "state", "is_distributed", "extra_options", "available_user_classes", "users"} <= set(given)
    assert "{{ not a template }} {% nor this %}" in answer.text
    assert "<base" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_secret_is_not_among_them(make_ui: MakeUI, built: str) -> None:
    ui = make_ui(build_path=built)
    ui.environment.custom_options = {"password": CustomOption(default="sesame", is_secret=True)}
    text = ui.app.test_client().get("/", headers=HERE).text
    assert "sesame" not in text
    assert data_in(text, "template_args")["extra_options"]["password"]["is_secret"] is True


def test_a_locustfile_adds_a_tab_as_it_does_with_locust(make_ui: MakeUI, built: str) -> None:
    ui = make_ui(build_path=built, web_base_path="/load")
    extend = Blueprint("extend", __name__)

    @extend.route("/load/content-length")
    def content_length() -> str:
        ui.update_template_args()
        tabs = [{"title": "Content Length", "key": "content-length"}]
        return render_template("index.html", template_args={**ui.template_args, "extended_tabs": tabs})

    @ui.app.after_request
    def add_rows(response: Any) -> Any:
        if response.is_json and "stats" in response.json:
            response.set_data(json.dumps({**response.json, "extended_stats": [{"key": "content-length", "data": []}]}))
        return response

    ui.app.register_blueprint(extend)
    client = ui.app.test_client()
    page = client.get("/load/content-length", headers=HERE).text
    assert data_in(page, "template_args")["extended_tabs"] == [{"title": "Content Length", "key": "content-length"}]
    # The page's own addresses are relative to the base path.
    assert '<base href="/load/">' in page
    told = client.get("/load/stats/requests", headers=HERE).json
    assert told is not None
    assert told["extended_stats"][0]["key"] == "content-length"


def test_what_a_locustfile_puts_into_the_arguments_stays(make_ui: MakeUI, built: str) -> None:
    ui = make_ui(build_path=built)
    ui.template_args["all_profiles"] = ["smoke", "peak"]
    given = data_in(ui.app.test_client().get("/", headers=HERE).text, "template_args")
    assert given["all_profiles"] == ["smoke", "peak"]


def test_files_are_compressed_for_who_takes_that_and_never_asked_for_again(make_ui: MakeUI, built: str) -> None:
    client = make_ui(build_path=built).app.test_client()
    plain = client.get("/assets/index-1.js", headers=HERE)
    packed = client.get("/assets/index-1.js", headers={**HERE, "Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 10
    assert "immutable" in plain.headers["Cache-Control"]
    image = client.get("/assets/dot.png", headers={**HERE, "Accept-Encoding": "gzip"})
    assert (image.data, image.mimetype) == (b"\x89PNG", "image/png")


OTHERS = ["../index.html", "../../secret.txt", "%2e%2e/index.html", "nothing.js", "/etc/passwd"]


@pytest.mark.parametrize("path", OTHERS)
def test_no_other_file_is_served(make_ui: MakeUI, built: str, path: str) -> None:
    assert make_ui(build_path=built).app.test_client().get(f"/assets/{path}", headers=HERE).status_code in (404, 308)


def test_where_it_was_not_built_the_page_says_how_and_the_rest_works(
    make_ui: MakeUI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(page_module, "STATIC", tmp_path / "nothing")
    ui = make_ui()
    client = ui.app.test_client()
    answer = client.get("/", headers=HERE)
    assert answer.status_code == 503
    assert "make web" in answer.text
    assert client.get("/stats/requests", headers=HERE).status_code == 200
    ui.start()
    assert "has not been built (make web" in caplog.text


def test_the_login_page_has_the_locustfiles_arguments_and_what_is_left_in_the_session(
    make_ui: MakeUI, built: str
) -> None:
    ui = make_ui(build_path=built, web_login=True)
    ui.app.secret_key = "x" * 20
    ui.auth_args = {"username_password_callback": "/enter", "title": "Come in"}
    ui.login_manager.user_loader(lambda name: None)
    client = ui.app.test_client()
    with client.session_transaction(base_url="http://localhost") as session:
        session["auth_error"] = "no such user"
    answer = client.get("/login", headers=HERE)
    assert data_in(answer.text, "auth_args") == {
        "username_password_callback": "/enter", "title": "Come in", "error": "no such user",
    }  # fmt: skip
    # The buttons' pictures may be anywhere, and who knows the person too.
    assert "img-src 'self' data: https:" in answer.headers["Content-Security-Policy"]
    assert "form-action" not in answer.headers["Content-Security-Policy"]
    assert "error" not in data_in(client.get("/login", headers=HERE).text, "auth_args")
