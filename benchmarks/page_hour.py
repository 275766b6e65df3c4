"""What the page costs a browser: scripting for each second of a large test, and its memory over a simulated hour.

    python -m benchmarks.page_hour [--minutes N] [--undisturbed]

A made-up test of 1,000 names, 20 workers and 24 hours, told by Vite's own server (`webui/test/fixture`), in headless
Chromium. For the hour time passes as fast as the page can follow.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks import results
from benchmarks.limits import judged
from benchmarks.priority import add_undisturbed, take_precedence

WEBUI = Path(__file__).parents[1] / "webui"
VITE = WEBUI / "node_modules" / "vite" / "bin" / "vite.js"

#: milliseconds of scripting for each second of the test that are asked for
MOST_TICK_MS = 50
#: what the memory after the first sixth of the time may be multiplied by until its end, to be called steady
MOST_GROWTH = 1.5
FAST_TICK_MS = 50
#: seconds over which a tick is measured
MEASURED_S = 20
TABS = ("stats", "charts")
PARTS = 6


@contextmanager
def made_up_test(tick_ms: int = 1000) -> Iterator[str]:
    """Where the page of a large test is served; it passes a second of the test each ``tick_ms``."""
    process = subprocess.Popen(
        [shutil.which("node") or "node", str(VITE), "preview", "--port", "0", "--host", "127.0.0.1"],
        cwd=WEBUI,
        env=os.environ | {"NAMES": "1000", "WORKERS": "20", "HOURS": "24", "TICK_MS": str(tick_ms), "NO_COLOR": "1"},
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
            raise RuntimeError("Vite has not said where it listens")
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def scripting_ms(session: CDPSession) -> float:
    """Milliseconds of scripting of a page since it was opened."""
    return 1000 * _metric(session, "ScriptDuration")


def heap_mb(session: CDPSession) -> float:
    """What the page holds when all that nobody holds is gone."""
    session.send("HeapProfiler.collectGarbage")
    return _metric(session, "JSHeapUsedSize") / 1e6


def watched(page: Page) -> CDPSession:
    """Asks a page what it costs."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    return session


def _metric(session: CDPSession, name: str) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == name))


def _seconds_shown(page: Page) -> int:
    text = page.locator(".tile").filter(has_text="Elapsed").inner_text()
    hours, minutes, seconds = re.search(r"(\d+):(\d+):(\d+)", text).groups()  # type: ignore[union-attr]
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def main() -> int:
    """Measure, write the result beside the others; returns 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60, help="of the test; fewer than 60 are not written down")
    add_undisturbed(parser)
    options = parser.parse_args()
    if options.undisturbed:
        take_precedence()
    tick_ms: dict[str, float] = {}
    heaps_mb: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with made_up_test() as url:
            for tab in TABS:
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                page.goto(f"{url}/?tab={tab}")
                page.locator("main figure").first.wait_for()
                session = watched(page)
                before_ms = scripting_ms(session)
                page.wait_for_timeout(MEASURED_S * 1000)
                tick_ms[tab] = (scripting_ms(session) - before_ms) / MEASURED_S
                page.close()
        with made_up_test(FAST_TICK_MS) as url:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{url}/?tab=charts")
            page.locator("main figure").first.wait_for()
            session = watched(page)
            began_s, began_at_s = time.monotonic(), _seconds_shown(page)
            for part in range(1, PARTS + 1):
                page.wait_for_timeout(100)
                while _seconds_shown(page) - began_at_s < options.minutes * 60 * part / PARTS:
                    page.wait_for_timeout(500)
                heaps_mb.append(heap_mb(session))
                print(f"{part * options.minutes / PARTS:.0f} min: {heaps_mb[-1]:.1f} MB", flush=True)
            took_s = time.monotonic() - began_s
        browser.close()
    section = {
        "about": (
            "1,000 names, 20 workers, 24 hours of history, in headless Chromium. Memory is what is left after a "
            f"collection, at each sixth of {options.minutes} simulated minutes, which took {took_s:.0f} s."
            f"{' Scheduled before other work of the machine.' if options.undisturbed else ''}"
        ),
        "rows": [
            {"what": f"scripting each second, {tab}", "measured": f"{value:.0f} ms"} for tab, value in tick_ms.items()
        ]
        + [{"what": "memory", "measured": ", ".join(f"{each:.1f}" for each in heaps_mb) + " MB"}],
        "judged": [
            judged("scripting each second, ms", max(tick_ms.values()), MOST_TICK_MS),
            judged("memory at the end, times that after a sixth", heaps_mb[-1] / heaps_mb[0], MOST_GROWTH),
        ],
    }
    print(results.judged_text(section))
    if options.minutes >= 60:
        results.save("page_hour", section)
    return int(any(each["value"] > each["at_most"] for each in section["judged"]))


if __name__ == "__main__":
    sys.exit(main())
