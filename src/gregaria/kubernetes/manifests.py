"""The objects of a run on a cluster: those of the chart in ``deploy/helm`` in mode ``job``, with one owner.

The master's Job owns the others, so that deleting it deletes all. It is created first, and suspended: its pod starts
when the others are there.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gregaria.version import VERSION

__all__ = ["LABEL", "MANAGER", "MASTER", "WORKER", "Manifest", "Plan", "base_name", "dependents", "master_job"]

Manifest = dict[str, Any]

MASTER, WORKER = "master", "worker"
#: what the objects of all runs have in common, and that those of this command do
LABEL, MANAGER = "app.kubernetes.io/name=gregaria", "app.kubernetes.io/managed-by=gregaria"
#: what is in the ConfigMap, and where the master has it
_ARCHIVE, _SETTINGS = "test.zip", "gregaria.toml"
_FOLDER = "/mnt/locust"
#: how a worker leaves whose pod is taken away: a Job makes no other pod in the place of one that has ended with 0
_TAKEN_AWAY = 143
#: exit codes that the next worker would have, too: a broken locustfile, a wrong option
_HOPELESS = [2, 4, 5, 6, 7, 8, 9, 10, 11]
_LONGEST_NAME = 50
_WEB_PORT, _CLUSTER_PORT = 8089, 5557


@dataclass(frozen=True)
class Plan:
    """What a run is.

    Attributes:
        name: as a release of the chart is called.
        image: with its tag.
        workers: how many.
        archive: locustfiles and what lies beside them, as ``cluster.archive.pack`` makes it.
        secret: of the cluster.
        master_arguments: further arguments of the master.
        worker_arguments: and of each worker.
        master_variables: further variables of the master, names and values.
        settings: a configuration file for the master, as TOML; nothing without one.
        worker_cpu: cores that a worker asks for, as Kubernetes writes them.
        worker_memory: what a worker asks for and may have; None is the chart's default.
        pull_secrets: names of Secrets with which the image is pulled.
        longest_s: after which the cluster ends it, whatever it does.
        keep_s: after which the cluster removes what has ended.
        stay_s: seconds that the master stays after the test, for its reports to be brought.
        workers_wait_s: how long the master waits for its workers.
    """

    name: str
    image: str
    workers: int
    archive: bytes
    secret: str
    master_arguments: tuple[str, ...] = ()
    worker_arguments: tuple[str, ...] = ()
    master_variables: tuple[tuple[str, str], ...] = ()
    settings: bytes = b""
    worker_cpu: str = "1"
    worker_memory: str | None = None
    pull_secrets: tuple[str, ...] = ()
    longest_s: int | None = None
    keep_s: int | None = None
    stay_s: int = 20
    workers_wait_s: int = 600

    @property
    def master(self) -> str:
        """The name of the master's Job, and of its service."""
        return f"{base_name(self.name)}-{MASTER}"

    @property
    def workers_job(self) -> str:
        """The name of the workers' Job."""
        return f"{base_name(self.name)}-{WORKER}"


def base_name(name: str) -> str:
    """What the names of a run's objects begin with."""
    base = name if "gregaria" in name else f"{name}-gregaria"
    return base[:_LONGEST_NAME].removesuffix("-")


