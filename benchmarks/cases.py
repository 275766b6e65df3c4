"""Who is measured doing what: the generators and their commands, in groups that share a yardstick."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.locust_env import locust_program

HERE = Path(__file__).parent
WORK = HERE / ".work"
LOCUSTFILES = HERE / "locustfiles"
GREGARIA = str(Path(sys.executable).with_name("gregaria"))
USERS = 50
MANY_USERS = 500
#: every generator is told to run longer than any window; it is ended by SIGINT
LONGER_THAN_ANY_WINDOW_S = 3600

K6_SCRIPT = "import http from 'k6/http'; export default function () {{ http.get('{url}/'); }}"
WRK_SCRIPT = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [=[{text}]=]
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One generator doing one thing.

    Attributes:
        name: as the results show it.
        command: what to run; ``{url}`` is the target.
    """

    name: str
    command: list[str]

    def at(self, url: str) -> list[str]:
        """The command against this target."""
        return [part.replace("{url}", url) for part in self.command]

    def log(self) -> Path:
        """Where its output goes."""
        return WORK / f"{self.name.replace(' ', '-')}.log"


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that do the same, so that the same yardstick fits all.

    Attributes:
        name: what they do.
        yardstick: what runs before and after each of them.
        cases: the others.
        over_tls: whether the target is its TLS side.
    """

    name: str
    yardstick: Case
    cases: list[Case]
    over_tls: bool = False


def python_tool(program: str, file: str, user_classes: str, users: int = USERS, *more: str) -> list[str]:
    """Gregaria and Locust take the same words."""
    words = [program, "-f", str(LOCUSTFILES / file), *user_classes.split(), "--headless"]
    return [*words, "-u", str(users), "-r", str(users), "-H", "{url}", *more]


def gregaria(what: str, file: str, user_classes: str, users: int = USERS, *more: str) -> Case:
    """Gregaria as it is installed beside this Python, with its default settings."""
    return Case(f"gregaria {what}", python_tool(GREGARIA, file, user_classes, users, *more))


def locust(what: str, file: str, user_classes: str, users: int = USERS, *more: str) -> Case:
    """Locust from an environment of its own, with the very same locustfile."""
    return Case(f"locust {what}", python_tool(str(locust_program()), file, user_classes, users, *more))


def wrk(what: str = "", path: str = "/", *words: str, users: int = USERS) -> Case:
    """The yardstick."""
    command = ["wrk", "-t1", f"-c{users}", f"-d{LONGER_THAN_ANY_WINDOW_S}s", *words, f"{{url}}{path}"]
    return Case(f"wrk {what}".strip(), command)


def groups() -> list[Group]:
    """Everything whose rate is measured."""
    script, text = WORK / "post.lua", (LOCUSTFILES / "order.json").read_text()
    WORK.mkdir(parents=True, exist_ok=True)
    script.write_text(WRK_SCRIPT.format(text=text))
    return [
        Group("plain", wrk(), [*_plain(), *_others()]),
        Group(
            "tls",
            wrk("over TLS"),
            [
                gregaria("Fast over TLS", "over_tls.py", "Fast"),
                gregaria("Http over TLS", "over_tls.py", "Http"),
                locust("Fast over TLS", "over_tls.py", "Fast"),
            ],
            over_tls=True,
        ),
        Group(
            "post",
            wrk("POST 1 KiB", "/", "-s", str(script)),
            [
                gregaria("Fast POST 1 KiB", "bodies.py", "FastPost"),
                gregaria("Fast POST 1 KiB, json=", "bodies.py", "FastPostJson"),
                gregaria("Http POST 1 KiB", "bodies.py", "HttpPost"),
                locust("Fast POST 1 KiB", "bodies.py", "FastPost"),
            ],
        ),
        Group(
            "large",
            wrk("GET 100 KiB", "/large"),
            [
                gregaria("Fast GET 100 KiB", "bodies.py", "FastLarge"),
                gregaria("Http GET 100 KiB", "bodies.py", "HttpLarge"),
                locust("Fast GET 100 KiB", "bodies.py", "FastLarge"),
            ],
        ),
        Group(
            "session",
            wrk("cookie and gzip", "/session", "-H", "Accept-Encoding: gzip"),
            [
                gregaria("Fast cookie and gzip", "session.py", "Fast"),
                gregaria("Fast new cookies and gzip", "session.py", "FastRolling"),
                gregaria("Http cookie and gzip", "session.py", "Http"),
                locust("Fast cookie and gzip", "session.py", "Fast"),
            ],
        ),
        Group(
            "names",
            wrk("500 connections", users=MANY_USERS),
            [
                gregaria("Fast 500 users and names", "names.py", "Fast", MANY_USERS),
                gregaria("Http 500 users and names", "names.py", "Http", MANY_USERS),
                locust("Fast 500 users and names", "names.py", "Fast", MANY_USERS),
            ],
        ),
    ]


def _plain() -> list[Case]:
    names = ["Fast", "Http", "HttpParams", "HttpHeaders", "HttpCookie", "HttpToken", "HttpCatch", "HttpJson"]
    return [
        *(gregaria(name, "plain.py", name) for name in names),
        *(gregaria(f"{name} with a listener", "listening.py", name) for name in ("Fast", "Http")),
        *(locust(name, "plain.py", name) for name in ("Fast", "Http")),
    ]


def _others() -> list[Case]:
    """Those of the known generators that are installed here."""
    cases = []
    if shutil.which("hey"):
        cases.append(Case("hey", ["hey", "-z", f"{LONGER_THAN_ANY_WINDOW_S}s", "-c", str(USERS), "{url}/"]))
    if shutil.which("k6"):
        script = str(WORK / "k6.js")
        duration = f"{LONGER_THAN_ANY_WINDOW_S}s"
        cases.append(Case("k6", ["k6", "run", "--quiet", "--vus", str(USERS), "--duration", duration, script]))
    return cases


def cores() -> tuple[int | None, int | None]:
    """One core for the target and another for the generator; None where they cannot be held apart."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)
