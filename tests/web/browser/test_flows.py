"""What people do with the page, on real tests."""

import csv
import io
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.servers import Server
from tests.web.browser.conftest import cell, counts_of, number_in, serious_in, tab
from tests.web.conftest import Site, Starter

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(90)]

Open = Callable[..., Page]

#: a browser opens six connections to a server
MANY_TABS = 8
HAS_MORE = "least => Number(document.querySelector('.rows tfoot .number').textContent.replaceAll(',', '')) > least"


def test_from_the_form_to_the_end_the_page_tells_what_the_target_has_counted(
    open_page: Open, starter: Starter, own_target: Server, tmp_path: Path
) -> None:
    site = starter.start()
    page = open_page(site.url)

    # The form says what is wrong, and goes to it.
    page.get_by_label("Users", exact=True).fill("many")
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_text("Write a whole number of users, such as 50.")).to_be_visible()
    expect(page.get_by_label("Users", exact=True)).to_be_focused()
    page.get_by_label("Users", exact=True).fill("2")
    page.get_by_label("Spawn rate").fill("10")
    page.get_by_label("Host").fill(own_target.url)
    expect(page.get_by_label("password")).to_have_value("")
    page.get_by_label("colour", exact=True).fill("green")
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_role("status").filter(has_text="Running")).to_be_visible()
    expect(page.locator(".tile").filter(has_text="Users")).to_contain_text("of 2")
    site.until(lambda: any("START green 3 False open-sesame" in line for line in site.out))

    # More users, while it runs, and an end; more of them leave the end where it is.
    page.keyboard.press("e")
    users = page.get_by_role("dialog").get_by_label("Users", exact=True)
    expect(users).to_be_focused()
    users.fill("3.5")
    expect(page.get_by_role("alert")).to_have_text("Write a whole number of users, such as 50.")
    users.fill("3")
    page.get_by_label("Run time left").fill("10m")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator(".tile").filter(has_text="Users")).to_contain_text("of 3")
    expect(page.locator(".tile").filter(has_text="Elapsed")).to_contain_text(re.compile("of 10:"))
    ends_epoch_s = site.hello()["run"]["ends_epoch_s"]
    page.keyboard.press("e")
    expect(page.get_by_label("Run time left")).to_have_value(re.compile("^(10m|9m[0-9]+s)$"))
    users.fill("4")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator(".tile").filter(has_text="Users")).to_contain_text("of 4")
    assert site.hello()["run"]["ends_epoch_s"] == ends_epoch_s
    site.until(lambda: site.requests_of() > 60)

    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status").filter(has_text="Stopped")).to_be_visible()
    expect(page.get_by_role("button", name="New test")).to_be_visible()
    counts = counts_of(own_target)
    for path in ("/look", "/status/500", "/sell"):
        expect(page.locator(".rows tr").filter(has_text=path)).to_contain_text(f"{counts[path]:,}")
        assert number_in(cell(page, path, "Requests")) == counts[path]
    assert number_in(cell(page, "/status/500", "Failures")) == counts["/status/500"]
    assert number_in(cell(page, "All requests", "Requests")) == sum(counts.values())

    # Rates are those of the whole run, of each name as of all.
    per_s = {row["Name"]: float(row["Requests/s"]) for row in csv_rows(site.get("/stats/requests/csv").text)}
    for path in ("/look", "/status/500", "/sell"):
        assert float(cell(page, path, "Req/s")) == pytest.approx(per_s[path], rel=0.01)
    expect(page.locator(".tile").filter(has_text="Requests/s")).to_contain_text(cell(page, "All requests", "Req/s"))

    # Percentiles of names that are folded together are those of their requests together: here all there are.
    page.get_by_label("Fold by").select_option("method")
    for column in ("p50", "p95", "p99"):
        expect(page.locator(".line-group")).to_contain_text(cell(page, "All requests", column))
    page.get_by_label("Fold by").select_option("nothing")

    # What is taken home tells the same.
    tab(page, "Downloads")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Statistics").click()
    rows = csv_rows(Path(waiting.value.path()).read_text())
    assert {row["Name"]: int(row["Request Count"]) for row in rows} == counts | {"Aggregated": sum(counts.values())}
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Report").click()
    report = tmp_path / "report.html"
    waiting.value.save_as(report)
    told = open_page(f"file://{report}")
    assert number_in(cell(told, "All requests", "Requests")) == sum(counts.values())

    # The run is kept, and another may follow with the values of this one.
    tab(page, "Runs")
    expect(page.get_by_role("row", name=re.compile("Compare run 1"))).to_contain_text(f"{sum(counts.values()):,}")
    page.get_by_role("button", name="New test").click()
    expect(page.get_by_role("dialog").get_by_label("Users", exact=True)).to_be_focused()
    expect(page.get_by_role("dialog").get_by_label("Host")).to_have_value(own_target.url)
    expect(page.get_by_role("dialog").get_by_label("colour", exact=True)).to_have_value("green")
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_role("status").filter(has_text=re.compile("Spawning|Running"))).to_be_visible()
    expect(page.locator(".bar-host")).to_contain_text("run 2")

    # Two runs that are over can be compared, in whichever order they are chosen.
    site.until(lambda: site.requests_of() > 20)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("checkbox", name="Compare run 2").check()
    page.get_by_role("checkbox", name="Compare run 1").check()
    page.get_by_role("button", name="Compare", exact=True).click()
    comparison = page.get_by_role("region", name="Comparison")
    expect(comparison.get_by_role("row", name=re.compile("^Aggregated"))).to_be_visible()
    expect(comparison.get_by_role("heading")).not_to_be_empty()
    expect(comparison.get_by_text(re.compile(r"^A: run 1 \(\d+ s\)\. B: run 2 \("))).to_be_visible()


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_who_comes_late_sees_the_whole_run(open_page: Open, running: Site) -> None:
    page = open_page(running.url)
    hello = running.hello()
    expect(page.locator(".tile").filter(has_text="Elapsed")).to_be_visible()
    tab(page, "Charts")
    chart = page.get_by_role("img", name=re.compile("^Requests over time"))
    expect(chart).to_have_attribute("aria-label", re.compile(r"Requests/s: last [\d.]+, highest [\d.]+"))
    first = page.locator(".minimap-from").inner_text()
    began = page.evaluate("s => new Date(Math.round(s) * 1000).toTimeString().slice(0, 8)", hello["points"][0][0])
    assert first == began


