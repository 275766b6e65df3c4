"""The limit of open files, in processes of their own: it cannot be put back."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

# Root may raise the hard limit, too; whoever starts the tests as root gives that up first.
AS_ANYBODY = "import os; os.geteuid() or os.setuid(65534)\n"
BEGIN = "import logging, resource\nlogging.basicConfig()\n"
END = "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"


def limits_after(soft: int, hard: int, users: int | None) -> tuple[list[int], str]:
    """The soft and the hard limit after the call, and what was logged."""
    text = (
        f"{BEGIN}resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        "from gregaria.cli.limits import raise_file_limit\n"
        f"{AS_ANYBODY}raise_file_limit({users})\n{END}"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True)
    return [int(word) for word in done.stdout.split()], done.stderr


def test_the_limit_is_raised_as_far_as_it_may_be() -> None:
    assert limits_after(64, 3000, 2000) == ([3000, 3000], "")


def test_a_limit_that_is_enough_is_left_alone() -> None:
    assert limits_after(256, 256, 100) == ([256, 256], "")


@pytest.mark.parametrize(("users", "who"), [(500, "these users"), (None, "a shape")])
def test_too_few_are_told_with_what_to_do(users: int | None, who: str) -> None:
    limits, told = limits_after(64, 200, users)
    assert limits == [200, 200]
    assert told.startswith("WARNING:gregaria.cli.limits:This process may have only 200 files open at once")
    for words in (who, "`ulimit -n 10000`", "limits.conf", "LimitNOFILE=", "--ulimit nofile="):
        assert words in told


def test_more_users_get_more_files() -> None:
    text = (
        f"{BEGIN}from gregaria.cli.limits import raise_file_limit\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))\n"
        f"{AS_ANYBODY}raise_file_limit(3_000)\n{END}"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True)
    soft, hard = (int(word) for word in done.stdout.split())
    assert soft == (12_100 if hard < 0 else min(hard, 12_100))


def test_spare_files_are_there_when_all_others_are_taken() -> None:
    text = (
        "import resource\nfrom gevent import monkey; monkey.patch_all()\nimport gevent; gevent.sleep(0)\n"
        "from gregaria.cli.limits import SpareFiles\n"
        "spare = SpareFiles()\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "taken = []\n"
        "try:\n"
        "    while True: taken.append(open('/dev/null'))\n"
        "except OSError: pass\n"
        "spare.give_back()\n"
        "spare.give_back()\n"
        "print(len([open('/dev/null') for _ in range(8)]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "8\n", done.stderr
