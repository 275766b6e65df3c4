"""results.json, where every benchmark keeps the section of its last run, and RESULTS.md, which is rendered from it."""

import json
import os
import platform
import re
import subprocess
import textwrap
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.limits import LIMITS

HERE = Path(__file__).parent
JSON = HERE / "results.json"
PAGE = HERE / "RESULTS.md"
README = HERE.parent / "README.md"

#: what the README shows: the name in results.json, and how a reader would call it
SHOWN = {
    "wrk": "wrk",
    "gregaria Fast": "**Gregaria, FastHttpUser**",
    "gregaria Http": "**Gregaria, HttpUser**",
    "gregaria HttpCatch": "**Gregaria, HttpUser, `catch_response`**",
    "gregaria HttpJson": "**Gregaria, HttpUser, `json=`**",
    "hey": "hey",
    "k6": "k6",
    "locust Fast": "Locust, FastHttpUser",
    "locust Http": "Locust, HttpUser",
}

HEAD = """# Results

Rendered from `results.json` by `make bench` and `make soak`; do not edit. Every section tells when and where it was
measured.
"""

METHOD = """nginx answers `GET /` with 17 bytes of JSON over keep-alive connections, unless the name of the case tells
otherwise; it has one worker, held to one core; the generator is held to another. {users} users without waits; every
tool runs with its defaults, Gregaria as the installed command. The rate is nginx's own count over {window_s:g} s of
wall time, after a warm-up. wrk ran before and after every measurement, doing the same: **of wrk** is the median over
{rounds} rounds of the rate divided by the mean of those two neighbours. CPU time is the generator's, from the
operating system, over the same window; **times wrk's** is beside the same neighbours. **target busy** near 1 means
that nginx set the pace, not the generator.
"""


def load() -> dict[str, Any]:
    """What the last runs left; empty before the first."""
    return json.loads(JSON.read_text()) if JSON.exists() else {}


def save(section: str, values: dict[str, Any]) -> None:
    """Replace one section, with the moment and the machine, and render the page anew."""
    everything = load()
    moment = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    everything[section] = {"measured": moment, "machine": machine(), "commit": commit()} | values
    JSON.write_text(json.dumps(everything, indent=2) + "\n")
    PAGE.write_text(page(everything))
    if section == "throughput":
        README.write_text(with_figures(README.read_text(), everything[section]))
    print(f"Written: {JSON.relative_to(HERE.parent)}, {PAGE.relative_to(HERE.parent)}")


def page(everything: dict[str, Any]) -> str:
    """RESULTS.md."""
    parts = [HEAD]
    for title, name, text in (
        ("Throughput", "throughput", throughput_text),
        ("What an option costs", "costs", judged_text),
        ("Many users that wait", "steady", judged_text),
        ("What a user weighs", "memory", judged_text),
        ("A master of a thousand workers", "cluster_master", judged_text),
        ("Workers", "cluster_nodes", judged_text),
        ("Start-up", "startup", startup_text),
        ("Accuracy of the numbers", "accuracy", accuracy_text),
        ("Response times beside the target's own", "truth", judged_text),
        ("One user of fifty that computes", "blocked", judged_text),
        ("Exact to the last request", "soak", soak_text),
        ("Exact to the last request, with workers", "soak_workers", soak_text),
        ("The timeline of a day", "timeline", judged_text),
        ("The page of a large test", "page_hour", judged_text),
        ("Two runs compared", "compare", compare_text),
        ("Memory and descriptors over time", "churn", judged_text),
    ):
        parts.append(f"## {title}\n")
        values = everything.get(name)
        parts.append(f"{_origin(values)}\n\n{text(values)}" if values else "Not measured yet.\n")
    return "\n".join(parts)


def with_figures(readme: str, values: dict[str, Any]) -> str:
    """The README with the main rates between its two marks."""
    rows = [
        [SHOWN[row["case"]], f"{row['rate']:,.0f}", f"{row['of_wrk']:.2f}", f"{row['cpu_us_per_request']:.1f}"]
        for row in sorted(values["cases"], key=lambda row: -row["of_wrk"])
        if row["case"] in SHOWN
    ]
    table = _table(["generator", "requests/s", "of wrk", "CPU us per request"], rows)
    marked = r"(<!-- figures.*?-->\n).*?(<!-- /figures -->)"
    return re.sub(marked, lambda found: f"{found[1]}{table}\n{_origin(values)}\n{found[2]}", readme, flags=re.DOTALL)


def throughput_text(values: dict[str, Any]) -> str:
    """The method, the table of rates, and what the limits say of it."""
    rows = [
        [
            row["case"],
            f"{row['rate']:,.0f}",
            f"{row['of_wrk']:.3f}",
            f"{row['cpu_us_per_request']:.1f}",
            f"{row['cpu_of_wrk']:.2f}" if "cpu_of_wrk" in row else "",
            f"{row['target_busy']:.2f}",
        ]
        for row in sorted(values["cases"], key=lambda row: -row["of_wrk"])
    ]
    versions = ", ".join(f"{name} {version}" for name, version in values["versions"].items())
    ratios = {row["case"]: row["of_wrk"] for row in values["cases"]}
    verdicts = [[limit.text, f"{limit.least:g}", *_verdict(limit.value(ratios), limit.least)] for limit in LIMITS]
    return "\n".join(
        [
            METHOD.format(**values),
            f"{versions}\n",
            _table(["generator", "requests/s", "of wrk", "CPU us/request", "times wrk's", "target busy"], rows),
            _table(["asked for", "at least", "measured", ""], verdicts),
        ]
    )


