"""What the page costs: its size, and a second of a large test."""

import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect

from gregaria.web.page import STATIC

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(90)]

WEBUI = Path(__file__).parents[3] / "webui"
VITE = WEBUI / "node_modules" / "vite" / "bin" / "vite.js"

FIRST_LOAD_BYTES = 150 * 1024
REPORT_BYTES = 300 * 1024
TICK_MS = 50
#: ticks of a measurement, and how often it is made: others work on the machine, too
TICKS = 4
TURNS = 3

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def large() -> Iterator[str]:
    """A made-up test of 1,000 names, 20 workers and 24 hours, told by Vite's own server."""
    if not VITE.exists():
        pytest.skip("Vite is not installed here: make web installs it")
    process = subprocess.Popen(
        [shutil.which("node") or "node", str(VITE), "preview", "--port", "0", "--host", "127.0.0.1"],
        cwd=WEBUI,
        env={**os.environ, "NAMES": "1000", "WORKERS": "20", "HOURS": "24", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield found[0]
                break
        else:
            raise AssertionError("Vite has not said where it listens")
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_the_first_load_and_the_report_are_small() -> None:
    if not (STATIC / "index.html").exists():
        pytest.skip("the page is not installed here: make web builds it")
    page = (STATIC / "index.html").read_text()
    parts = [STATIC / "index.html", *(STATIC / name for name in re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page))]
    assert len(parts) > 2
    assert sum(len(gzip.compress(part.read_bytes(), 9)) for part in parts) <= FIRST_LOAD_BYTES
    assert (STATIC / "report.html").stat().st_size <= REPORT_BYTES


@pytest.mark.needs("node")
@pytest.mark.parametrize("tab", ["stats", "charts"])
def test_a_second_of_a_thousand_names_and_a_day_is_little_work(open_page: Open, large: str, tab: str) -> None:
    page = open_page(f"{large}/?tab={tab}")
    expect(page.locator(".tile").filter(has_text="Elapsed")).to_contain_text("24:00")
    expect(page.locator("main figure").first).to_be_visible()
    # Of 1,000 rows only those in sight are made.
    assert page.locator(".line").count() < 60
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    costs = []
    for _ in range(TURNS):
        before = scripting_ms(session)
        page.wait_for_timeout(TICKS * 1000)
        costs.append((scripting_ms(session) - before) / TICKS)
    assert 0 < min(costs) <= TICK_MS, costs


@pytest.mark.needs("node")
def test_a_thousand_names_are_all_on_paper(open_page: Open, large: str) -> None:
    page = open_page(f"{large}/?tab=stats")
    expect(page.locator(".line").first).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".line-name")).to_have_count(1000)
    page.emulate_media(media="screen")
    page.wait_for_function("document.querySelectorAll('.line').length < 60")


def scripting_ms(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(each["value"] for each in metrics if each["name"] == "ScriptDuration")
