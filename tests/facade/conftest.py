"""Runs scripts in which `import locust` is Gregaria, each in a process of its own: the facade patches its process."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Script = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_script(tmp_path: Path) -> Script:
    """Call it with Python source; warnings are errors in there too."""

    def run(
        source: str, *arguments: str, check: bool = True, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        script = tmp_path / "script.py"
        script.write_text(dedent(source))
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "gregaria.compat", str(script), *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run