def test_a_window_is_chosen_on_a_chart_and_the_table_is_that_of_the_window(open_page: Open, running: Site) -> None:
    running.until(lambda: len(running.hello()["points"]) >= 8)
    page = open_page(running.url)
    over = page.locator(".strip .u-over").first
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    with page.expect_response(re.compile("/api/window")) as waiting:
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20, steps=5)
        page.mouse.up()
    window = waiting.value.json()
    expect(page.get_by_role("status").filter(has_text="Window")).to_contain_text(f"{window['total'][0]:,} requests")
    assert number_in(cell(page, "All requests", "Requests")) == window["total"][0]
    assert 0 < window["total"][0] < running.requests_of()
    page.keyboard.press("Escape")
    expect(page.get_by_role("status").filter(has_text="Window")).to_have_count(0)


def test_rows_are_ordered_filtered_and_folded(open_page: Open, running: Site) -> None:
    page = open_page(running.url)
    names = page.locator(".line-name .name")
    expect(names).to_have_count(3)
    page.get_by_role("button", name="Failures", exact=True).click()
    expect(names.first).to_contain_text("/status/500")
    page.keyboard.press("/")
    page.keyboard.type("look")
    expect(names).to_have_count(1)
    expect(page.get_by_text("1 of 3 names")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Fold by").select_option("path")
    expect(page.locator(".line-group")).to_have_count(3)
    page.locator(".line-group").filter(has_text="/status").click()
    expect(names).to_have_count(2)


def test_a_name_has_its_own_charts_and_its_failures_are_told_whole(open_page: Open, running: Site) -> None:
    page = open_page(running.url, permissions=["clipboard-read", "clipboard-write"])
    page.locator(".line-name").filter(has_text="/status/500").click()
    drawer = page.get_by_role("dialog", name="GET /status/500")
    expect(drawer.get_by_role("img")).to_have_count(3)
    expect(drawer.get_by_role("img").first).to_have_attribute("aria-label", re.compile("last [1-9]"))
    drawer.get_by_role("button", name=re.compile("500")).click()
    expect(drawer.get_by_text("HTTP/1.1 500")).to_be_visible()
    drawer.get_by_role("button", name="Copy as curl").click()
    expect(drawer.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl -i http://127.0.0.1:")
    assert "/status/500" in copied
    again = subprocess.run(["bash", "-c", copied], capture_output=True, text=True, timeout=30, check=True)
    assert again.stdout.startswith("HTTP/1.1 500")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)


def test_the_table_is_walked_through_with_keys(open_page: Open, running: Site) -> None:
    page = open_page(running.url)
    expect(page.locator(".line-name")).to_have_count(3)
    page.get_by_role("group", name="Statistics by name").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.locator(".line.current")).to_contain_text("/status/500")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".line-failure")).to_contain_text("500")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".line-failure")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="GET /status/500")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("group", name="Statistics by name")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 360])
