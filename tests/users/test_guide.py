"""The code in docs/writing.md is code: it compiles, and its classes can be run."""

import ast
import re
import textwrap
from typing import Any

import pytest

from gregaria.users.check import check_user_class
from gregaria.users.declare import tag, task
from gregaria.users.http import HttpUser
from gregaria.users.markov import MarkovTaskSet, transition, transitions
from gregaria.users.sequential import SequentialTaskSet
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User
from gregaria.users.wait import between
from tests.support.command import ROOT

GUIDE = (ROOT / "docs" / "writing.md").read_text()
BLOCKS = [
    textwrap.dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```$", GUIDE, re.MULTILINE | re.DOTALL)
]


def test_the_guide_has_code() -> None:
    assert len(BLOCKS) > 10


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_each_block_compiles_and_its_users_are_accepted(block: str) -> None:
    tree = ast.parse(block)
    if not any(isinstance(node, ast.ClassDef) for node in tree.body):
        return
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    names: dict[str, Any] = {"__name__": "guide"} | {
        known.__name__: known
        for known in (
            *(HttpUser, User, TaskSet, SequentialTaskSet, MarkovTaskSet),
            *(between, tag, task, transition, transitions),
        )
    }
    exec(compile(tree, "writing.md", "exec"), names)
    for made in list(names.values()):
        if isinstance(made, type) and made.__module__ == "guide":
            user = made if issubclass(made, User) else type("Entering", (User,), {"tasks": [made]})
            check_user_class(user)  # type: ignore[arg-type]
