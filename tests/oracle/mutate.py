"""Breaks each function of client/ on purpose and tells which of them nobody misses: ``python -m tests.oracle.mutate``.

Every function is made to raise, one at a time, while the cases of the oracle run that call it; what no case notices is
broken again under the tests of ``tests/client`` and ``tests/users``. ``UNNOTICED`` lists those that no case can notice.
Names of modules as arguments choose some (``session decode``); ``--oracle`` leaves the other tests out. It takes
minutes, and is not a part of the suite.
"""

import importlib
import inspect
import pkgutil
import signal
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import gregaria.client
from gregaria.client import decode
from gregaria.settings import settings
from tests.oracle.case import Case
from tests.oracle.differences import allowed
from tests.oracle.places import Places
from tests.oracle.run import reference, run
from tests.oracle.seen import differing
from tests.oracle.table import CASES

ROOT = Path(__file__).resolve().parents[2]
#: {function that no case can notice: why}
UNNOTICED = {
    "plain._is_foreign": "is asked when the module is imported, before anything can be broken",
    "watched._telling": "makes methods when the module is imported; each of those is broken by itself",
    "watched_session.WatchedSession.forget": "says what the session that is built on it has to have",
    "watched_session.WatchedSession._own_adapters": "as above",
}

#: a run that takes this long hangs, which is noticed too
MOST_SECONDS = 15


class _Hangs(Exception):
    """A broken function keeps a case from ending."""


def broken(*positional: Any, **named: Any) -> Any:
    raise AssertionError("broken on purpose")


def functions(modules: list[str]) -> dict[str, FunctionType]:
    """{module.qualified.name: function} of all functions and methods."""
    found: dict[str, FunctionType] = {}
    for info in pkgutil.iter_modules(gregaria.client.__path__):
        if modules and info.name not in modules:
            continue
        module = importlib.import_module(f"gregaria.client.{info.name}")
        for name, value in vars(module).items():
            if getattr(value, "_is_protocol", False):
                continue
            is_own_class = inspect.isclass(value) and value.__module__ == module.__name__
            members: Mapping[str, Any] = vars(value) if is_own_class else {"": value}
            for member_name, member in members.items():
                for function in _inside(member):
                    if function.__module__ == module.__name__ and function.__name__ != "<lambda>":
                        full_name = ".".join(filter(None, (info.name, name, member_name)))
                        found[full_name] = function
    return found


def tell_apart(chosen: dict[str, FunctionType]) -> None:
    """Give each a code of its own: methods that one function makes share theirs, and a case calls one of them."""
    for name, function in chosen.items():
        function.__code__ = function.__code__.replace(co_name=name)


def _inside(member: Any) -> list[FunctionType]:
    """The functions that a member of a class or module is made of."""
    if isinstance(member, property):
        return [each for each in (member.fget, member.fset) if isinstance(each, FunctionType)]
    member = getattr(member, "__func__", member)
    member = inspect.unwrap(member) if callable(member) and not inspect.isclass(member) else member
    return [member] if isinstance(member, FunctionType) else []


@contextmanager
def breaking(function: FunctionType) -> Iterator[None]:
    """Have it raise, whoever has got hold of it and however."""
    whole = function.__code__
    function.__code__ = broken.__code__.replace(co_freevars=whole.co_freevars, co_name=whole.co_name)
    # What was worked out before is not to hide it.
    _forget_all()
    try:
        yield
    finally:
        function.__code__ = whole
        _forget_all()


def _forget_all() -> None:
    decode._known.clear()
    for name, module in list(sys.modules.items()):
        if name.startswith("gregaria.client."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def outcome(case: Case, way: str, places: Places) -> Any:
    """What a case comes to: the aspects in which it differs from requests, or how it ended."""
    settings.reset("expect_timeout_s")
    signal.alarm(MOST_SECONDS)
    try:
        found = differing(reference(case, places), run(case, way, places))
    except Exception as error:
        return type(error).__name__
    finally:
        signal.alarm(0)
    _, may = allowed(case, way)
    return frozenset(found) - may


def survey(places: Places, chosen: dict[str, FunctionType]) -> tuple[dict[tuple[str, str], Any], dict[str, list[Any]]]:
    """The outcome of every case as things are, and {function: (time, case, way) of those that call it}."""
    wanted: dict[CodeType, list[str]] = defaultdict(list)
    for name, function in chosen.items():
        wanted[function.__code__].append(name)
    usual: dict[tuple[str, str], Any] = {}
    callers: dict[str, list[Any]] = defaultdict(list)
    for case in CASES:
        reference(case, places)
        for way in case.ways:
            called: set[str] = set()

            def note(frame: FrameType, event: str, _: Any, called: set[str] = called) -> None:
                if event == "call":
                    called.update(wanted.get(frame.f_code, ()))

            began = time.monotonic()
            # What an earlier case has left is not to keep this one from calling it.
            _forget_all()
            sys.setprofile(note)
            try:
                usual[case.id, way] = outcome(case, way, places)
            finally:
                sys.setprofile(None)
            for name in called:
                callers[name].append((time.monotonic() - began, case, way))
    return usual, callers


def missed_by_tests(name: str) -> bool:
    """Whether the tests of the clients pass although the function is broken."""
    code = (
        "import sys, pytest\n"
        "from tests.oracle import mutate\n"
        f"mutate.breaking(mutate.functions([{name.partition('.')[0]!r}])[{name!r}]).__enter__()\n"
        "sys.exit(pytest.main(['-q', '-x', '-p', 'no:randomly', 'tests/client', 'tests/users',"
        " '--ignore-glob', '*/test_every_*']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=600, check=False)
    return done.returncode == 0


def main(arguments: list[str]) -> None:
    warnings.simplefilter("ignore")
    # What a broken destructor raises is nothing to read.
    sys.unraisablehook = lambda _: None

    def hang(*_: Any) -> None:
        raise _Hangs

    signal.signal(signal.SIGALRM, hang)
    chosen = functions([name for name in arguments if not name.startswith("--")])
    tell_apart(chosen)
    missed: list[str] = []
    with Places() as places:
        usual, callers = survey(places, chosen)
        for name, function in chosen.items():
            cases = sorted(callers[name], key=lambda each: each[0])
            with breaking(function):
                noticed = any(outcome(case, way, places) != usual[case.id, way] for _, case, way in cases)
            if noticed and name in UNNOTICED:
                print(f"a case notices {name}, which is listed as one that none can notice", flush=True)
            if not noticed and name not in UNNOTICED:
                print(f"no case notices {name} ({len(cases)} call it)", flush=True)
                missed.append(name)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} functions are missed by a case, or cannot be")
    if "--oracle" not in arguments:
        silent = [name for name in missed if missed_by_tests(name)]
        print("nothing at all notices:", *(silent or ["none"]), sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1:])
