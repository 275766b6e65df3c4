"""What ``gregaria kubernetes`` refuses before it asks a cluster, and the parts of it that need none."""

import io
import random
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from gregaria.cli.kubernetes import main
from gregaria.cli.locustfiles import Locustfiles
from gregaria.cluster.archive import pack
from gregaria.errors import CommandError
from gregaria.kubernetes.reports import Reports
from gregaria.kubernetes.watch import Crowd
from gregaria.report.progress import is_progress_sentence, progress_sentence
from tests.report.sample import row, summary
from tests.support.command import run_gregaria
from tests.support.kubernetes_api import write_kubeconfig


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "test").mkdir()
    monkeypatch.chdir(tmp_path / "test")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    Path("locustfile.py").write_text("import locust")
    return Path.cwd()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["run", "--master"], 2, "--master is not for gregaria kubernetes run: the run has a master"),
        (["run", "-P", "80"], 2, "-P is not for gregaria kubernetes run: .* kubectl port-forward"),
        (["run", "--cluster-secret=x"], 2, "--cluster-secret is not for gregaria kubernetes run: each run has"),
        (["run", "-u", "many"], 2, "-u/--users"),
        (["run", "--workers", "0"], 2, "--workers"),
        (["run", "--memory", "much"], 2, "--memory: 'much' is no quantity"),
        (["run", "--name", "My_Run"], 2, "--name: 'My_Run' can be no name"),
        (["run", "--memory", "512"], 2, "--memory: 512 are bytes, in which no worker has room: write 512Mi"),
        (["run", "--namespace", "My Load"], 2, "--namespace: 'My Load' can be no name in Kubernetes"),
        (["run", "--pull-secret", "A"], 2, "--pull-secret: 'A' can be no name in Kubernetes"),
        (["run", "--image", "Bad Image!"], 2, "--image: 'Bad Image!' is no name of an image, such as registry"),
        (["run", "--image", ""], 2, "--image: '' is no name of an image"),
        (["run", "--timeout", "0.5s"], 2, "--timeout: a run takes longer than 0.5s"),
        (["run", "-L", "ERROR"], 2, "ERROR would hide the end of the test"),
        (["run", "-P80"], 2, "-P80 is not for gregaria kubernetes run"),
        (["run", "--fail-if", "p95 >"], 2, "--fail-if: the rule ends here"),
        (["run", "--fail-if", "p95 > baseline"], 2, "there is no run to compare with: give --baseline"),
        (["run", "--baseline", "before.json"], 2, "there is no before.json"),
        (["run", "--junit", "/"], 11, "--junit: / is a folder; name what is to be in it"),
        (["run", "--html", "."], 11, "--html: . is a folder; name what is to be in it"),
        (["run", "-f", "shop.py"], 4, "there is no shop.py"),
        (["run", "--html", "locustfile.py/a.html"], 11, "--html: locustfile.py"),
        (["stop"], 2, "NAME"),
        (["start"], 2, "write one of run, status, logs, stop"),
        ([], 2, "write one of run, status, logs, stop"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(folder: Path, arguments: list[str], code: int, told: str) -> None:
    with pytest.raises(CommandError, match=told) as caught:
        main(arguments)
    assert caught.value.exit_code == code


def test_what_is_too_large_is_named_with_what_to_do(folder: Path) -> None:
    # Random digits, as others become small.
    (folder / "rows.csv").write_bytes(random.Random(1).randbytes(1_100_256))
    with pytest.raises(CommandError, match=r"The largest: rows.csv \(1,100,256 bytes\).* \.gregariaignore"):
        main(["run"])
    (folder / ".gregariaignore").write_text("rows.csv")
    assert run_gregaria("kubernetes", "run", folder=folder).exit_code == 13


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run"], "there is no cluster to go to (Invalid kube-config file. No configuration found). kubectl get pods"),
        (["run", "--context", "prod"], "--context prod: "),
        (["status"], "there is no cluster to go to"),
    ],
)
def test_without_a_cluster_it_says_where_one_is_looked_for(folder: Path, arguments: list[str], told: str) -> None:
    command = [sys.executable, "-m", "gregaria", "kubernetes", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 13
    assert told in done.stderr


@pytest.mark.parametrize(
    ("content", "told"), [("a: [b", "line 1, column 4"), (None, "Is a directory"), ("", "file is empty")]
)
def test_a_kubeconfig_that_cannot_be_read_is_named(folder: Path, content: str | None, told: str) -> None:
    path = folder / "kubeconfig"
    path.mkdir() if content is None else path.write_text(content)
    done = run_gregaria("kubernetes", "run", folder=folder, environment={"KUBECONFIG": str(path)})
    assert done.exit_code == 13
    assert told in done.stderr
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "https://no-such-cluster.invalid:6443"])
def test_a_server_that_is_not_there_is_told_at_once_and_nothing_is_looked_for_to_delete(
    folder: Path, tmp_path: Path, url: str
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = url.format(port=closed.getsockname()[1])
        config = write_kubeconfig(tmp_path / "kubeconfig", server)
        done = run_gregaria("kubernetes", "run", folder=folder, environment={"KUBECONFIG": str(config)})
    assert done.exit_code == 13
    assert f"{server} does not answer" in done.stderr
    assert "kubectl get pods has to work here" in done.stderr
    assert "may still be there" not in done.stderr


def test_without_the_client_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "kubernetes.py").write_text("raise ImportError('as if it were not there')")
    (tmp_path / "locustfile.py").write_text("")
    done = run_gregaria("kubernetes", "run", folder=tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    assert done.exit_code == 7
    assert "pip install 'gregaria[kubernetes]'" in done.stderr


def test_an_archive_is_a_locustfile_with_all_that_lies_beside_it(folder: Path, tmp_path: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "rows.csv").write_text("a,b")
    packed = tmp_path / "test.zip"
    packed.write_bytes(pack([folder / "locustfile.py"]).data)
    with Locustfiles(str(packed)) as files:
        (path,) = files.paths()
        assert path.read_text() == "import locust"
        assert Path("data/rows.csv").read_text() == "a,b"
        assert path.parent == Path.cwd() != folder
    assert Path.cwd() == folder
    assert not path.exists()
    packed.write_bytes(b"no archive")
    with Locustfiles(str(packed)) as files, pytest.raises(CommandError, match=r"test\.zip: the archive cannot be read"):
        files.paths()


def test_reports_go_where_they_were_asked_for_and_nowhere_else(tmp_path: Path) -> None:
    reports = Reports({"html": str(tmp_path / "out" / "a.html"), "csv": str(tmp_path / "out" / "b")})
    assert reports.arguments() == ["--html=/tmp/gregaria-reports/html/a.html", "--csv=/tmp/gregaria-reports/csv/b"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("./html/a.html", "./csv/b_stats.csv", "./csv/../../c", "./other/d", "/etc/e", "./f"):
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("./html/g")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    written = reports.write(packed.getvalue())
    assert written == [tmp_path / "out" / "a.html", tmp_path / "out" / "b_stats.csv"]
    assert sorted(path for path in tmp_path.rglob("*") if not path.is_dir()) == written
    with pytest.raises(CommandError, match="cannot be written"):
        reports.write(b"no archive")


def test_a_sentence_of_progress_is_known_by_its_looks() -> None:
    told = summary(row("/cart", num_failures=3))
    for run_time_s in (None, 3600):
        for target in (None, 10_000):
            assert is_progress_sentence(progress_sentence(told, run_time_s, target))
    assert not is_progress_sentence("[2026-01-31 10:00:00,000] host/INFO/gregaria.runner: 10 users")


def test_progress_counts_pods_by_what_they_wait_for() -> None:
    def pod(name: str, part: str, **status: object) -> dict[str, object]:
        labels, spec = {"app.kubernetes.io/component": part}, {"containers": [{"image": "gregaria:1"}]}
        return {"metadata": {"name": name, "labels": labels}, "spec": spec, "status": status}

    scheduled = {"type": "PodScheduled", "status": "True"}
    ready = [scheduled, {"type": "Ready", "status": "True"}]
    crowd = Crowd(4)
    assert crowd.progress() == "Master not there yet; 0 of 4 workers ready"
    crowd.change("ADDED", pod("m", "master", phase="Running", conditions=ready))
    crowd.change("ADDED", pod("a", "worker", phase="Running", conditions=ready))
    crowd.change("ADDED", pod("b", "worker", phase="Pending", conditions=[scheduled]))
    crowd.change("ADDED", pod("c", "worker", phase="Pending"))
    assert crowd.progress() == "Master ready; 1 of 4 workers ready, 1 starting, 1 without a place"
    assert [trouble.text for trouble in crowd.replace([])] == [
        "The pod m with the master was deleted: the test is lost.",
        "The worker a was deleted: its users go to the others, and to the one that takes its place.",
        "The worker b was deleted: its users go to the others, and to the one that takes its place.",
        "The worker c was deleted: its users go to the others, and to the one that takes its place.",
    ]
