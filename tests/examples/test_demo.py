"""What `make demo` shows, in a shorter run."""

import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
ROWS = ["/", "/getInfo", "/fileSize", "first day: arrive", "first day: introduce", "Aggregated"]


def test_the_demo_ends_with_a_summary_and_leaves_nothing_running() -> None:
    before = {process.pid for process in psutil.process_iter()}
    demo = subprocess.run(
        [sys.executable, "examples/demo/run.py", "3"], cwd=ROOT, capture_output=True, text=True, timeout=18, check=False
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    for row in ROWS:
        assert row in demo.stdout + demo.stderr
    assert "demo-output/demo_stats.csv" in demo.stdout
    left = [process for process in psutil.process_iter(["cmdline"]) if process.pid not in before]
    assert not [process for process in left if "examples/target" in " ".join(process.info["cmdline"] or [])]