def test_it_fits_the_screen_in_both_themes_and_axe_finds_nothing_serious(
    open_page: Open, running: Site, scheme: str, width: int, axe: str
) -> None:
    page = open_page(running.url, width=width, color_scheme=scheme)
    expect(page.locator(".line-name")).to_have_count(3)
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) is (scheme == "dark")
    for title in ("Statistics", "Charts", "Failures", "Exceptions", "Tasks", "Logs", "Downloads", "Runs"):
        tab(page, title)
        expect(page.locator("main .panel")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, title
        assert serious_in(page, axe) == [], title


def test_the_form_and_the_dialogs_have_nothing_serious_either(
    open_page: Open, starter: Starter, target: Server, axe: str
) -> None:
    site = starter.start("--class-picker", "-H", target.url)
    page = open_page(site.url, width=1024)
    expect(page.get_by_role("button", name="Start the test")).to_be_visible()
    assert serious_in(page, axe) == []
    page.get_by_label("Seller").uncheck()
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator(".line-name").first).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert serious_in(page, axe) == []
    site.until(lambda: site.requests_of() > 20)
    assert site.requests_of("/sell") == 0


def test_the_verdict_is_told_while_the_test_runs_and_when_it_is_over(
    open_page: Open, starter: Starter, target: Server, axe: str, tmp_path: Path
) -> None:
    site = starter.start("-H", target.url, "--fail-if", "p50 > 1h", "--fail-if", "requests of '/look' > 0 for 1s")
    page = open_page(site.url)
    expect(page.get_by_role("button", name="Start the test")).to_be_visible()
    site.swarm(host=target.url)
    page.get_by_role("button", name="1 broken").click()
    rules = page.get_by_role("main").get_by_role("listitem")
    # What is broken comes first, whatever the order in which it was asked for.
    expect(rules.first).to_contain_text("✗ broken")
    expect(rules.first).to_contain_text("requests of '/look' > 0")
    expect(rules.last).to_contain_text("✓ passed")
    expect(rules.last).to_contain_text("p50 > 1h")
    expect(rules.last).to_contain_text("< 1 % of the limit")
    assert serious_in(page, axe) == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="failed")).to_be_visible()
    outcome = page.get_by_role("region", name="Outcome")
    expect(outcome).to_contain_text("Failed")
    expect(outcome).to_contain_text(re.compile(r"requests of '/look' > 0 for 1s at \d\d:\d\d:\d\d, .* into the test"))
    expect(outcome).to_contain_text("1 broken, 1 kept")
    # Its moment leads to the charts, which have a line there.
    rules.first.get_by_role("button").click()
    expect(page.get_by_text(re.compile("^Window"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Requests over time"))).to_be_visible()
    tab(page, "Downloads")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Report").click()
    report = tmp_path / "report.html"
    waiting.value.save_as(report)
    told = open_page(f"file://{report}")
    expect(told.locator("#part-verdict")).to_contain_text("requests of '/look' > 0 for 1s")


def test_the_theme_is_kept(open_page: Open, running: Site) -> None:
    page = open_page(running.url, color_scheme="light")
    page.get_by_role("button", name="Dark colours").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_server_that_goes_and_comes_back_is_waited_for(open_page: Open, starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url)
    page = open_page(site.url)
    expect(page.get_by_role("button", name="Start the test")).to_be_visible()
    site.swarm(host=target.url)
    expect(page.locator(".line-name").first).to_be_visible()
    port = site.url.rpartition(":")[2]
    site.end(signal.SIGTERM)
    expect(page.get_by_text("Connection lost, trying again.")).to_be_visible()
    expect(page.locator(".line-name").first).to_be_visible()
    starter.begin("-f", "shop.py", "--web-host", "127.0.0.1", "--web-port", port).wait_until_up()
    expect(page.get_by_text("Connection lost")).to_have_count(0, timeout=20_000)
    expect(page.get_by_role("button", name="Start the test")).to_be_visible()


def test_more_tabs_than_a_browser_has_connections_for_are_all_told_what_is_new(open_page: Open, running: Site) -> None:
    first = open_page(running.url)
    tabs = [first, *(first.context.new_page() for _ in range(MANY_TABS - 1))]
    for page in tabs[1:]:
        page.goto(running.url)
    for page in tabs:
        expect(page.locator(".line-name")).to_have_count(3)
    so_far = running.requests_of()
    for page in tabs:
        expect(page.get_by_role("status").filter(has_text="Running")).to_be_visible()
        page.wait_for_function(HAS_MORE, arg=so_far)
    # Those that are left go on when the first one, which opened the stream, is gone.
    first.goto("about:blank")
    so_far = running.requests_of()
    tabs[-1].wait_for_function(HAS_MORE, arg=so_far)


def test_where_tabs_can_share_nothing_each_has_a_stream_of_its_own(open_page: Open, running: Site) -> None:
    page = open_page(running.url)
    page.add_init_script("delete window.SharedWorker")
    with page.expect_request(re.compile("/api/events")):
        page.reload()
    expect(page.locator(".line-name")).to_have_count(3)
    page.wait_for_function(HAS_MORE, arg=running.requests_of())


def test_everything_works_below_a_base_path(open_page: Open, starter: Starter, target: Server) -> None:
    login = LOGIN.replace('"/enter"', '"/load/enter"').replace('"/"', '"/load/"').replace('"/login"', '"/load/login"')
    starter.write("shop.py", (starter.folder / "shop.py").read_text() + login)
    site = starter.start("--web-base-path", "/load", "--web-login", "-H", target.url)
    page = open_page(f"{site.url}/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("sesame")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator(".line-name").first).to_be_visible()
    page.get_by_label("Fold by").select_option("path")
    expect(page.locator(".line-group").first.locator(".number").nth(4)).to_have_text(re.compile("[0-9]"))
    tab(page, "Logs")
    expect(page.get_by_role("log")).to_contain_text("Starting web interface")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status").filter(has_text="Stopped")).to_be_visible()
    tab(page, "Downloads")
    for name in ("Report", "Statistics"):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name).click()
        assert "/look" in Path(waiting.value.path()).read_text()
    tab(page, "Runs")
    link = page.get_by_role("link", name="Report")
    assert "Load test report" in page.request.get(f"{site.url}/{link.get_attribute('href')}").text()


SHAPE = """
from locust import LoadTestShape

class Wave(LoadTestShape):
    def tick(self):
        return 3, 100
"""


def test_a_shape_decides_and_counting_anew_leaves_it_alone(open_page: Open, starter: Starter, target: Server) -> None:
    starter.write("shop.py", (starter.folder / "shop.py").read_text() + SHAPE)
    site = starter.start("-H", target.url)
    page = open_page(site.url)
    expect(page.get_by_text("The shape Wave decides how many users there are.")).to_be_visible()
    expect(page.get_by_label("Users", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator(".tile").filter(has_text="Users")).to_contain_text("by Wave")
    # What may still be changed is how much it may ask.
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("The shape Wave decides")).to_be_visible()
    dialog.get_by_label("Requests per second").fill("10000")
    dialog.get_by_role("button", name="Change").click()
    expect(page.locator(".tile").filter(has_text="Requests/s")).to_contain_text("10,000/s at most")
    site.until(lambda: site.requests_of() > 150)
    with page.expect_response(re.compile("/stats/reset")):
        page.get_by_role("button", name="Reset").click()
    expect(page.locator(".rows tfoot .number").first).to_have_text(re.compile(r"^\d{1,2}$"))
    page.wait_for_function(HAS_MORE, arg=100)
    expect(page.locator(".tile").filter(has_text="Users")).to_contain_text("3")


def test_workers_are_told_and_waited_for(open_page: Open, starter: Starter, target: Server, axe: str) -> None:
    site = starter.start("--processes", "2", "-H", target.url)
    page = open_page(site.url)
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator(".tile").filter(has_text="Workers")).to_contain_text("all there")
    tab(page, "Workers")
    rows = page.get_by_role("row").filter(has=page.get_by_role("rowheader"))
    expect(rows).to_have_count(2)
    for _ in ("light", "dark"):
        assert serious_in(page, axe) == []
        page.keyboard.press("t")
    tab(page, "Logs")
    # Workers send their lines now and then.
    process = page.get_by_label("Process whose log is shown")
    expect(process).to_be_visible(timeout=30_000)
    process.select_option(index=1)
    expect(page.get_by_role("log")).not_to_be_empty()


ADDED_TAB = """
import json
from flask import render_template, request

@events.init.add_listener
def add_tab(environment, web_ui, **_):
    if not web_ui:
        return

    @web_ui.app.route("/sizes")
    def sizes():
        web_ui.update_template_args()
        added = {
            "extended_tabs": [{"title": "Sizes", "key": "sizes"}],
            "extended_tables": [{"key": "sizes", "structure": [{"key": "what", "title": "What"}]}],
            "extended_csv_files": [{"href": "/sizes/csv", "title": "Sizes as CSV"}],
        }
        return render_template("index.html", template_args={**web_ui.template_args, **added})

    @web_ui.app.after_request
    def add_sizes(response):
        if request.path == "/stats/requests":
            told = response.get_json()
            told["extended_stats"] = [{"key": "sizes", "data": [{"what": "parcels"}]}]
            response.set_data(json.dumps(told))
        return response
"""


def test_a_locustfile_adds_a_tab(open_page: Open, starter: Starter, target: Server) -> None:
    users = (starter.folder / "shop.py").read_text()
    starter.write("shop.py", users + ADDED_TAB)
    site = starter.start("-H", target.url)
    site.swarm(host=target.url)
    page = open_page(f"{site.url}/sizes")
    tab(page, "Sizes")
    expect(page.get_by_role("cell", name="parcels")).to_be_visible()
    tab(page, "Downloads")
    expect(page.get_by_role("link", name="Sizes as CSV")).to_have_attribute("href", "/sizes/csv")


LOGIN = """
import os
from flask import redirect, request
from flask_login import UserMixin, login_user

class Known(UserMixin):
    id = "ada"

@events.init.add_listener
def add_login(environment, web_ui, **_):
    if not web_ui:
        return
    web_ui.app.secret_key = "for this test"
    web_ui.login_manager.user_loader(lambda user_id: Known())
    web_ui.auth_args = {"username_password_callback": "/enter", "info": "Ask Ada for the word"}

    @web_ui.app.post("/enter")
    def enter():
        if request.form["password"] == "sesame":
            login_user(Known())
            return redirect("/")
        web_ui.auth_args["error"] = "That is not the word"
        return redirect("/login")
"""


def test_the_form_has_limits_and_rules_and_a_refusal_stands_beside_its_field(
    open_page: Open, starter: Starter, target: Server, axe: str
) -> None:
    site = starter.start("-H", target.url, "--fail-if", "p95 > 1h", "--warmup", "1s", "--allow-host", "127.0.0.1")
    page = open_page(site.url)
    rules = page.get_by_label("Fail if")
    expect(rules).to_have_value("p95 > 1h")
    for told in ("1 s that no rule looks at", "127.0.0.1"):
        expect(page.locator("dl.pairs")).to_contain_text(told)
    page.get_by_label("Requests per second").fill("none")
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_text("Write a number above 0, such as 500")).to_be_visible()
    page.get_by_label("Requests per second").fill("20")
    # What only the server knows is shown where it belongs, too.
    for text, message, field in (
        ("p95 > 1h\np95 >> 1h", "--fail-if: > cannot stand here", rules),
        ("p95 > baseline", "give --baseline run.json", rules),
        ("p95 > 1h", "live.example:443 is not among the hosts", page.get_by_label("Host", exact=True)),
    ):
        page.get_by_label("Host", exact=True).fill("https://live.example" if "live" in message else target.url)
        rules.fill(text)
        page.get_by_role("button", name="Start the test").click()
        expect(page.get_by_role("alert")).to_contain_text(message)
        expect(field).to_be_focused()
        assert field.get_attribute("aria-invalid") == "true"
        assert serious_in(page, axe) == []
    page.get_by_label("Host", exact=True).fill(target.url)
    rules.fill("requests > 0\np95 > 2h")
    page.get_by_label("Users", exact=True).fill("5")
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator(".tile").filter(has_text="Requests/s")).to_contain_text("20/s at most")
    tab(page, "Verdict")
    expect(page.get_by_role("region", name="Outcome")).to_contain_text("1 rule broken")
    page.keyboard.press("e")
    page.get_by_role("dialog").get_by_label("Requests per second").fill("30")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator(".tile").filter(has_text="Requests/s")).to_contain_text("30/s at most")
    expect(page.locator(".tile").filter(has_text="Users")).to_contain_text("of 5")


