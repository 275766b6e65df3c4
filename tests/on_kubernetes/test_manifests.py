"""The objects that the command makes are the chart's, valid and restricted."""

import base64
import copy
from dataclasses import replace
from typing import Any

import pytest

from gregaria.kubernetes.manifests import Plan, base_name, dependents, master_job
from tests.deploy.rendered import Manifest, chart, lacking, not_restricted, pods

OWNER = {"metadata": {"name": "shop-gregaria-master", "uid": "6f1c"}}
PLAN = Plan("shop", "gregaria:0.1.0", 20, b"an archive", "a secret", longest_s=1800, keep_s=600)


def made(plan: Plan = PLAN) -> list[Manifest]:
    return [master_job(plan), *dependents(plan, OWNER)]


def plain(manifest: Manifest) -> Any:
    """An object without what only one of chart and command puts into it."""
    bare = copy.deepcopy(dict(manifest))
    bare["metadata"].pop("ownerReferences", None)
    bare.get("spec", {}).pop("suspend", None)
    bare.pop("data", None)
    for part in (bare, bare.get("spec", {}).get("template", {})):
        part.get("metadata", {}).get("labels", {}).pop("app.kubernetes.io/managed-by", None)
        part.get("metadata", {}).pop("annotations", None)
    return bare


def by_name(manifests: list[Manifest]) -> dict[tuple[str, str], Any]:
    return {
        (each["kind"], each["metadata"]["name"]): plain(each)
        for each in manifests
        # The chart was told that this one is there.
        if each["kind"] != "ConfigMap"
    }


@pytest.mark.needs("helm")
@pytest.mark.parametrize("release", ["shop", "my-gregaria", "a-name-of-forty-and-so-many-characters-x-and-more"])
def test_they_are_the_same_as_the_charts(release: str) -> None:
    plan = Plan(
        release,
        "registry.example.com/load/gregaria:7",
        20,
        b"an archive",
        "a secret",
        ("--tags=checkout",),
        ("--tags=checkout",),
        worker_cpu="2",
        worker_memory="2Gi",
        pull_secrets=("registry",),
        longest_s=1800,
        keep_s=600,
    )
    values = {
        "mode": "job",
        "test.runTime": "5m",
        "image.repository": "registry.example.com/load/gregaria",
        "image.tag": "7",
        "imagePullSecrets[0].name": "registry",
        "worker.replicas": "20",
        "worker.resources.requests.memory": "2Gi",
        "worker.resources.limits.memory": "2Gi",
        "locustfile.configMap": f"{base_name(release)}-locustfile",
        "locustfile.name": "test.py",
        "args[0]": "--tags=checkout",
        "job.activeDeadlineSeconds": "1800",
        "job.ttlSecondsAfterFinished": "600",
    }
    of_chart = by_name(
        chart(
            *(word for name, value in values.items() for word in ("--set", f"{name}={value}")),
            "--set-string",
            "worker.resources.requests.cpu=2,image.tag=7",
            release=release,
        )
    )
    (master,) = (each for (kind, name), each in of_chart.items() if kind == "Job" and name.endswith("-master"))
    arguments = master["spec"]["template"]["spec"]["containers"][0]["args"]
    # A test of the command may be ended by other things than time, and comes as one file.
    arguments.remove("--run-time=5m")
    arguments[arguments.index("--locustfile=/mnt/locust/test.py")] = "--locustfile=/mnt/locust/test.zip"
    assert by_name(made(plan)) == of_chart


def test_a_master_alone_has_settings_and_variables() -> None:
    plan = replace(PLAN, settings=b"[tool.gregaria]", master_variables=(("GITHUB_ACTIONS", "true"),))
    master, worker = made(plan)[0], made(plan)[-1]
    of_master, of_worker = (each["spec"]["template"]["spec"]["containers"][0] for each in (master, worker))
    assert "--config=/mnt/locust/gregaria.toml" in of_master["args"]
    assert {"name": "GITHUB_ACTIONS", "value": "true"} in of_master["env"]
    assert of_worker == made()[-1]["spec"]["template"]["spec"]["containers"][0]
    (files,) = (each["binaryData"] for each in made(plan) if each["kind"] == "ConfigMap")
    assert base64.b64decode(files["gregaria.toml"]) == b"[tool.gregaria]"


def test_they_are_valid_and_restricted() -> None:
    manifests = made(replace(PLAN, settings=b"[tool.gregaria]", master_variables=(("GITHUB_ACTIONS", "true"),)))
    assert [wrong for manifest in manifests for wrong in lacking(manifest)] == []
    found = pods(manifests)
    assert len(found) == 2
    assert [wrong for pod in found.values() for wrong in not_restricted(pod)] == []


def test_the_masters_job_owns_all_others() -> None:
    assert [each["metadata"]["ownerReferences"][0]["uid"] for each in made()[1:]] == ["6f1c"] * 6
