"""What the page weighs: its size, and what it makes of a large test. What that costs is in benchmarks/page_hour."""

import gzip
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from benchmarks.page_hour import VITE, made_up_test
from gregaria.web.page import STATIC

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(90)]

FIRST_LOAD_BYTES = 150 * 1024
REPORT_BYTES = 300 * 1024

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def large() -> Iterator[str]:
    """A made-up test of 1,000 names, 20 workers and 24 hours."""
    if not VITE.exists():
        pytest.skip("Vite is not installed here: make web installs it")
    with made_up_test() as url:
        yield url


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
def test_seconds_of_a_thousand_names_and_a_day_make_no_more_of_the_page_than_can_be_seen(
    open_page: Open, large: str, tab: str
) -> None:
    page = open_page(f"{large}/?tab={tab}")
    elapsed = page.locator(".tile").filter(has_text="Elapsed")
    expect(elapsed).to_contain_text("24:00")
    expect(page.locator("main figure").first).to_be_visible()
    # Of 1,000 rows only those in sight are made.
    assert page.locator(".line").count() < 60
    before = page.locator("*").count()
    shown = re.search(r"24:00:\d\d", elapsed.inner_text())
    assert shown is not None
    expect(elapsed).not_to_contain_text(shown[0])
    assert page.locator("*").count() < before + 60


@pytest.mark.needs("node")
def test_a_thousand_names_are_all_on_paper(open_page: Open, large: str) -> None:
    page = open_page(f"{large}/?tab=stats")
    expect(page.locator(".line").first).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".line-name")).to_have_count(1000)
    page.emulate_media(media="screen")
    page.wait_for_function("document.querySelectorAll('.line').length < 60")