def test_what_was_typed_outlives_a_login_that_runs_out_and_no_login_page_is_saved_as_a_file(
    open_page: Open, starter: Starter, target: Server
) -> None:
    starter.write("shop.py", (starter.folder / "shop.py").read_text() + LOGIN)
    site = starter.start("--web-login", "-H", target.url)

    def log_in() -> None:
        page.get_by_label("User name").fill("ada")
        page.get_by_label("Password").fill("sesame")
        page.get_by_role("button", name="Log in").click()

    def type_and_start() -> None:
        page.get_by_label("Users", exact=True).fill("3")
        page.get_by_label("colour", exact=True).fill("mauve")
        page.get_by_label("password").fill("a new secret")
        page.get_by_role("button", name="Start the test").click()

    page = open_page(site.url)
    log_in()
    expect(page.get_by_role("button", name="Start the test")).to_be_visible()
    page.context.clear_cookies()
    type_and_start()
    expect(page.get_by_text("Your login has run out.")).to_be_visible()
    assert "a new secret" not in page.evaluate("JSON.stringify(Object.values(sessionStorage))")
    log_in()
    expect(page.get_by_text("The login had run out before this was sent")).to_be_visible()
    expect(page.get_by_label("Users", exact=True)).to_have_value("3")
    expect(page.get_by_label("colour", exact=True)).to_have_value("mauve")
    expect(page.get_by_label("password")).to_have_value("")
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator(".tile").filter(has_text="Users")).to_contain_text("of 3")
    site.until(lambda: any("START mauve" in line for line in site.out))
    page.get_by_role("button", name="Stop").click()

    # A link that would save a file leads to the login, and back; then it saves the file.
    downloads: list[str] = []
    page.on("download", lambda download: downloads.append(download.suggested_filename))
    for part, link in (("Downloads", "Statistics"), ("Runs", "HTML")):
        tab(page, part)
        expect(page.get_by_role("link", name=link)).to_be_visible()
        page.context.clear_cookies()
        page.get_by_role("link", name=link).click()
        expect(page.get_by_text("Your login has run out.")).to_be_visible()
        log_in()
        expect(page.locator("nav [aria-current]")).to_contain_text(part)
        assert downloads == []
    with page.expect_download() as waiting:
        page.get_by_role("link", name="HTML").click()
    assert waiting.value.suggested_filename.endswith("_report.html")

    # So is the form of a test that is to follow kept.
    page.get_by_role("button", name="New test").click()
    expect(page.get_by_role("dialog").get_by_label("Users", exact=True)).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("dialog").get_by_label("Users", exact=True).fill("7")
    page.get_by_role("button", name="Start the test").click()
    log_in()
    expect(page.get_by_role("dialog").get_by_label("Users", exact=True)).to_have_value("7")


