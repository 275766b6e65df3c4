"""Switching Locust's import paths on: what is found, what is patched, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

from tests.facade.conftest import Script

OURS = Path("gregaria") / "compat" / "locust"


def python(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A plain Python, for what `python -m gregaria.compat` would already have done."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def make_package(folder: Path, source: str = "raise SystemExit('the wrong locust')") -> None:
    folder.mkdir()
    (folder / "__init__.py").write_text(source)


def test_a_folder_called_locust_beside_the_script_is_not_taken(run_script: Script, tmp_path: Path) -> None:
    make_package(tmp_path / "locust")
    found = run_script("import locust, locust.env; print(locust.__file__, locust.env.__file__)").stdout.split()
    assert [Path(file).parent for file in found] == [Path(file).parent for file in found if str(OURS) in file]
    assert len(found) == 2


def test_another_locust_that_was_imported_first_is_refused_with_its_place(tmp_path: Path) -> None:
    make_package(tmp_path / "locust", "")
    code = "import locust; from gregaria.compat import enable; enable()"
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 1
    assert "Another locust is already imported" in done.stderr
    assert str(tmp_path / "locust" / "__init__.py") in done.stderr
    assert "python -m gregaria.compat SCRIPT" in done.stderr


def test_enabling_twice_changes_nothing(run_script: Script) -> None:
    source = """
        import sys
        from gregaria.compat import enable
        import locust
        before = list(sys.path)
        enable()
        import locust as again
        print(sys.path == before, again is locust)
    """
    assert run_script(source).stdout.split() == ["True", "True"]


def test_importing_locust_patches_the_standard_library(tmp_path: Path) -> None:
    code = """if True:
        from gevent import monkey
        from gregaria.compat import enable
        print(monkey.is_module_patched("socket"))
        enable()
        print(monkey.is_module_patched("socket"), monkey.is_module_patched("ssl"))
    """
    done = python("-W", "error", "-c", code, cwd=tmp_path)
    assert done.stdout.split() == ["False", "True", "True"], done.stderr


def test_patching_can_be_skipped_as_in_locust(run_script: Script) -> None:
    source = 'from gevent import monkey; import locust; print(monkey.is_module_patched("socket"))'
    assert run_script(source).stdout.strip() == "True"
    assert run_script(source, LOCUST_SKIP_MONKEY_PATCH="1").stdout.strip() == "False"


def test_a_script_sees_its_arguments_its_own_folder_and_its_name(run_script: Script, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("VALUE = 42")
    done = run_script("import sys, beside; print(sys.argv[1:], beside.VALUE, __name__)", "--one", "two")
    assert done.stdout.strip() == "['--one', 'two'] 42 __main__"


def test_a_scripts_exit_code_is_passed_on(run_script: Script) -> None:
    assert run_script("raise SystemExit(7)", check=False).returncode == 7


def compat(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return python("-m", "gregaria.compat", *arguments, cwd=cwd)


def test_a_module_can_be_run_too(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import sys, locust; print(sys.argv[1:], locust.HttpUser.__name__)")
    assert compat("-m", "mine", "x", cwd=tmp_path).stdout.strip() == "['x'] HttpUser"


def test_a_script_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    done = compat("missing.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("There is no missing.py here")


def test_without_a_script_the_usage_is_shown(tmp_path: Path) -> None:
    done = compat(cwd=tmp_path)
    assert done.returncode == 1
    assert "usage: python -m gregaria.compat SCRIPT.py" in done.stderr


LOCUSTFILE = """
from locust import HttpUser, LoadTestShape, between, events, task
from locust.env import Environment
import locust.stats

locust.stats.CONSOLE_STATS_INTERVAL_SEC = 10
locust.stats.PERCENTILES_TO_REPORT = [0.5, 0.9]


class Visitor(HttpUser):
    wait_time = between(1, 2)

    @task(3)
    def visit(self) -> None:
        self.client.get("/", name="first page", timeout=3).json()


environment = Environment(user_classes=[Visitor], events=events)
"""


def test_a_type_checker_finds_the_names_by_one_extra_path(tmp_path: Path) -> None:
    path = compat("--path", cwd=tmp_path).stdout.strip()
    (tmp_path / "good.py").write_text(LOCUSTFILE)
    (tmp_path / "bad.py").write_text(LOCUSTFILE + "\nVisitor.no_such_thing\nlocust.NoSuchName\n")
    done = python("-m", "mypy", "--cache-dir", "cache", "good.py", "bad.py", cwd=tmp_path, MYPYPATH=path)
    assert "good.py" not in done.stdout
    assert done.stdout.count("bad.py") == 2, done.stdout
