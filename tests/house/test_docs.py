"""The documentation says everything there is, and names nothing that is not."""

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from gregaria.errors import ExitCode
from gregaria.events import Events
from gregaria.settings import Settings

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "gregaria"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
LONG_OPTION = re.compile(r"--[a-z][a-z-]+")


def headings(page: str) -> list[str]:
    """The texts of all headings of a page, without marks."""
    text = (DOCS / page).read_text()
    return [found.replace("`", "").strip() for found in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]


def options() -> list[str]:
    """Every long option that a file of options declares as the first or a further name of an argument."""
    names: set[str] = set()
    for file in ("options.py", "cluster_options.py", "rules_options.py"):
        for node in ast.walk(ast.parse((PACKAGE / "cli" / file).read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and LONG_OPTION.fullmatch(node.value):
                names.add(node.value)
    return sorted(names)


def defines(source: Path, name: str) -> bool:
    """Whether a source file defines ``name`` (or ``Class.name``) as a function, class or C function."""
    last = name.removesuffix("()").rsplit(".", 1)[-1]
    definition = rf"^\s*(?:async )?(?:c?p?def|class)\b[^=\n]*\b{re.escape(last)}\b"
    return bool(re.search(definition, source.read_text(), re.MULTILINE))


@pytest.mark.parametrize("option", options())
def test_every_option_has_a_heading(option: str) -> None:
    words = {word.strip(",") for heading in headings("options.md") for word in heading.split()}
    assert option in words, f"docs/options.md needs a heading: ### {option}"


@pytest.mark.parametrize("event", list(Events.__annotations__))
def test_every_event_has_a_heading(event: str) -> None:
    assert event in headings("events.md"), f"docs/events.md needs a heading: ### {event}"


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name)
def test_every_setting_is_documented(field: dataclasses.Field[object]) -> None:
    assert f"`{field.name}`" in (DOCS / "settings.md").read_text(), f"docs/settings.md does not tell of {field.name}"


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_is_documented(code: ExitCode) -> None:
    assert re.search(rf"^\|\s*`?{code.value}`?\s*\|", (DOCS / "exit-codes.md").read_text(), re.MULTILINE)


def test_every_step_that_the_architecture_names_exists() -> None:
    text = (DOCS / "architecture.md").read_text()
    named = re.findall(r"`([\w/]+\.pyx?):([\w.]+)(?:\(\))?`", text)
    assert named
    for file in re.findall(r"`([\w/]+\.pyx?)[:`]", text):
        assert any((folder / file).is_file() for folder in (PACKAGE, ROOT)), f"docs/architecture.md names {file}"
    for file, name in named:
        assert defines(PACKAGE / file, name), f"docs/architecture.md names {file}:{name}, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_page_can_be_reached_from_the_readme(page: Path) -> None:
    assert f"(docs/{page.name})" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", sorted((DOCS / "design").glob("*.md")), ids=lambda page: page.name)
def test_every_design_page_can_be_reached_from_the_architecture_and_has_a_number_of_its_own(page: Path) -> None:
    assert f"(design/{page.name})" in (DOCS / "architecture.md").read_text()
    assert len(list(page.parent.glob(f"{page.name[:3]}-*"))) == 1