def master_job(plan: Plan) -> Manifest:
    """The object that owns all others; it begins when ``spec.suspend`` is false."""
    arguments = [
        "--master",
        f"--locustfile={_FOLDER}/{_ARCHIVE}",
        "--users=1",
        "--spawn-rate=1",
        "--autostart",
        f"--autoquit={plan.stay_s}",
        f"--expect-workers={plan.workers}",
        f"--expect-workers-max-wait={plan.workers_wait_s}",
        *([f"--config={_FOLDER}/{_SETTINGS}"] if plan.settings else []),
        *plan.master_arguments,
    ]
    page = {"httpGet": {"path": "/", "port": "web"}}
    container = {
        **_container(plan, MASTER, arguments),
        "env": [_secret_variable(plan), *({"name": name, "value": value} for name, value in plan.master_variables)],
        "ports": [{"name": "web", "containerPort": _WEB_PORT}, {"name": "cluster", "containerPort": _CLUSTER_PORT}],
        "readinessProbe": {**page, "periodSeconds": 5, "timeoutSeconds": 5},
        "livenessProbe": {
            **page,
            "initialDelaySeconds": 30,
            "periodSeconds": 20,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        },
        "resources": {"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "volumeMounts": [_mount("tmp", "/tmp"), {**_mount("locustfile", _FOLDER), "readOnly": True}],
    }
    volumes = [
        {"name": "tmp", "emptyDir": {}},
        {"name": "locustfile", "configMap": {"name": f"{base_name(plan.name)}-locustfile"}},
    ]
    job = _job(plan, MASTER, container, volumes)
    job["spec"] = {"suspend": True, "backoffLimit": 0, **job["spec"]}
    return job


def dependents(plan: Plan, owner: Manifest) -> list[Manifest]:
    """All other objects, in the order in which they are created.

    Args:
        owner: the master's Job as the API server gave it back.
    """
    files = {_ARCHIVE: _encoded(plan.archive)}
    if plan.settings:
        files[_SETTINGS] = _encoded(plan.settings)
    made = [
        _object(plan, "v1", "Secret", "cluster", type="Opaque", data={"secret": _encoded(plan.secret.encode())}),
        _object(plan, "v1", "ConfigMap", "locustfile", binaryData=files),
        _service(plan),
        *_policies(plan),
        _worker_job(plan),
    ]
    metadata = owner["metadata"]
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
    for manifest in made:
        manifest["metadata"]["ownerReferences"] = [reference]
    return made


def _worker_job(plan: Plan) -> Manifest:
    memory = {"requests": plan.worker_memory or "256Mi", "limits": plan.worker_memory or "1Gi"}
    arguments = [
        "--worker",
        "--locustfile=-",
        f"--master-host={plan.master}",
        f"--exit-code-on-signal={_TAKEN_AWAY}",
        *plan.worker_arguments,
    ]
    container = {
        **_container(plan, WORKER, arguments),
        "env": [{"name": "GREGARIA_MASTER_NODE_PORT", "value": str(_CLUSTER_PORT)}, _secret_variable(plan)],
        "readinessProbe": {
            "exec": {"command": ["gregaria-probe", "worker"]},
            "periodSeconds": 5,
            "timeoutSeconds": 5,
        },
        "resources": {
            "requests": {"cpu": plan.worker_cpu, "memory": memory["requests"]},
            "limits": {"memory": memory["limits"]},
        },
        "volumeMounts": [_mount("tmp", "/tmp")],
    }
    job = _job(plan, WORKER, container, [{"name": "tmp", "emptyDir": {}}])
    disrupted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    hopeless = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": _HOPELESS}}
    job["spec"] = {
        "parallelism": plan.workers,
        "backoffLimit": 3 * plan.workers,
        "podFailurePolicy": {"rules": [hopeless, disrupted]},
        **job["spec"],
    }
    return job


def _job(plan: Plan, part: str, container: Manifest, volumes: list[Manifest]) -> Manifest:
    template: Manifest = {
        "metadata": {
            "labels": {**_labels(plan), "app.kubernetes.io/component": part},
            "annotations": {"gregaria/locustfile": hashlib.sha256(plan.archive).hexdigest()},
        },
        "spec": {
            "serviceAccountName": "default",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 60,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "runAsGroup": 1000,
                "fsGroup": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": volumes,
        },
    }
    if plan.pull_secrets:
        template["spec"]["imagePullSecrets"] = [{"name": name} for name in plan.pull_secrets]
    spec: Manifest = {"template": template}
    if plan.longest_s is not None:
        spec["activeDeadlineSeconds"] = plan.longest_s
    if plan.keep_s is not None:
        spec["ttlSecondsAfterFinished"] = plan.keep_s
    return _object(plan, "batch/v1", "Job", part, part, spec=spec)


def _container(plan: Plan, part: str, arguments: list[str]) -> Manifest:
    return {
        "name": part,
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "args": arguments,
    }


def _secret_variable(plan: Plan) -> Manifest:
    reference = {"name": f"{base_name(plan.name)}-cluster", "key": "secret"}
    return {"name": "GREGARIA_CLUSTER_SECRET", "valueFrom": {"secretKeyRef": reference}}


def _mount(name: str, path: str) -> Manifest:
    return {"name": name, "mountPath": path}


def _service(plan: Plan) -> Manifest:
    ports = [
        {"name": "web", "port": _WEB_PORT, "targetPort": "web"},
        {"name": "cluster", "port": _CLUSTER_PORT, "targetPort": "cluster"},
    ]
    spec = {
        "type": "ClusterIP",
        "publishNotReadyAddresses": True,
        "selector": _selector(plan, MASTER),
        "ports": ports,
    }
    return _object(plan, "v1", "Service", MASTER, MASTER, spec=spec)


def _policies(plan: Plan) -> list[Manifest]:
    of_workers = {"podSelector": {"matchLabels": _selector(plan, WORKER)}}
    reached = [
        {"ports": [{"protocol": "TCP", "port": "cluster"}], "from": [of_workers]},
        {"ports": [{"protocol": "TCP", "port": "web"}]},
    ]
    return [
        _object(
            plan,
            "networking.k8s.io/v1",
            "NetworkPolicy",
            part,
            spec={
                "podSelector": {"matchLabels": _selector(plan, part)},
                "policyTypes": ["Ingress"],
                **rules,
            },
        )
        for part, rules in ((MASTER, {"ingress": reached}), (WORKER, {}))
    ]


def _object(plan: Plan, version: str, kind: str, suffix: str, part: str | None = None, **content: Any) -> Manifest:
    labels = _labels(plan) if part is None else {**_labels(plan), "app.kubernetes.io/component": part}
    metadata = {"name": f"{base_name(plan.name)}-{suffix}", "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def _labels(plan: Plan) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "gregaria",
        "app.kubernetes.io/instance": plan.name,
        "app.kubernetes.io/version": VERSION,
        "app.kubernetes.io/managed-by": "gregaria",
    }


def _selector(plan: Plan, part: str) -> dict[str, str]:
    labels: Mapping[str, str] = _labels(plan)
    names = ("app.kubernetes.io/name", "app.kubernetes.io/instance")
    return {**{name: labels[name] for name in names}, "app.kubernetes.io/component": part}


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
