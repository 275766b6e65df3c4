"""The Dockerfile: what hadolint finds in it, and what comes of its steps when they are run in a folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from tests.deploy.containers import DEPLOY, ROOT
from tests.deploy.image_steps import Image, Stage, build
from tests.support.servers import CountingServer

FILE = DEPLOY / "docker" / "Dockerfile"
FILES = [FILE, DEPLOY / "docker" / "target.Dockerfile"]
#: it installs everything once
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="what containers run is made for Linux"),
]
CALLER = """
from locust import FastHttpUser, task


class Caller(FastHttpUser):
    @task
    def call(self):
        self.client.get("/")
"""


def give_what_is_compiled(stage: Stage) -> None:
    """Spare the stage that compiles its minutes: what this checkout has compiled is newer than the stage's sources."""
    package = stage.root / "source" / "src" / "gregaria"
    if not (package / "engine").exists():
        return
    built = (
        stage.root / "source" / "build" / f"lib.{sysconfig.get_platform()}-{sys.implementation.cache_tag}" / "gregaria"
    )
    for source in (ROOT / "src" / "gregaria").glob("*/*.pyx"):
        folder = source.parent.name
        (built / folder).mkdir(parents=True, exist_ok=True)
        translated = shutil.copy(source.with_suffix(".c"), package / folder)
        compiled = shutil.copy(source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX")), built / folder)
        # Newer than the headers, too, that pip is about to install.
        now_s = time.time()
        os.utime(translated, (now_s, now_s + 3600))
        os.utime(compiled, (now_s, now_s + 7200))


def run(image: Image, *command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the image as the image would, but for its place."""
    root = image.stage.root
    packages = Path(sysconfig.get_path("purelib")).relative_to(sysconfig.get_path("data"))
    env = {
        **image.stage.env,
        "PATH": os.pathsep.join([str(root / "usr/local/bin"), str(root / "python/bin"), os.environ["PATH"]]),
        "PYTHONPATH": str(root / "usr/local" / packages),
    }
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.needs("hadolint")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_hadolint_finds_nothing(file: Path) -> None:
    found = subprocess.run(["hadolint", "--no-color", file], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.needs("shellcheck")
@pytest.mark.parametrize(
    "script", [DEPLOY / "docker" / "entrypoint", DEPLOY / "docker" / "probe"], ids=lambda path: path.name
)
def test_shellcheck_finds_nothing_in_what_the_image_runs(script: Path) -> None:
    found = subprocess.run(["shellcheck", "--shell=sh", script], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.needs("npm", "cc")
def test_the_steps_give_both_commands_the_page_and_the_programs_that_the_image_names(
    target: CountingServer, tmp_path: Path
) -> None:
    (tmp_path / "image").mkdir()
    image = build(FILE, ROOT, tmp_path / "image", give_what_is_compiled)
    (line,) = {run(image, name, "--version", folder=tmp_path).stdout for name in ("gregaria", "locust")}
    assert line.startswith("gregaria ")
    assert run(image, "gregaria-entrypoint", "--version", folder=tmp_path).stdout == line

    (tmp_path / "locustfile.py").write_text(CALLER)
    arguments = ["--headless", "-u", "2", "-i", "20", "-H", target.url, "--html", "report.html"]
    done = run(image, "gregaria-entrypoint", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert target.counts()["/"] == 20
    assert "<script" in (tmp_path / "report.html").read_text()

    for word in ("ENTRYPOINT", "HEALTHCHECK"):
        program = image.says[word].partition('["')[2].partition('"')[0]
        assert os.access(image.stage.root / "usr/local/bin" / program, os.X_OK)

    # Of all that is run only the account is not: it can be made in an image alone.
    user, group = map(int, image.says["USER"].split(":"))
    assert user > 0
    assert group > 0
    (account,) = image.stage.skipped
    assert account.startswith(f"useradd --uid {user} ")