def test_who_does_not_know_the_word_sees_the_login_page(open_page: Open, starter: Starter, axe: str) -> None:
    users = (starter.folder / "shop.py").read_text()
    starter.write("shop.py", users + LOGIN)
    site = starter.start("--web-login")
    page = open_page(site.url)
    expect(page.get_by_text("Ask Ada for the word")).to_be_visible()
    assert serious_in(page, axe) == []
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("That is not the word")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("sesame")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Start the test")).to_be_visible()


def test_a_login_that_has_run_out_leads_to_the_login_page_and_back(
    open_page: Open, starter: Starter, target: Server
) -> None:
    users = (starter.folder / "shop.py").read_text()
    starter.write("shop.py", users + LOGIN)
    site = starter.start("--web-login", "-H", target.url)
    site.post("/enter", {"password": "sesame"})
    site.swarm(host=target.url)
    page = open_page(site.url)

    def log_in() -> None:
        expect(page.get_by_text("Your login has run out.")).to_be_visible()
        page.get_by_label("User name").fill("ada")
        page.get_by_label("Password").fill("sesame")
        page.get_by_role("button", name="Log in").click()

    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("sesame")
    expect(page.get_by_text("Your login has run out.")).to_have_count(0)
    page.get_by_role("button", name="Log in").click()
    tab(page, "Charts")

    # Somebody wants something done.
    page.context.clear_cookies()
    page.get_by_role("button", name="Stop").click()
    log_in()
    expect(page.locator("nav [aria-current]")).to_contain_text("Charts")
    expect(page.get_by_role("status").filter(has_text="Running")).to_be_visible()

    # Nobody does anything, and the stream of events comes to an end over night.
    page.context.clear_cookies()
    page.context.set_offline(True)
    page.context.set_offline(False)
    log_in()
    expect(page.locator("nav [aria-current]")).to_contain_text("Charts")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status").filter(has_text="Stopped")).to_be_visible()


