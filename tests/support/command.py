"""Runs the real command as a person would, in a process of its own, and reads what it reported."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """A command that has ended.

    Attributes:
        report: what --json-file wrote; empty when it wrote nothing.
    """

    exit_code: int
    stdout: str
    stderr: str
    report: Mapping[str, Any]

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def row(self, name: str, method: str | None = None) -> Mapping[str, Any]:
        """The one row of that name; fails when there is none."""
        rows = [row for row in self.report["requests"] if row["name"] == name and method in (None, row["method"])]
        assert len(rows) == 1, f"{len(rows)} rows are named {name!r}; there are {self.names()}\n{self.output}"
        return rows[0]

    def names(self) -> set[str]:
        return {row["name"] for row in self.report.get("requests", ())}

    @property
    def total(self) -> Mapping[str, Any]:
        assert self.report, self.output
        return self.report["total"]


def run_gregaria(
    *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None, timeout_s: float = 60
) -> Run:
    """Run ``gregaria ARGUMENTS --headless`` in ``folder``, where its report is left too.

    Args:
        timeout_s: only keeps a command that hangs from being waited for until pytest's own limit, which ends all tests.
    """
    report = folder / "report.json"
    command = [sys.executable, "-m", "gregaria", *map(str, arguments), "--headless", "--json-file", report.stem]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    content = json.loads(report.read_text()) if report.exists() else {}
    return Run(done.returncode, done.stdout, done.stderr, content)
