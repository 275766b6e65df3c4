"""The runs that are over: kept, listed, bounded, and none the worse for a broken folder."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gregaria.errors import CommandError
from gregaria.settings import settings
from gregaria.stats.summary import Summary, summarize
from gregaria.stats.table import RequestStats
from gregaria.web.runs import Runs
from tests.support.servers import Server
from tests.web.conftest import Starter


def a_summary(started: float = 1_700_000_000.0, name: str = "/look") -> Summary:
    stats = RequestStats()
    stats.log_request("GET", name, 12.5, 100)
    stats.log_error("GET", name, "gone")
    return summarize(stats, {}, state="stopped", started=started, ended=started + 10, host="http://there")


def kept(runs: Runs, count: int, first: int = 0) -> list[str]:
    for number in range(first, first + count):
        runs.begin()
        runs.add(a_summary(1_700_000_000.0 + number), users=3)
    return [run["id"] for run in runs.listed()]


def test_a_run_is_listed_and_its_files_are_there(tmp_path: Path) -> None:
    runs = Runs(str(tmp_path / "kept"))
    kept(runs, 2)
    newest, oldest = runs.listed()
    assert (newest["number"], oldest["number"]) == (2, 1)
    assert (newest["num_requests"], newest["num_failures"], newest["host"]) == (1, 1, "http://there")
    document = runs.document(newest["id"])
    assert document is not None
    assert document["schema"].startswith("gregaria.summary/")
    requests = runs.file(newest["id"], "requests.csv")
    assert requests is not None
    assert requests.read_bytes().splitlines()[1].startswith(b"GET,/look,1,1,")


def test_what_is_there_from_before_is_listed_and_stays(tmp_path: Path) -> None:
    before = kept(Runs(str(tmp_path)), 3)
    later = Runs(str(tmp_path))
    assert [run["id"] for run in later.listed()] == before
    later.close()
    assert [run["id"] for run in Runs(str(tmp_path)).listed()] == before


def test_without_a_folder_nothing_is_left_behind() -> None:
    runs = Runs(None)
    kept(runs, 1)
    path = runs.file(runs.listed()[0]["id"], "document.json")
    assert path is not None
    runs.close()
    assert not path.exists()


def test_only_so_many_are_kept_and_the_oldest_go(tmp_path: Path) -> None:
    settings.max_kept_runs = 3
    runs = Runs(str(tmp_path))
    kept(runs, 5)
    assert [run["number"] for run in runs.listed()] == [5, 4, 3]
    assert len(list(tmp_path.iterdir())) == 3


def test_only_so_many_bytes_are_kept_but_the_last_run_always(tmp_path: Path) -> None:
    settings.kept_runs_bytes = 1
    runs = Runs(str(tmp_path))
    kept(runs, 3)
    assert [run["number"] for run in runs.listed()] == [3]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"id": "x"}', "null", "\x00", json.dumps({"number": "one", "id": "y"})]
)
def test_a_folder_with_broken_files_does_no_harm(tmp_path: Path, content: str) -> None:
    good, broken = kept(Runs(str(tmp_path)), 2)
    (tmp_path / broken / "run.json").write_text(content)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "20200101-000000-abcdef").write_text("a file and no folder")
    runs = Runs(str(tmp_path))
    assert [run["id"] for run in runs.listed()] == [good]
    settings.max_kept_runs = 1
    kept(runs, 1, first=10)
    # What is not known as a run is nobody's to remove.
    assert (tmp_path / broken).exists()
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize(
    "change", [{"num_requests": math.inf}, {"started_epoch_s": math.nan}, {"ended_epoch_s": "x"}, {"host": {}}]
)
def test_a_run_that_no_page_could_be_told_of_is_left_alone(tmp_path: Path, change: dict[str, Any]) -> None:
    good, broken = kept(Runs(str(tmp_path)), 2)
    path = tmp_path / broken / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert [run["id"] for run in Runs(str(tmp_path)).listed()] == [good]


def test_a_broken_document_is_refused_by_its_run(tmp_path: Path) -> None:
    runs = Runs(str(tmp_path))
    (name,) = kept(runs, 1)
    (tmp_path / name / "document.json").write_text("{")
    with pytest.raises(CommandError, match=f"{name} is no document of --json-file: it ends in the middle"):
        runs.document(name)
    assert runs.document("20231114-221320-000000") is None


@pytest.mark.parametrize("run_id", ["..", "../..", "nothing", "20231114-221320-000000"])
@pytest.mark.parametrize("name", ["document.json", "run.json", "../run.json", "/etc/passwd"])
def test_no_other_file_can_be_asked_for(tmp_path: Path, run_id: str, name: str) -> None:
    runs = Runs(str(tmp_path))
    known = kept(runs, 1)[0]
    assert runs.file(run_id, name) is None
    assert runs.file(known, "run.json") is None


def test_a_full_disk_leaves_no_half_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(str(tmp_path))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gregaria.web.runs._TABLES", {"requests.csv": full})
    with pytest.raises(OSError, match="No space left"):
        runs.add(a_summary(), users=3)
    assert list(tmp_path.iterdir()) == []
    assert runs.listed() == []


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="--runs-dir"):
        Runs(str(tmp_path / "file"))


def test_a_run_without_a_beginning_is_kept_too(tmp_path: Path) -> None:
    runs = Runs(str(tmp_path))
    runs.add(replace(a_summary(), started_epoch_s=None), users=3)
    assert len(Runs(str(tmp_path)).listed()) == 1


def test_documents_tell_where_the_failures_of_their_test_are(starter: Starter) -> None:
    site = starter.start("-H", "http://127.0.0.1:1", "--json-file", "end", "--failures-dir", "fails")
    for _ in range(2):
        site.swarm()
        site.until(site.requests_of)
        site.post("/stop")
    kept = [site.json(f"/api/runs/{run['id']}/document") for run in site.json("/api/runs")]
    assert [document["options"]["failures_dir"] for document in kept] == ["fails_2", "fails"]
    site.end()
    for name in ("", "_2"):
        document = json.loads((starter.folder / f"end{name}.json").read_text())
        assert document["options"]["failures_dir"] == f"fails{name}"
        assert (starter.folder / f"fails{name}" / "index.json").is_file()


def test_runs_are_called_by_their_numbers_and_by_their_ids_where_these_are_the_same(tmp_path: Path) -> None:
    for _ in range(2):
        runs = Runs(str(tmp_path))
        runs.begin()
        runs.add(a_summary(), users=3)
    runs.begin()
    runs.add(a_summary(), users=3)
    labels = {run["id"]: runs.label(run["id"]) for run in runs.listed()}
    twice = [f"run 1 ({run['id']})" for run in runs.listed() if run["number"] == 1]
    assert sorted(labels.values()) == sorted([*twice, "run 2"])


def test_each_test_of_a_process_is_a_run_of_its_own(starter: Starter, target: Server) -> None:
    site = starter.start("-H", target.url, "--runs-dir", "kept", "--csv", "out/a", "--json-file", "out/end")
    for _ in range(2):
        site.swarm()
        site.until(lambda: all(site.requests_of(name) for name in ("/look", "/sell", "/status/500")))
        site.post("/stop")
    second, first = site.json("/api/runs")
    assert (first["number"], second["number"]) == (1, 2)
    assert (first["state"], first["users"]) == ("stopped", 2)
    answer = site.get(f"/api/runs/{first['id']}/document")
    assert answer.json()["total"]["num_requests"] == first["num_requests"]
    assert answer.json()["timeline"]["blocks"]
    assert f"{first['id']}_document.json" in answer.headers["Content-Disposition"]
    rows = site.get(f"/api/runs/{first['id']}/requests.csv").text.splitlines()
    assert rows[-1].split(",")[2] == str(first["num_requests"])
    assert site.get(f"/api/runs/{first['id']}/run.json").status_code == 404
    compared = site.json(f"/api/compare?a={first['id']}&b={second['id']}")
    assert compared["schema"].startswith("gregaria.comparison/")
    assert (compared["a"]["label"], compared["b"]["label"]) == ("run 1", "run 2")
    assert {row["name"] for row in compared["rows"]} == {"/look", "/sell", "/status/500"}
    assert site.get(f"/api/compare?a={first['id']}").status_code == 404
    path = starter.folder / "kept" / second["id"] / "document.json"
    path.write_text(path.read_text().replace('"num_requests":', '"num_request":', 1))
    told = f"{second['id']} is broken, or no document of --json-file: total.num_requests is missing"
    for address in (f"/api/compare?a={first['id']}&b={second['id']}", f"/api/runs/{second['id']}/report"):
        answer = site.get(address)
        assert (answer.status_code, answer.text.strip()) == (400, told)
    report = site.get(f"/api/runs/{first['id']}/report")
    assert report.status_code in (200, 503)
    assert site.get("/api/runs/..%2f../document").status_code == 404
    assert site.end() == 1  # /status/500
    for name, run in (("a", first), ("a_2", second)):
        last = (starter.folder / f"out/{name}_stats.csv").read_text().splitlines()[-1]
        assert last.split(",")[2] == str(run["num_requests"])
    for name, run in (("end", first), ("end_2", second)):
        document = json.loads((starter.folder / f"out/{name}.json").read_text())
        assert document["total"]["num_requests"] == run["num_requests"]
    # One table for each, and nothing on the console meanwhile.
    assert sum(line.startswith("Whole run, ") for line in site.log) == 2
    assert len(list((starter.folder / "kept").iterdir())) == 2
