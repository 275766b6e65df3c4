"""What helm and kustomize make of deploy/, and what a cluster would think of it."""

import functools
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from tests.deploy.containers import DEPLOY

__all__ = [
    "CHART",
    "OVERLAYS",
    "VALUES",
    "built",
    "chart",
    "kustomization",
    "lacking",
    "not_restricted",
    "pods",
    "template",
]

Manifest = Mapping[str, Any]

CHART = DEPLOY / "helm" / "gregaria"
VALUES = sorted((DEPLOY / "helm" / "examples").glob("*.yaml"))
OVERLAYS = sorted(path.name for path in (DEPLOY / "kubernetes" / "overlays").iterdir())
#: the schemas that objects are held against: an old version that is still met, and the newest that is known
VERSIONS = ("1.30", "1.35")
_SERVICE_MONITOR = Path(__file__).parent / "servicemonitor.schema.json"


def template(*arguments: str | Path, release: str = "shop") -> subprocess.CompletedProcess[str]:
    """``helm template`` of the chart."""
    command = ["helm", "template", release, CHART, "--namespace", "load", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def chart(*arguments: str | Path, release: str = "shop") -> list[Manifest]:
    """What the chart renders to; fails with helm's words where it does not."""
    done = template(*arguments, release=release)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


@functools.cache
def built(folder: Path) -> str:
    """What kustomize builds of a folder."""
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kustomization(folder: Path) -> list[Manifest]:
    """The same as objects."""
    return list(yaml.safe_load_all(built(folder)))


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The pod templates, by the names of their workloads."""
    return {
        each["metadata"]["name"]: each["spec"]["template"] for each in manifests if "template" in each.get("spec", {})
    }


def lacking(manifest: Manifest, versions: Sequence[str] = VERSIONS) -> list[str]:
    """What is wrong with an object by its schemas, in which no field is allowed that they do not name."""
    told = []
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        schema = json.loads(_SERVICE_MONITOR.read_text())
        return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(manifest)]
    for version in versions:
        try:
            kubernetes_validate.validate(dict(manifest), version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            told.append(f"{manifest['kind']} in {version}: {error.message}")
    return told


def not_restricted(template: Manifest) -> list[str]:
    """What a pod has or lacks that the pod security standard "restricted" forbids, or that we do without besides."""
    spec = template["spec"]
    told = [f"{name} is set" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    told += [
        f"volume {each['name']} is of another kind" for each in spec.get("volumes", ()) if not allowed & each.keys()
    ]
    of_pod = spec.get("securityContext", {})
    for container in [*spec.get("initContainers", ()), *spec["containers"]]:
        own = container.get("securityContext", {})
        context = {**of_pod, **own}
        if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
            told.append("it may run as root")
        if context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            told.append("no seccomp profile")
        if own.get("allowPrivilegeEscalation") is not False:
            told.append("privileges may grow")
        if own.get("privileged"):
            told.append("it is privileged")
        capabilities = own.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", ()) or set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
            told.append("it keeps capabilities")
        told += [f"port {port['hostPort']} of the host" for port in container.get("ports", ()) if "hostPort" in port]
        # Beyond the standard.
        if own.get("readOnlyRootFilesystem") is not True:
            told.append("its file system can be written to")
        if not any(mount["mountPath"] == "/tmp" for mount in container.get("volumeMounts", ())):
            told.append("it has no /tmp to write to")
    if spec.get("automountServiceAccountToken") is not False:
        told.append("it gets a token for the API server")
    return told
