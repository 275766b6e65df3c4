"""Names choose user classes, and JSON sets their attributes."""

import json
from pathlib import Path

import pytest

from gregaria.cli.loader import Loaded
from gregaria.cli.select import chosen_classes, configure_users
from gregaria.errors import CommandError, ExitCode
from gregaria.users.declare import task
from gregaria.users.user import User

FILES = [Path("shop.py")]


def classes() -> dict[str, type[User]]:
    class Buyer(User):
        @task
        def look(self) -> None: ...

        @task
        def buy(self) -> None: ...

    class Seller(User):
        @task
        def sell(self) -> None: ...

    return {"Buyer": Buyer, "Seller": Seller}


def test_names_choose_and_no_names_are_all() -> None:
    loaded = Loaded(classes())
    assert [kind.__name__ for kind in chosen_classes(loaded, [], FILES)] == ["Buyer", "Seller"]
    assert [kind.__name__ for kind in chosen_classes(loaded, ["Seller", "Buyer", "Seller"], FILES)] == [
        "Seller",
        "Buyer",
    ]


def test_an_unknown_name_suggests_one() -> None:
    with pytest.raises(CommandError, match="no user class Byer; did you mean Buyer") as caught:
        chosen_classes(Loaded(classes()), ["Byer"], FILES)
    assert caught.value.exit_code == ExitCode.NO_USERS


def test_a_file_without_users_says_what_to_write() -> None:
    with pytest.raises(CommandError, match=r"shop\.py has no user class: .*HttpUser"):
        chosen_classes(Loaded(), [], FILES)


def test_a_file_with_test_functions_only_is_told_that_they_are_not_supported() -> None:
    with pytest.raises(CommandError, match=r"test_shop.*not supported yet"):
        chosen_classes(Loaded(test_functions=["test_shop"]), [], FILES)


def test_json_sets_attributes_and_picks_tasks(tmp_path: Path) -> None:
    known = classes()
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"user_class_name": "Seller", "host": "http://a", "shelf": 3}]))
    configure_users(list(known.values()), ['{"user_class_name": "Buyer", "weight": 5, "tasks": ["buy"]}', str(path)])
    assert known["Buyer"].weight == 5
    assert [each.__name__ for each in known["Buyer"].tasks] == ["buy"]
    assert known["Seller"].host == "http://a"
    assert vars(known["Seller"])["shelf"] == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[3]", "expected objects"),
        ('{"weight": 3}', "no user_class_name"),
        ('{"user_class_name": "Byer"}', "did you mean Buyer"),
        ('{"user_class_name": "Buyer", "tasks": ["steal"]}', "no task steal"),
        ("nothing.json", "cannot read"),
    ],
)
def test_what_cannot_be_set_is_refused(text: str, message: str) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        configure_users(list(classes().values()), [text])
    assert caught.value.exit_code == ExitCode.CONFIG_USERS
