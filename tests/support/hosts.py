"""Hosts made of network namespaces, each with a link of its own to this machine that can be cut."""

import os
import shutil
import subprocess
from types import TracebackType

__all__ = ["Hosts", "why_not"]


def why_not() -> str | None:
    """Why there can be no hosts here, in words; None when there can."""
    if shutil.which("ip") is None:
        return "the command ip (package iproute2) is missing"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    name = f"gregaria-{os.getpid()}-try"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"the system makes no network namespaces: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=False)
    return None


class Hosts:
    """As many hosts as asked for, 10.210.N.2 each, where this machine is 10.210.N.1; gone at the end of the with-block.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._mark = f"{os.getpid() % 100_000:05d}"
        # Two tests side by side have other networks.
        self._net = os.getpid() % 250
        self._made: list[int] = []

    def __enter__(self) -> "Hosts":
        try:
            for number in range(self._count):
                self._make(number)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def address_of_machine(self, number: int) -> str:
        """This machine, as that host sees it."""
        return f"10.{210 + number}.{self._net}.1"

    def inside(self, number: int) -> tuple[str, ...]:
        """What goes before a command that shall run on that host."""
        return ("ip", "netns", "exec", self._space(number))

    def cut(self, number: int) -> None:
        """Nothing goes over the link of that host, and nobody is told."""
        _ip("link", "set", f"gh{self._mark}{number}", "down")

    def mend(self, number: int) -> None:
        """The link carries again."""
        _ip("link", "set", f"gh{self._mark}{number}", "up")

    def _space(self, number: int) -> str:
        return f"gregaria-{self._mark}-{number}"

    def _make(self, number: int) -> None:
        self._made.append(number)
        here, there = f"gh{self._mark}{number}", f"gn{self._mark}{number}"
        _ip("netns", "add", self._space(number))
        _ip("link", "add", here, "type", "veth", "peer", "name", there)
        _ip("link", "set", there, "netns", self._space(number))
        _ip("addr", "add", f"{self.address_of_machine(number)}/24", "dev", here)
        _ip("link", "set", here, "up")
        inside = ("-n", self._space(number))
        _ip(*inside, "addr", "add", f"10.{210 + number}.{self._net}.2/24", "dev", there)
        _ip(*inside, "link", "set", there, "up")
        _ip(*inside, "link", "set", "lo", "up")

    def _remove(self) -> None:
        for number in self._made:
            subprocess.run(["ip", "link", "del", f"gh{self._mark}{number}"], capture_output=True, check=False)
            subprocess.run(["ip", "netns", "del", self._space(number)], capture_output=True, check=False)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
