import json
import re
from pathlib import Path

import pytest

from gregaria.errors import CommandError, ExitCode
from gregaria.report import html
from gregaria.report.html import check_html_name, check_html_path, html_path, report_html, write_report
from gregaria.report.json import document
from tests.report.sample import failure, row, summary

DATA = re.compile(r'<script type="application/json" id="run">(.*?)</script>', re.DOTALL)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of a few lines in place of the one that Node.js builds; tests/web/browser looks at that."""
    path = tmp_path / "page.html"
    path.write_text('<body><script type="application/json" id="run"></script><script>1</script></body>')
    monkeypatch.setattr(html, "_PAGE", path)
    return path


def test_the_document_is_in_the_page_as_it_was(page: Path) -> None:
    told = document(summary(row("/a"), failures=(failure(),)))
    found = DATA.search(report_html(told))
    assert found is not None
    assert json.loads(found[1]) == told


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", "<!-- <script>", "&lt;/script>", r"\1\g<1>", "é\u2028\ud800"]
)
def test_nothing_that_a_name_says_leaves_the_data(page: Path, name: str) -> None:
    made = report_html(document(summary(row(name))))
    assert made.count("<script") == page.read_text().count("<script")
    assert made.count("</script") == page.read_text().count("</script")
    found = DATA.search(made)
    assert found is not None
    assert json.loads(found[1])["requests"][0]["name"] == name


@pytest.mark.parametrize(
    "name, expected",
    [("a.html", "a.html"), ("out/{u}_{r}_{t}.html", "out/1000000_2.5_60.html"), ("{u}{u}.html", "10000001000000.html")],
)
def test_the_name_tells_users_rate_and_time(name: str, expected: str) -> None:
    assert html_path(name, 1_000_000, 2.5, 60.0) == Path(expected)


def test_what_was_not_asked_for_is_nothing_in_the_name() -> None:
    assert html_path("a_{u}_{r}_{t}.html", None, None, None) == Path("a___.html")


def test_a_name_with_what_stands_for_nothing_is_refused() -> None:
    check_html_name("out/{u}_{r}_{t}.html")
    for name in ("{users}.html", "{u}_{}.html"):
        with pytest.raises(CommandError, match=r"stands for nothing; there are \{u\} \(users\), \{r\}") as refused:
            check_html_name(name)
        assert refused.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("theme", "root"),
    [("dark", '<html lang="en" data-theme="dark">'), ("light", '<html lang="en" data-theme="light">'),
     ("pink", '<html lang="en">'), ('"><script>', '<html lang="en">'), (None, '<html lang="en">')],
)  # fmt: skip
def test_a_report_opens_in_the_theme_that_is_asked_for(page: Path, theme: str | None, root: str) -> None:
    page.write_text('<html lang="en">' + page.read_text())
    assert report_html(document(summary(row('<html lang="en"'))), theme).startswith(f"{root}<body>")


def test_a_report_is_written_with_its_folder(page: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.html"
    check_html_path(path)
    write_report(path, document(summary(row())))
    assert DATA.search(path.read_text()) is not None


def test_a_place_that_cannot_be_written_to_is_refused(page: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--html: cannot write") as refused:
        check_html_path(tmp_path)
    assert refused.value.exit_code == ExitCode.OUTPUT


def test_without_the_page_it_says_how_to_build_it(page: Path, tmp_path: Path) -> None:
    page.unlink()
    with pytest.raises(CommandError, match=r"install Node\.js >= 18, then make web") as refused:
        check_html_path(tmp_path / "a.html")
    assert refused.value.exit_code == ExitCode.NOT_AVAILABLE
