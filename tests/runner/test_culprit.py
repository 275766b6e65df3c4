"""The stack of a real user, taken while it runs."""

import json
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from gregaria import SequentialTaskSet, TaskSet, User, task
from gregaria.errors import StopUser
from gregaria.events import EventHook
from gregaria.runner.culprit import Culprit, culprit
from gregaria.stats.generator import HoldUp
from tests.support.environments import QuietEnvironment, live

HERE = __file__.rpartition("/")[2]


def seen() -> Culprit | None:
    """Who calls this."""
    return culprit(sys._getframe(1))


def of_user(user_class: type[User], *, stepwise: bool = False) -> HoldUp:
    user = live(user_class, QuietEnvironment(stepwise=stepwise))
    assert user.found is not None
    found: HoldUp = user.found.what
    return found


@pytest.mark.parametrize("stepwise", [False, True])
def test_a_task_is_named_with_its_class_and_line(stepwise: bool) -> None:
    class Checkout(User):
        @task
        def compute(self) -> None:
            self.found = seen()
            raise StopUser

    found = of_user(Checkout, stepwise=stepwise)
    assert (found.kind, found.name) == ("task", "task Checkout.compute")
    assert found.file.endswith(HERE)
    assert found.line == Checkout.compute.__code__.co_firstlineno + 2
    assert found.who == f"task Checkout.compute ({found.file}:{found.line})"


def sign(store: Callable[[Culprit | None], None]) -> None:
    store(seen())
    raise StopUser


def test_a_function_that_a_task_calls_is_named_beside_it() -> None:
    class Checkout(User):
        @task
        class Pay(SequentialTaskSet):
            @task
            def order(self) -> None:
                sign(lambda found: setattr(self.user, "found", found))

    found = of_user(Checkout)
    assert found.name == "task Checkout.Pay.order, in sign"
    assert found.line == sign.__code__.co_firstlineno + 1


def test_what_is_written_inside_a_task_is_the_task() -> None:
    class Checkout(User):
        @task
        def compute(self) -> None:
            (self.found,) = list(each() for each in [lambda: seen()])  # noqa: C400
            raise StopUser

    found = of_user(Checkout)
    assert found.name == "task Checkout.compute"


def test_a_library_that_computes_is_the_line_that_called_it() -> None:
    class Checkout(User):
        @task
        def parse(self) -> None:
            json.loads("[1]", parse_int=self.look)
            raise StopUser

        def look(self, text: str) -> int:
            # as if the thread were stuck in json
            frame = sys._getframe(1)
            while frame.f_code.co_name != "raw_decode" and frame.f_back is not None:
                frame = frame.f_back
            self.found = culprit(frame)
            return int(text)

    found = of_user(Checkout)
    assert found.name == "task Checkout.parse"
    assert found.line == Checkout.parse.__code__.co_firstlineno + 2


def test_what_is_no_task_is_not_called_one() -> None:
    class Visitor(User):
        def on_start(self) -> None:
            self.found = seen()
            raise StopUser

        @task
        class Nothing(TaskSet): ...

    found = of_user(Visitor)
    assert (found.kind, found.name) == ("code", "Visitor.on_start")


def test_a_listener_is_named() -> None:
    found: list[Culprit | None] = []

    def listen(**_: Any) -> None:
        found.append(seen())

    hook = EventHook()
    hook.add_listener(listen)
    hook.fire()
    (what,) = found
    assert what is not None
    assert what.what.kind == "code"
    # Whose code called it depends on what runs the tests.
    assert what.what.name.endswith(", in listen")


def test_gregarias_own_work_is_named_as_such() -> None:
    namespace: dict[str, Any] = {"look": lambda: sys._getframe(1), "__name__": "gregaria.report.csv"}
    import gregaria

    file = gregaria.__file__.replace("__init__.py", "report/csv.py")
    exec(compile("def rows():\n    return look()\nframe = rows()", file, "exec"), namespace)
    frame: types.FrameType = namespace["frame"]

    class Alone:
        """The frame without the test that called it."""

        f_code, f_lineno, f_globals, f_back = frame.f_code, 2, namespace, None

    found = culprit(Alone())  # type: ignore[arg-type]
    assert found is not None
    assert (found.what.kind, found.what.who) == ("generator", "Gregaria's own rows (report/csv.py:2)")


class Connection:
    """Looks like an object of a library in C."""

    def run(self, look: Callable[[], None]) -> None:
        look()


def test_a_library_that_blocks_is_named_by_the_objects_in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb", types.ModuleType("MySQLdb"))
    monkeypatch.setattr(Connection, "__module__", "MySQLdb.connections")

    class Buyer(User):
        def on_start(self) -> None:
            self.connection = Connection()

        @task
        def pay(self) -> None:
            self.found = seen()
            raise StopUser

    found = live(Buyer, QuietEnvironment()).found
    assert found.library == "MySQLdb"
    assert (found.what.kind, found.what.name) == ("task", "task Buyer.pay"), "it may as well have computed"
    waiting = found.waiting()
    assert (waiting.kind, waiting.name) == ("library", "MySQLdb in task Buyer.pay")
    assert waiting.advice == "MySQLdb waits in C code without gevent: use PyMySQL, or gregaria.offload()."