def test_the_locustfile_says_which_percentiles_are_shown_until_somebody_chooses(
    open_page: Open, starter: Starter, target: Server, tmp_path: Path
) -> None:
    users = (starter.folder / "shop.py").read_text()
    chosen = "import locust.stats\nlocust.stats.PERCENTILES_TO_STATISTICS = [0.8, 0.999]\n"
    starter.write("shop.py", users + chosen + "locust.stats.PERCENTILES_TO_CHART = [0.9, 0.99]\n")
    site = starter.start("-H", target.url)
    site.swarm(host=target.url)
    site.until(lambda: site.requests_of() > 20)

    def percentiles(page: Page) -> list[str]:
        expect(page.locator(".rows thead th").filter(has_text=re.compile("^p[0-9]")).first).to_be_visible()
        heads = [text.strip(" ↓↑") for text in page.locator(".rows thead th").all_inner_texts()]
        return [head for head in heads if re.fullmatch(r"p[0-9.]+", head)]

    page = open_page(site.url)
    assert percentiles(page) == ["p50", "p80", "p99.9"]
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("p75").check()
    page.reload()
    assert percentiles(page) == ["p50", "p75", "p80", "p99.9"]
    tab(page, "Charts")
    legend = page.locator(".chart").filter(has_text="Response times").first.locator(".legend")
    expect(legend).to_contain_text(re.compile("now.*p90.*p99"))
    site.post("/stop")
    expect(legend).to_contain_text("whole run")
    report = tmp_path / "report.html"
    report.write_bytes(site.get("/stats/report?download=1").content)
    told = open_page(f"file://{report}")
    assert percentiles(told) == ["p50", "p80", "p99.9"]
    expect(told.locator("#part-charts .legend").nth(1)).to_contain_text(re.compile("whole run.*p90.*p99"))
