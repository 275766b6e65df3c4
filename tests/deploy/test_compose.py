"""deploy/compose.yaml: it is one, what it names is there, and its master and workers do what it is for."""

import signal
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.containers import DEPLOY, ROOT, Host, containers_of_compose, interpolated
from tests.support.servers import CountingServer, Server

FILES = [DEPLOY / "compose.yaml", Path(__file__).parent / "articles" / "compose.yml"]
ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="what containers run is made for Linux, and so is compose-spec"
)


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(interpolated((DEPLOY / "compose.yaml").read_text()))["services"]
    return found


def without_anchors(text: str) -> str:
    """The same file with what ``<<`` merges written out, which the checker does not do."""
    return yaml.safe_dump(yaml.safe_load(interpolated(text)))


@ON_LINUX
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_is_a_compose_file(file: Path) -> None:
    import compose_spec

    compose_spec.PyCompose.from_yaml(without_anchors(file.read_text())).validate()


@ON_LINUX
@pytest.mark.parametrize(("wrong", "why"), [("read_only", "read_onlyy"), ("depends_on", "needs")])
def test_what_would_be_no_compose_file_is_refused(wrong: str, why: str) -> None:
    import compose_spec

    text = without_anchors((DEPLOY / "compose.yaml").read_text()).replace(wrong, why)
    with pytest.raises(ValueError, match=why):
        compose_spec.PyCompose.from_yaml(text)


def test_what_is_built_and_mounted_is_there() -> None:
    for service in services().values():
        build = service.get("build", {"context": "..", "dockerfile": "deploy/docker/Dockerfile"})
        assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
        for volume in service.get("volumes", ()):
            source = Path(volume.split(":")[0])
            # Of the folders for Prometheus and Grafana each is there with all that is mounted of it, or not at all.
            if volume.startswith(".") and (DEPLOY / source.parts[0]).exists():
                assert (DEPLOY / source).exists(), f"{source} is not there"


def test_prometheus_asks_a_service_that_is_there_and_finds_its_rules() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    [scraped] = config["scrape_configs"]
    [asked] = [target for static in scraped["static_configs"] for target in static["targets"]]
    assert asked == "master:8089"
    found = services()
    assert any(port.endswith(":8089") for port in found["master"]["ports"])
    mounts = dict(volume.split(":")[:2][::-1] for volume in found["prometheus"]["volumes"])
    folder = DEPLOY / mounts["/etc/prometheus"]
    assert all((folder / name).is_file() for name in ("prometheus.yml", *config["rule_files"]))


def test_nothing_is_open_to_other_machines_unless_that_is_asked_for() -> None:
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@ON_LINUX
@pytest.mark.timeout(120)
def test_its_master_gives_the_locustfile_to_its_workers_which_load_the_target(
    host: Host, target: CountingServer
) -> None:
    found = containers_of_compose(DEPLOY / "compose.yaml")
    host.file("/mnt/locust/basic.py", (ROOT / "examples" / "basic.py").read_text())
    master = host.run_master(found["master"])
    page = Server("http://127.0.0.1:" + master.wait_for(r"http://\S+?:(\d+)")[1])
    workers = [host.run_worker(found["worker"]) for _ in range(2)]
    master.wait_for("there are 2")
    form = urllib.parse.urlencode({"user_count": 4, "spawn_rate": 100, "host": target.url}).encode()
    urllib.request.urlopen(f"{page.url}/swarm", form, timeout=10).close()
    target.wait_for("/", 10)
    master.signal(signal.SIGTERM)
    master.wait()
    assert [each.wait() for each in workers] == [0, 0]
