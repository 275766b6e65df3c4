"""Chart and kustomization as text: every object is a valid one, pods are restricted, and parts fit each other."""

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.containers import DEPLOY, ROOT
from tests.deploy.rendered import (
    CHART,
    OVERLAYS,
    VALUES,
    Manifest,
    chart,
    kustomization,
    lacking,
    not_restricted,
    pods,
    template,
)

#: each calls programs that are large
pytestmark = [pytest.mark.needs("helm", "kubectl"), pytest.mark.timeout(120)]
OVERLAY_FOLDER = DEPLOY / "kubernetes" / "overlays"
ARTICLES = Path(__file__).parent / "articles"
COMPONENTS = ("autoscaling", "disruption", "monitoring")
WAYS = [("helm", None), *(("helm", path) for path in VALUES), *(("kustomize", name) for name in OVERLAYS)]


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: f"{way[0]}-{getattr(way[1], 'stem', way[1])}")
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    tool, what = request.param
    if tool == "kustomize":
        return kustomization(OVERLAY_FOLDER / what)
    return chart(*(() if what is None else ("--values", what)))


def kinds(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def test_every_object_is_what_its_schema_says(manifests: list[Manifest]) -> None:
    assert len(manifests) >= 5
    assert [wrong for manifest in manifests for wrong in lacking(manifest)] == []


def test_applying_an_object_again_changes_nothing(manifests: list[Manifest]) -> None:
    # An API server leaves empty lists out, and what is applied would differ from what is there for ever.
    def empty(value: Any) -> bool:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return value == [] or any(map(empty, inner))

    assert [manifest["metadata"]["name"] for manifest in manifests if empty(manifest)] == []


def test_pods_keep_to_the_restricted_standard(manifests: list[Manifest]) -> None:
    found = pods(manifests)
    assert len(found) == 2
    assert [f"{name}: {wrong}" for name, pod in found.items() for wrong in not_restricted(pod)] == []


def test_every_selector_finds_the_pods_that_it_is_for(manifests: list[Manifest]) -> None:
    labels = {name.rpartition("-")[2]: pod["metadata"]["labels"] for name, pod in pods(manifests).items()}

    def found(selector: dict[str, str]) -> list[str]:
        return [part for part, has in labels.items() if selector.items() <= has.items()]

    selecting = [("master", kinds(manifests, "Service")[0]["spec"]["selector"])]
    for kind in ("Deployment", "NetworkPolicy", "PodDisruptionBudget"):
        for manifest in kinds(manifests, kind):
            selector = manifest["spec"].get("selector") or manifest["spec"]["podSelector"]
            selecting.append((manifest["metadata"]["name"].rpartition("-")[2], selector["matchLabels"]))
    for part, selector in selecting:
        assert found(selector) == [part], selector
    for policy in kinds(manifests, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", ()):
            for peer in rule.get("from", ()):
                if "podSelector" in peer:
                    assert found(peer["podSelector"]["matchLabels"]) == ["worker"]


def test_names_of_ports_maps_claims_and_services_are_there(manifests: list[Manifest]) -> None:
    there = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
    (service,) = kinds(manifests, "Service")
    found = {name.rpartition("-")[2]: pod["spec"] for name, pod in pods(manifests).items()}
    ports = {port["name"] for port in found["master"]["containers"][0]["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == ports
    assert f"--master-host={service['metadata']['name']}" in found["worker"]["containers"][0]["args"]
    for spec in found.values():
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        assert volumes.keys() == {mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
    made = {name for kind, name in there if kind in ("ConfigMap", "PersistentVolumeClaim")}
    mounted = {
        volume.get("configMap", {}).get("name") or volume.get("persistentVolumeClaim", {}).get("claimName")
        for volume in found["master"]["volumes"]
    }
    assert made <= mounted


@pytest.mark.parametrize("values", [None, *VALUES], ids=lambda path: path.stem if path else "as they are")
def test_helm_lint_finds_nothing(values: Path | None) -> None:
    arguments = [] if values is None else ["--values", str(values)]
    found = subprocess.run(["helm", "lint", "--strict", CHART, *arguments], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["mode=job"], "mode job needs test.runTime"),
        (["mode=job", "test.runTime=5m", "autoscaling.enabled=true"], "autoscaling.enabled needs mode web"),
        (
            ["locustfile.content=x", "locustfile.path=/a.py"],
            "locustfile.content and locustfile.path exclude each other",
        ),
        (["locustfile.path=/a.py", "locustfile.files.b=x"], "locustfile.files lie beside locustfile.content"),
        (["mode=batch"], "/mode"),
        (["workers=3"], "'workers' not allowed"),
        (["worker.replicas=0"], "/worker/replicas"),
        (["test.host=staging"], "/test/host"),
        (["env.A-B=1"], "A-B"),
    ],
)
def test_values_that_cannot_be_meant_are_refused_by_name(given: list[str], told: str) -> None:
    done = template(*(word for value in given for word in ("--set", value)))
    assert done.returncode != 0
    assert told in done.stderr


def test_the_schema_knows_every_value_and_no_other() -> None:
    def of_values(values: dict[str, Any], before: str = "") -> set[str]:
        found = set()
        for name, value in values.items():
            found |= of_values(value, f"{before}{name}.") if isinstance(value, dict) and value else {before + name}
        return found

    def of_schema(schema: dict[str, Any], before: str = "") -> set[str]:
        found = set()
        for name, value in schema["properties"].items():
            found |= of_schema(value, f"{before}{name}.") if value.get("properties") else {before + name}
        return found

    known = of_schema(json.loads((CHART / "values.schema.json").read_text())) - {"global"}
    given = of_values(yaml.safe_load((CHART / "values.yaml").read_text()))
    # Of what Kubernetes itself defines the schema leaves the inside to Kubernetes.
    open_ended = tuple(name for name in known if name.endswith(("resources", "ecurityContext")))
    assert {name for name in given if not name.startswith(open_ended)} == known - set(open_ended)


def test_the_readme_has_a_row_for_every_value() -> None:
    rows: set[str] = set()
    for line in (CHART / "README.md").read_text().splitlines():
        if line.startswith("| `"):
            first, *more = re.findall(r"`([^`]+)`", line.split("|")[1])
            # `.labels` behind `a.enabled` is `a.labels`; what is said of the master goes for workers.
            parent = first.rpartition(".")[0]
            names = [first, *(parent + name if name.startswith(".") else name for name in more)]
            rows |= {*names, *(name.replace("master.", "worker.") for name in names)}

    def untold(values: dict[str, Any], before: str = "") -> Iterator[str]:
        for name, value in values.items():
            if before + name not in rows:
                if isinstance(value, dict) and value:
                    yield from untold(value, f"{before}{name}.")
                else:
                    yield before + name

    assert list(untold(yaml.safe_load((CHART / "values.yaml").read_text()))) == []


def plain(manifest: Manifest) -> Any:
    """An object without what only one of chart and kustomization puts into it."""
    bare = copy.deepcopy(dict(manifest))
    for part in (bare, bare.get("spec", {}).get("template", {})):
        for name in ("version", "managed-by"):
            part.get("metadata", {}).get("labels", {}).pop(f"app.kubernetes.io/{name}", None)
        part.get("metadata", {}).pop("annotations", None)
    if "template" in bare.get("spec", {}):
        spec = bare["spec"]["template"]["spec"]
        for variable in spec["containers"][0]["env"]:
            variable.get("valueFrom", {}).get("secretKeyRef", {}).pop("optional", None)
        for volume in spec["volumes"]:
            if "configMap" in volume:
                volume["configMap"]["name"] = "gregaria-locustfile"
    return bare


def by_name(manifests: list[Manifest]) -> dict[tuple[str, str], Any]:
    return {
        (each["kind"], each["metadata"]["name"]): plain(each)
        for each in manifests
        # The secret is made by hand where there is no helm; the name of the other tells its content.
        if each["kind"] not in ("Secret", "ConfigMap")
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_chart_and_kustomization_are_the_same_objects(overlay: str) -> None:
    given = [f"mode={overlay}", "test.host=http://target.default.svc"]
    if overlay == "job":
        given += ["test.runTime=5m", "test.users=100", "test.spawnRate=10", "reports.enabled=true"]
    of_chart = chart(*(word for value in given for word in ("--set", value)), release="gregaria")
    assert by_name(kustomization(OVERLAY_FOLDER / overlay)) == by_name(of_chart)


def test_components_add_what_the_chart_is_asked_for(tmp_path: Path) -> None:
    base, mine = tmp_path / "deploy", tmp_path / "mine"
    shutil.copytree(DEPLOY / "kubernetes", base)
    mine.mkdir()
    wanted = {
        "resources": ["../deploy/overlays/web"],
        "components": [f"../deploy/components/{name}" for name in COMPONENTS],
    }
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
    of_components = kustomization(mine)
    assert [wrong for manifest in of_components for wrong in lacking(manifest)] == []
    given = ["autoscaling", "podDisruptionBudget", "serviceMonitor"]
    switches = ["test.host=http://target.default.svc", *(f"{name}.enabled=true" for name in given)]
    of_chart = chart(*(word for value in switches for word in ("--set", value)), release="gregaria")

    def without_labels(manifests: list[Manifest]) -> dict[tuple[str, str], Any]:
        return {name: {**each, "metadata": each["metadata"]["name"]} for name, each in by_name(manifests).items()}

    assert without_labels(of_components) == without_labels(of_chart)


def test_the_folder_that_the_documentation_shows_can_be_built(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    (shown,) = re.findall(r"```yaml\n# kustomization.yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "gregaria").mkdir()
    shutil.copytree(DEPLOY, tmp_path / "gregaria" / "deploy")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "kustomization.yaml").write_text(shown)
    (mine / "locustfile.py").write_text("MINE = 1")
    rendered = kustomization(mine)
    assert [wrong for manifest in rendered for wrong in lacking(manifest)] == []
    (files,) = kinds(rendered, "ConfigMap")
    assert files["data"] == {"locustfile.py": "MINE = 1"}
    master = pods(rendered)["gregaria-master"]["spec"]
    assert master["volumes"][1]["configMap"]["name"] == files["metadata"]["name"]
    assert master["containers"][0]["args"][-1] == "--host=https://staging.example.com"
    assert {manifest["metadata"]["namespace"] for manifest in rendered} == {"load"}


@pytest.mark.parametrize("values", [None, *VALUES], ids=lambda path: path.stem if path else "as they are")
def test_the_notes_name_what_is_there(values: Path | None, tmp_path: Path) -> None:
    given = () if values is None else ("--values", values)
    command = ["helm", "install", "shop", CHART, "--namespace", "load", "--dry-run=client", *given]
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": os.devnull}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("NOTES:")[2]
    there = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in chart(*given)}
    named = set(re.findall(r"\b(?:service|deployment|job)/[-\w]+", notes))
    assert named
    assert named <= there
    assert ("the chart's example runs" in notes) == (values is None)


def test_the_monitor_finds_the_service_and_asks_where_the_page_is() -> None:
    rendered = chart("--set", "serviceMonitor.enabled=true,web.basePath=/load")
    (monitor,), (service,) = kinds(rendered, "ServiceMonitor"), kinds(rendered, "Service")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["path"] == "/load/metrics"
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_the_autoscaler_decides_alone_how_many_workers_there_are() -> None:
    rendered = chart("--set", "autoscaling.enabled=true")
    (scaler,) = kinds(rendered, "HorizontalPodAutoscaler")
    (workers,) = [each for each in kinds(rendered, "Deployment") if each["metadata"]["name"].endswith("-worker")]
    assert scaler["spec"]["scaleTargetRef"]["name"] == workers["metadata"]["name"]
    assert "replicas" not in workers["spec"]


def test_another_locustfile_gives_the_pods_another_mark_and_so_new_ones() -> None:
    def marks(content: str) -> set[str]:
        found = pods(chart("--set", f"locustfile.content={content}"))
        return {pod["metadata"]["annotations"]["gregaria/locustfile"] for pod in found.values()}

    assert len(marks("a")) == 1
    assert marks("a") == marks("a") != marks("b")


@pytest.mark.parametrize("file", ["patterns.yaml", "kubernetes.yaml"])
def test_what_is_kept_of_the_articles_are_manifests(file: str) -> None:
    found = list(yaml.safe_load_all((ARTICLES / file).read_text()))
    assert [wrong for manifest in found for wrong in lacking(manifest)] == []


def test_what_is_wrong_with_an_object_is_seen() -> None:
    (service,) = kinds(kustomization(OVERLAY_FOLDER / "web"), "Service")
    assert "portz" in lacking({**service, "portz": []})[0]
    (monitor,) = kinds(chart("--set", "serviceMonitor.enabled=true"), "ServiceMonitor")
    assert "endpointz" in lacking({**monitor, "spec": {**monitor["spec"], "endpointz": []}})[0]
    (pod, _) = pods(kustomization(OVERLAY_FOLDER / "web")).values()
    spec = {**pod["spec"], "securityContext": {}, "automountServiceAccountToken": True, "hostPID": True}
    told = not_restricted({"spec": spec})
    assert told == [
        "hostPID is set",
        "it may run as root",
        "no seccomp profile",
        "it gets a token for the API server",
    ]
