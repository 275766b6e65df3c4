"""A real Prometheus for a test; one that uses it ``needs("prometheus")``."""

import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import requests

__all__ = ["Prometheus"]

_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


class Prometheus:
    """A server of its own, that scrapes one target each second.

    Attributes:
        url: where it answers.
    """

    def __init__(self, folder: Path, target: str) -> None:
        folder.mkdir()
        config = folder / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s}\n"
            "scrape_configs: [{job_name: gregaria, static_configs: [{targets: ['" + target + "']}]}]\n"
        )
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._log: list[str] = []
        self.url = ""
        self._is_up = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._is_up.wait(30), self._log

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line)
            if found := _LISTENING.search(line):
                self.url = f"http://{found[1]}"
            elif "ready to receive" in line:
                self._is_up.set()

    def ask(self, path: str, **parameters: Any) -> Any:
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10)
        told = answer.json()
        assert told["status"] == "success", told
        return told["data"]

    def now(self, query: str) -> list[tuple[dict[str, str], float]]:
        return [(each["metric"], float(each["value"][1])) for each in self.ask("query", query=query)["result"]]

    def course(self, query: str, start: float, end: float) -> list[float]:
        found = self.ask("query_range", query=query, start=start, end=end, step=1)["result"]
        return [float(value) for each in found for _, value in each["values"]]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._reader.join(5)
        assert self._process.stderr is not None
        self._process.stderr.close()