def startup_text(values: dict[str, Any]) -> str:
    """Seconds until the command says something, and until the target sees a request."""
    rows = [
        [
            row["what"],
            f"{row['seconds']:.3f}",
            f"{row['at_most']:g}",
            "yes" if row["seconds"] <= row["at_most"] else "**no**",
        ]
        for row in values["cases"]
    ]
    return f"Median of {values['runs']} runs, seconds.\n\n" + _table(["", "seconds", "at most", "reached"], rows)


def accuracy_text(values: dict[str, Any]) -> str:
    """Whatever benchmarks/accuracy.py measured, a row each."""
    rows = [[str(cell) for cell in row.values()] for row in values["rows"]]
    return _table(list(values["rows"][0]), rows)


def judged_text(values: dict[str, Any]) -> str:
    """What was done, a row for each thing measured, and the figures of which something is asked."""
    verdicts = [
        [each["what"], f"{each['at_most']:g}", *_verdict(each["value"], each["at_most"], at_most=True)]
        for each in values["judged"]
    ]
    lines = textwrap.fill(values["about"], 120, break_long_words=False, break_on_hyphens=False)
    measured = accuracy_text(values) if values["rows"] else "Nothing could be measured.\n"
    return "\n".join([f"{lines}\n", measured, _table(["asked for", "at most", "measured", ""], verdicts)])


def soak_text(values: dict[str, Any]) -> str:
    """How many of the runs told exactly what the target had counted."""
    rows = [
        [row["way"], str(row["runs"]), str(row["exact"]), f"{row['requests']:,}", str(row["interrupted"])]
        for row in values["ways"]
    ]
    shared = f", shared out to {values['workers']} worker processes" if values.get("workers") else ""
    about = (
        f"{values['users']} users without waits{shared}, stopped at a random moment between 0.5 and 2 s; a run is "
        "exact when the requests that the target counted, less those told as interrupted, are the requests of the "
        "report, to the last one.\n\n"
    )
    return about + _table(["ended by", "runs", "exact", "requests", "interrupted"], rows)


def compare_text(values: dict[str, Any]) -> str:
    """How often ``gregaria compare`` was wrong about real pairs of runs."""
    of = f"of {values['pairs']}"
    before = "; scheduled before the machine's other work" if values.get("undisturbed") else ""
    return (
        f"{values['pairs']} pairs of equal runs of {values['seconds']} s against a target that takes 10 to 20 ms for "
        f"each request, and as many in which it takes 10 % longer in the second run{before}.\n\n"
        f"false alarms {values['false_alarms']} {of} (limit 5 of 100); could not tell {values['untold']}\n"
        f"found {values['found']} {of} (at least 95 of 100)\n"
    )


def machine() -> dict[str, Any]:
    """What this was measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())
        model = found[1] if found else model
    kernel = platform.release().partition("-")[0]
    return {"cpu": model, "cores": os.cpu_count(), "system": f"{platform.system()} {kernel}"}


def versions(locust: Path) -> dict[str, str]:
    """The versions of everything that took part."""
    found = {
        "gregaria": metadata.version("gregaria"),
        "Python": platform.python_version(),
        "gevent": metadata.version("gevent"),
    }
    for name, command, pattern in (
        ("Locust", [str(locust), "--version"], r"locust (\S+)"),
        ("wrk", ["wrk", "--version"], r"wrk (?:debian/)?(\S+)"),
        ("nginx", ["/usr/sbin/nginx", "-v"], r"nginx/(\S+)"),
        ("k6", ["k6", "version"], r"k6(?:\.exe)? v?(\S+)"),
    ):
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        except OSError:
            continue
        version = re.search(pattern, answer.stdout + answer.stderr)
        if version:
            found[name] = version[1]
    return found


def commit() -> str:
    """The commit that was measured; with a plus when the tree had changes."""
    answer = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=HERE, capture_output=True, text=True, timeout=20, check=False
    )
    return answer.stdout.strip() or "unknown"


def _origin(values: dict[str, Any]) -> str:
    of = values["machine"]
    return f"{values['measured']}, commit {values['commit']}, {of['cores']} cores of {of['cpu']}, {of['system']}."


def _verdict(value: float | None, limit: float, at_most: bool = False) -> list[str]:
    if value is None:
        return ["not measured", ""]
    reached = value <= limit if at_most else value >= limit
    return [f"{value:.3g}", "reached" if reached else "**missed**"]


def _table(head: list[str], rows: list[list[str]]) -> str:
    marks = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, marks, *rows]) + "\n"
