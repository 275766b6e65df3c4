"""Debian's Chromium, driven by Playwright, and a test that goes on behind the page."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from gregaria.web.page import STATIC
from tests.support.servers import Server, process_that_prints_its_port
from tests.web.conftest import Site, Starter

#: where a picture of each page is left, as it was at the end of its test
PICTURES = Path(os.environ.get("GREGARIA_SCREENSHOTS", Path(tempfile.gettempdir()) / "gregaria-screenshots"))

#: this machine's, when everything runs at once, is slower than a person's
PATIENCE_MS = 30_000

_UNSAFE = re.compile(r"[^A-Za-z0-9]+")

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (STATIC / "index.html").exists():
        pytest.skip("the page is not installed here: make web builds it")
    # Until the end of the module only: there is a loop of asyncio behind it, which other tests have to do without.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens pages that must ask nobody but their own server, and have nothing to complain about."""
    pages: list[Page] = []
    complaints: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)

    def complain(message: ConsoleMessage) -> None:
        # What a page cannot help: its server was stopped, or its login has run out.
        is_outside = "net::ERR" in message.text or "status of 401" in message.text
        if message.type in ("error", "warning") and not is_outside:
            complaints.append(message.text)

    def open_page(url: str, width: int = 1440, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        own = url.split("/")[2]

        def check(asked: Request) -> None:
            if not asked.url.startswith(("data:", "blob:")) and asked.url.split("/")[2] != own:
                complaints.append(f"asked {asked.url}")

        page.on("request", check)
        pages.append(page)
        page.goto(url)
        return page

    yield open_page
    for number, page in enumerate(pages):
        name = _UNSAFE.sub("-", request.node.name).strip("-")
        page.screenshot(path=PICTURES / f"{name}{f'-{number}' if number else ''}.png")
        page.context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, target: Server) -> Iterator[Site]:
    """A test that goes on, for all who only look at it."""
    starter = Starter(tmp_path_factory.mktemp("running"))
    site = starter.start("-H", target.url)
    site.swarm(user_count=4, spawn_rate=4, host=target.url)
    site.until(lambda: site.requests_of() > 40)
    yield site
    starter.close()


@pytest.fixture
def own_target() -> Iterator[Server]:
    """A target that nobody else asks for anything, for those who count."""
    with process_that_prints_its_port(["-m", "tests.support.target"]) as port:
        yield Server(f"http://127.0.0.1:{port}")


def counts_of(target: Server) -> dict[str, int]:
    """How often the target was asked for each path."""
    found: dict[str, int] = requests.get(f"{target.url}/__count", timeout=30).json()
    return found


def number_in(text: str) -> int:
    return int(text.replace(",", ""))


def cell(page: Page, name: str, column: str) -> str:
    """What the statistics say of a name."""
    heads = [text.strip(" ↓↑") for text in page.locator(".rows thead th").all_inner_texts()]
    row = page.locator(".rows tr").filter(has_text=name).first
    return row.locator("th, td").nth(heads.index(column)).inner_text()


def tab(page: Page, title: str) -> None:
    page.get_by_role("navigation").get_by_role("button", name=re.compile(f"^{title}")).click()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, which finds what people with screen readers would stumble over."""
    path = Path(__file__).parents[3] / "webui" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        pytest.skip("axe-core is not installed here: make web installs it")
    return path.read_text(encoding="utf-8")


def serious_in(page: Page, axe: str) -> list[str]:
    """What axe finds serious or critical in the page as it stands."""
    if not page.evaluate("'axe' in window"):
        # evaluate() is not bound to the page's content security policy, as a script element would be
        page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        json.dumps([violation["id"], [node["html"][:200] for node in violation["nodes"]][:5]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
