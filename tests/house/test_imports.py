"""The floors, for what import-linter does not see: Cython sources, imports inside functions, the package root."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "gregaria"
PYTHON_FILES = sorted(path for path in PACKAGE.rglob("*.py") if "locust" not in path.parts)
NATIVE_FILES = sorted([*PACKAGE.rglob("*.pyx"), *PACKAGE.rglob("*.pxd")])

GROUND = ("events", "errors", "settings", "version", "logs", "context", "patching", "turn", "typed")
FLOORS = dict.fromkeys(GROUND, 0) | {
    "engine": 1,
    "client": 2,
    "users": 3,
    "stats": 3,
    "feed": 4,
    "runner": 4,
    "report": 5,
    "environment": 7,
    "kubernetes": 7,
    "cli": 8,
    "__main__": 8,
    "debug": 9,
    "compat": 10,
}

CHANGES_NOTHING = """
import importlib, logging, signal, sys, threading
before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)], threading.active_count()
for module in sys.argv[1:]:
    importlib.import_module(module)
from gevent import monkey
assert before == ([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)], threading.active_count())
assert not monkey.saved, monkey.saved
assert not logging.root.handlers, logging.root.handlers
"""


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def is_module(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every import and cimport of a Cython file."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r"\s*(?:from\s+(\S+)\s+c?import|c?import\s+(\S+))\s", line + " ")
        if found:
            yield number, found[1] or found[2]


@pytest.mark.parametrize("path", PYTHON_FILES, ids=name_of)
def test_imports_stand_at_the_top_of_the_file_and_name_the_defining_module(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [node.lineno for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not inner, f"import inside {function.name}, line {inner}"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import, line {node.lineno}"
            if node.module == "gregaria":
                names = [alias.name for alias in node.names if not is_module(alias.name)]
                assert not names, f"import of {names} from the package root, line {node.lineno}"


@pytest.mark.parametrize("path", NATIVE_FILES, ids=name_of)
def test_cython_sources_import_from_lower_floors_only(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0]
    for line, module in imports_of(path):
        assert not module.startswith("."), f"relative import, line {line}"
        assert module != "gregaria", f"import from the package root, line {line}"
        if module.startswith("gregaria."):
            other = module.split(".")[1]
            assert other == own or FLOORS[other] < FLOORS[own], f"{own} imports {module}, line {line}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.pyx")), ids=name_of)
def test_every_native_module_has_its_c_plan_and_its_stub_beside_it(path: Path) -> None:
    assert path.with_suffix(".pxd").is_file()
    assert path.with_suffix(".pyi").is_file()


def test_importing_any_module_changes_nothing_in_the_process() -> None:
    # Only running the command and importing Locust's own paths may patch, and only on purpose.
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in [*PYTHON_FILES, *PACKAGE.rglob("*.pyx")]
        if path.stem not in ("__init__", "__main__") and "compat" not in path.parts
    ]
    subprocess.run([sys.executable, "-W", "error", "-c", CHANGES_NOTHING, *modules], check=True, timeout=60)


def test_importing_the_package_alone_loads_neither_gevent_nor_ssl() -> None:
    code = "import sys, gregaria; sys.exit(', '.join({'gevent', 'ssl', 'requests'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, timeout=60).stderr.strip() == b""
