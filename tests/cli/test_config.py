"""An option's value comes from the strongest place that gives one."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gregaria.cli.config import resolve
from gregaria.cli.options import new_parser
from gregaria.errors import CommandError, ExitCode


def options(
    folder: Path, tokens: Sequence[str] = (), environ: Mapping[str, str] | None = None, home: Path | None = None
) -> argparse.Namespace:
    return resolve(new_parser(), tokens, environ or {}, folder, home).options


def test_each_place_is_stronger_than_those_before(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    given = tmp_path / "given.conf"
    places: list[tuple[Path | str, str]] = [
        (home / ".locust.conf", "users = {}"),
        (home / ".gregaria.conf", "users = {}"),
        (tmp_path / "locust.conf", "users = {}"),
        (tmp_path / "gregaria.conf", "users = {}"),
        (tmp_path / "pyproject.toml", "[tool.locust]\nusers = {}"),
        (tmp_path / "pyproject.toml", "[tool.locust]\nusers = 77\n[tool.gregaria]\nusers = {}"),
        (given, "users = {}"),
        ("LOCUST_USERS", "{}"),
        ("GREGARIA_USERS", "{}"),
        ("-u", "{}"),
    ]
    tokens: list[str] = []
    environ: dict[str, str] = {}
    for number, (place, text) in enumerate(places, 1):
        content = text.format(number)
        if isinstance(place, Path):
            place.write_text(content)
            tokens = ["--config", str(given)] if place is given else tokens
        elif place == "-u":
            tokens = [*tokens, "-u", content]
        else:
            environ[place] = content
        assert options(tmp_path, tokens, environ, home).num_users == number


def test_defaults_are_those_of_locust(tmp_path: Path) -> None:
    found = options(tmp_path)
    expected = {
        "locustfile": "locustfile.py", "num_users": None, "spawn_rate": None, "run_time": None, "stop_timeout": 0,
        "exit_code_on_error": 1, "loglevel": "INFO", "headless": False, "csv_prefix": None, "json": False,
        "stats_history_enabled": False, "list_commands": False, "tags": None, "user_classes": [], "web_port": 8089,
        "html_file": None, "host": None, "reset_stats": False, "only_summary": False, "config_users": None,
    }  # fmt: skip
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("Yes", True), ("false", False), ("0", False)]
)
def test_a_flag_is_true_or_false_in_the_environment(tmp_path: Path, text: str, value: bool) -> None:
    assert options(tmp_path, environ={"LOCUST_HEADLESS": text}).headless is value


def test_an_empty_environment_variable_sets_nothing(tmp_path: Path) -> None:
    assert options(tmp_path, environ={"LOCUST_USERS": ""}).num_users is None


@pytest.mark.parametrize("text", ["[a, b]", "a b"])
def test_the_environment_gives_several_tags(tmp_path: Path, text: str) -> None:
    assert options(tmp_path, environ={"LOCUST_TAGS": text}).tags == ["a", "b"]


def test_user_classes_stand_anywhere_and_keep_their_order(tmp_path: Path) -> None:
    assert options(tmp_path, ["B", "-u", "5", "A", "--headless", "C"]).user_classes == ["B", "A", "C"]
    assert options(tmp_path, environ={"LOCUST_USER_CLASSES": "B A"}).user_classes == ["B", "A"]


def test_a_wrong_value_names_the_file_and_the_line(tmp_path: Path) -> None:
    (tmp_path / "locust.conf").write_text("headless = true\nusers = many\n")
    with pytest.raises(CommandError, match=r"locust\.conf:2: .*-u/--users.*'many'"):
        options(tmp_path)


def test_a_wrong_value_names_the_environment_variable(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="GREGARIA_USERS"):
        options(tmp_path, environ={"GREGARIA_USERS": "many"})


def test_an_unknown_setting_names_the_file_and_the_nearest_option(tmp_path: Path) -> None:
    (tmp_path / "locust.conf").write_text("spawnrate = 3\n")
    with pytest.raises(CommandError, match=r"locust\.conf:1: .*spawnrate.*spawn-rate"):
        options(tmp_path)


@pytest.mark.parametrize(("typed", "meant"), [("--usrs", "--users"), ("--headles", "--headless"), ("--tag", "--tags")])
def test_an_unknown_option_suggests_the_nearest(tmp_path: Path, typed: str, meant: str) -> None:
    with pytest.raises(CommandError, match=f"{typed}; did you mean {meant}\\?") as caught:
        options(tmp_path, [typed])
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_missing_config_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nothing\.conf"):
        options(tmp_path, ["--config", "nothing.conf"])


def test_custom_arguments_may_come_from_anywhere(tmp_path: Path) -> None:
    parser = new_parser()
    group = parser.add_argument_group("Shop")
    group.add_argument("--shelf", env_var="SHELF", default="top", include_in_web_ui=False, is_secret=True)
    parser.add_argument("--colours", is_multiple=True, choices=["red", "blue"], default=["red"])
    parser.add_argument("--verbose-shop", action="store_true", env_var="VERBOSE_SHOP", is_required=True)
    (tmp_path / "locust.conf").write_text("shelf = lowest\ncolours = [red, blue]\n")
    found = resolve(parser, [], {}, tmp_path, None).options
    assert (found.shelf, found.colours, found.verbose_shop) == ("lowest", ["red", "blue"], False)
    environ = {"SHELF": "middle", "VERBOSE_SHOP": "true"}
    found = resolve(parser, ["--colours", "blue"], environ, tmp_path, None).options
    assert (found.shelf, found.colours, found.verbose_shop) == ("middle", ["blue"], True)


def test_the_values_of_secret_arguments_are_known(tmp_path: Path) -> None:
    parser = new_parser()
    parser.add_argument("--token", is_secret=True)
    parser.add_argument("--keys", is_secret=True, is_multiple=True, default=["first"])
    parser.add_argument("--pin", is_secret=True, type=int, default=471100)
    parser.add_argument("--is-safe", is_secret=True, action="store_true")
    parser.add_argument("--shelf", default="top")
    found = resolve(parser, ["--keys", "a", "--keys", "b"], {}, tmp_path, None).options
    assert parser.secrets(found) == ["a", "b", "471100"]
    found = resolve(parser, ["--token", "abc"], {}, tmp_path, None).options
    assert parser.secrets(found) == ["abc", "first", "471100"]


def test_a_required_custom_argument_may_be_given_by_the_environment(tmp_path: Path) -> None:
    parser = new_parser()
    parser.add_argument("--shelf", env_var="SHELF", required=True)
    assert resolve(parser, [], {"SHELF": "top"}, tmp_path, None).options.shelf == "top"
    with pytest.raises(CommandError, match="--shelf"):
        resolve(parser, [], {}, tmp_path, None)


def test_a_plugin_may_take_the_names_that_locust_does_not_have(tmp_path: Path) -> None:
    parser = new_parser()
    parser.add_argument_group("Plugin").add_argument("-i", "--iterations", type=int, dest="plugin_iterations")
    parser.add_argument("-c", "--clients", default=0, type=int)
    parser.add_argument("--phases", type=int)
    parser.add_argument("--failures-dir")
    typed = ["-i", "3", "--clients", "4", "--phases", "5", "--failures-dir", "x"]
    found = resolve(parser, typed, {}, tmp_path, None).options
    assert (found.plugin_iterations, found.clients, found.phases, found.failures_dir) == (3, 4, 5, "x")
    assert not hasattr(found, "keeps_phases")
    assert not hasattr(found, "failures_directory")


def test_a_default_that_is_text_is_converted(tmp_path: Path) -> None:
    parser = new_parser()
    parser.add_argument("--depth", type=int, default="7")
    assert resolve(parser, [], {}, tmp_path, None).options.depth == 7


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--master-bind-port", "99999"),
        ("--master-bind-port", "-1"),
        ("--master-port", "65536"),
        ("--master-port", "0"),
        ("--web-port", "99999"),
        ("--expect-workers", "0"),
    ],
)
def test_a_number_that_no_cluster_can_have_is_refused_by_its_name(tmp_path: Path, option: str, text: str) -> None:
    with pytest.raises(CommandError, match=f"{option}: .*{text}") as refused:
        options(tmp_path, [f"{option}={text}"])
    assert refused.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("text", ["10.0.0.5:5557", "[::1]:5557", "tcp://10.0.0.5", "http://load.example.com:8089"])
def test_an_address_with_a_port_or_a_scheme_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandError, match=r"--master-host: .*alone; the port is another option") as refused:
        options(tmp_path, [f"--master-host={text}"])
    assert refused.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("name", ["master_host", "master_bind_host"])
def test_an_address_may_have_the_brackets_of_urls(tmp_path: Path, name: str) -> None:
    option = "--" + name.replace("_", "-")
    assert [vars(options(tmp_path, [option, text]))[name] for text in ("[::1]", "::1", "a.b")] == ["::1", "::1", "a.b"]
