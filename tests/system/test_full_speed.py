"""At full speed against nginx: what nginx counted is what the report says."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.nginx import Nginx

LOCUSTFILE = Path(__file__).parents[2] / "benchmarks" / "locustfiles" / "plain.py"


@pytest.mark.needs("nginx")
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_at_full_speed_reports_what_nginx_counted(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "gregaria", "-f", str(LOCUSTFILE), "Fast", "Http", "HttpJson", "HttpCatch"]
    command += ["--headless", "-u", "50", "-r", "100", "--json-file", "report"]
    with Nginx(tmp_path / "nginx", core=None) as nginx, (tmp_path / "log").open("wb") as log:
        run = subprocess.Popen([*command, "-H", nginx.url], cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT)
        try:
            while nginx.requests() < 1_000 and run.poll() is None:
                time.sleep(0.01)
            run.send_signal(number)
            code = run.wait(10)
        finally:
            run.kill()
            run.wait()
        counted = nginx.requests()
    assert code == 0, (tmp_path / "log").read_text()
    total = json.loads((tmp_path / "report.json").read_text())["total"]
    assert total["num_requests"] == counted - total["num_interrupted"]
    assert total["num_failures"] == 0
    assert counted >= 1_000
