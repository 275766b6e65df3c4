"""The report, opened from disk as whoever gets it does."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.command import Run, run_gregaria
from tests.support.servers import Server
from tests.web.browser.conftest import cell, number_in, serious_in
from tests.web.conftest import USERS, Site

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(90)]

Open = Callable[..., Page]

TROUBLE = """

class Clumsy(HttpUser):
    wait_time = constant(0.2)

    @task
    def fall(self):
        self.client.get("/sell", name="</script><script>document.title = 'broken into'</script>")
        raise KeyError("basket")
"""


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory, target: Server) -> tuple[Path, Run]:
    folder = tmp_path_factory.mktemp("reported")
    (folder / "shop.py").write_text(USERS + TROUBLE)
    run = run_gregaria(
        "-f", "shop.py", "-H", target.url, "-u", "6", "-r", "6", "-t", "5s", "--html", "r_{u}_{t}.html",
        "--password", "open-sesame", folder=folder,
    )  # fmt: skip
    assert (folder / "r_6_5.html").exists(), run.output
    return folder / "r_6_5.html", run


def test_it_tells_what_the_document_tells_and_asks_nobody(open_page: Open, reported: tuple[Path, Run]) -> None:
    path, run = reported
    assert path.stat().st_size < 300 * 1024 + len(json.dumps(run.report))
    page = open_page(f"file://{path}")
    expect(page).to_have_title(re.compile("^Load test report"))
    assert number_in(cell(page, "All requests", "Requests")) == run.total["num_requests"]
    assert number_in(cell(page, "/look", "Requests")) == run.row("/look")["num_requests"]
    expect(page.get_by_text(run.report["generator"]["verdict"]["sentence"])).to_be_visible()
    expect(page.get_by_text(run.report["machine"]["system"])).to_be_visible()
    expect(page.locator("#part-exceptions")).to_contain_text("KeyError: 'basket'")
    expect(page.locator("#part-ratios")).to_contain_text("Clumsy")
    configuration = page.locator(".configuration")
    for told in ("Buyer", "weight 1", "password", "***", "colour", "red", "hidden"):
        expect(configuration).to_contain_text(told)
    assert "open-sesame" not in path.read_text()


def test_its_failures_have_their_exchanges(open_page: Open, reported: tuple[Path, Run]) -> None:
    page = open_page(f"file://{reported[0]}")
    page.locator("#part-failures").get_by_role("button", name=re.compile("500")).click()
    expect(page.locator("#part-failures")).to_contain_text("HTTP/1.1 500")


def test_a_window_of_it_is_added_up_as_the_timeline_says(open_page: Open, reported: tuple[Path, Run]) -> None:
    path, run = reported
    page = open_page(f"file://{path}")
    plot = page.locator("#part-charts .u-over").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 20, steps=5)
    page.mouse.up()
    told = page.get_by_role("status").filter(has_text="Window")
    expect(told).to_contain_text("requests")
    found = re.search(r"([\d,]+) requests", told.inner_text())
    assert found is not None
    blocks = [sum(row[1] for row in block[4]) for block in run.report["timeline"]["blocks"]]
    runs_of_blocks = {sum(blocks[a:b]) for a in range(len(blocks)) for b in range(a + 1, len(blocks) + 1)}
    assert number_in(found[1]) in runs_of_blocks
    assert number_in(found[1]) == number_in(cell(page, "All requests", "Requests")) < run.total["num_requests"]
    page.get_by_label("Fold by").select_option("method")
    for column in ("p50", "p95", "p99"):
        expect(page.locator(".line-group")).to_contain_text(cell(page, "All requests", column))
    page.get_by_label("Fold by").select_option("nothing")
    page.locator("#part-stats .line-name").filter(has_text="/look").click()
    expect(page.get_by_role("dialog", name="GET /look").get_by_role("img")).to_have_count(3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_it(open_page: Open, reported: tuple[Path, Run], scheme: str, axe: str) -> None:
    page = open_page(f"file://{reported[0]}", width=1024, color_scheme=scheme)
    expect(page.locator("#part-stats")).to_be_visible()
    assert serious_in(page, axe) == []


def test_on_paper_all_rows_are_there_and_no_buttons(open_page: Open, reported: tuple[Path, Run]) -> None:
    page = open_page(f"file://{reported[0]}", color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.emulate_media(media="print")
    # Paper is light, charts are as wide as it, and the names have room.
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.locator("#part-charts canvas").first.evaluate("canvas => canvas.clientWidth") < 720
    assert page.locator("#part-stats td.name").first.evaluate("cell => cell.clientWidth") > 150
    expect(page.locator("nav")).to_be_hidden()
    expect(page.locator("#part-stats .line-name")).to_have_count(4)
    expect(page.get_by_text("Columns", exact=True)).to_be_hidden()
    places = page.evaluate(
        "['#part-stats table', '#part-failures'].map((each) => document.querySelector(each).getBoundingClientRect())"
    )
    assert places[0]["bottom"] <= places[1]["top"]


@pytest.mark.parametrize(("asked", "shown"), [("dark", "dark"), ("pink", "light")])
def test_it_opens_in_the_theme_that_the_request_asks_for(
    open_page: Open, running: Site, asked: str, shown: str
) -> None:
    page = open_page(f"{running.url}/stats/report?theme={asked}", color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", shown)
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "light" if shown == "dark" else "dark")
