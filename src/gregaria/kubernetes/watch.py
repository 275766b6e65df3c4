"""What happens to the pods of a run, in words and with what to do about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gregaria.kubernetes.client import ApiError
from gregaria.kubernetes.manifests import MASTER, WORKER

__all__ = [
    "Crowd",
    "Trouble",
    "part_of_pod",
    "refusal",
    "state_of",
    "trouble_of",
    "trouble_of_event",
    "why_failed",
    "why_taken",
]

Pod = Mapping[str, Any]

#: why a container waits, where it waits in vain until somebody does something
_PULLS = ("ErrImagePull", "ImagePullBackOff")
_NO_PULLS = {
    "InvalidImageName": "is no name of an image",
    "ErrImageNeverPull": "is not on the node, and may not be pulled",
}
_CONFIGURATIONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


@dataclass(frozen=True)
class Trouble:
    """Something that a person should know.

    Attributes:
        text: a sentence, with what to do.
        kind: troubles of one kind are told once.
        is_lasting: the run cannot go on unless it passes.
        is_hopeless: it does not pass by itself.
        is_taking: a pod is taken away.
        pod: whose log tells more.
    """

    text: str
    kind: str
    is_lasting: bool = False
    is_hopeless: bool = False
    is_taking: bool = False
    pod: str | None = None


def part_of_pod(pod: Pod) -> str:
    """``master`` or ``worker``."""
    return str(pod["metadata"]["labels"].get("app.kubernetes.io/component", ""))


def state_of(pod: Pod) -> str:
    """One of: without a place, pulling, starting, running, ready, ended."""
    status = pod.get("status", {})
    if status.get("phase") in ("Succeeded", "Failed"):
        return "ended"
    if status.get("phase") == "Running":
        return "ready" if _condition(pod, "Ready").get("status") == "True" else "running"
    if _condition(pod, "PodScheduled").get("status") != "True":
        return "without a place"
    waiting = _container(pod).get("state", {}).get("waiting", {}).get("reason", "")
    return "pulling" if waiting in (*_PULLS, *_NO_PULLS) else "starting"


def trouble_of(pod: Pod) -> Trouble | None:
    """What is wrong with a pod."""
    name, part = pod["metadata"]["name"], part_of_pod(pod)
    if (why := why_taken(pod)) is not None:
        return _taking(pod, why)
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("reason") == "Unschedulable":
        return Trouble(
            f"The pod {name} finds no place: {scheduled.get('message', '')} It waits. Ask for less with --cpu, "
            "--memory or --workers, or give the cluster more nodes.",
            f"place {scheduled.get('message', '')}",
        )
    container = _container(pod)
    waiting = container.get("state", {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    image = container.get("image") or pod["spec"]["containers"][0]["image"]
    if reason in _PULLS:
        return Trouble(
            f"The image {image} cannot be pulled ({message or reason}). Name one that the cluster can pull with "
            "--image, and with --pull-secret the Secret with the registry's password, if it has one.",
            "image",
            is_lasting=True,
        )
    if reason in _NO_PULLS:
        return Trouble(f"{image} {_NO_PULLS[reason]} ({message or reason}): see --image.", "image", True, True)
    if reason in _CONFIGURATIONS:
        return Trouble(f"The pod {name} cannot start: {message or reason}", f"start {message}", is_lasting=True)
    ended = container.get("state", {}).get("terminated") or {}
    if ended.get("reason") == "OOMKilled":
        memory = pod["spec"]["containers"][0].get("resources", {}).get("limits", {}).get("memory", "its memory")
        more = "give each more with --memory, or spread the users with more --workers"
        if part == MASTER:
            more = "spread what it keeps: fewer names, see the documentation of settings"
        return Trouble(f"The pod {name} needed more than {memory} and was ended by the system: {more}.", f"oom {name}")
    code = ended.get("exitCode", 0)
    if part == WORKER and code != 0:
        return Trouble(f"The worker {name} ended with {code}; the last that it said:", f"ended {code}", pod=name)
    return None


def why_taken(pod: Pod) -> str | None:
    """How a pod was taken away before its end, by the cluster or by somebody; None if it was not."""
    disruption, status = _condition(pod, "DisruptionTarget"), pod.get("status", {})
    if disruption.get("status") == "True":
        told = disruption.get("message") or disruption.get("reason") or "it does not say why"
        return f"was taken away by the cluster ({told})"
    if status.get("reason") == "Evicted":
        return f"was taken away by its node ({status.get('message') or 'evicted'})"
    return "was deleted" if "deletionTimestamp" in pod["metadata"] else None


def trouble_of_event(event: Mapping[str, Any], namespace: str) -> Trouble | None:
    """What is wrong when a Job gets no pods."""
    if event.get("reason") != "FailedCreate":
        return None
    message = str(event.get("message", ""))
    kind = "quota" if "exceeded quota" in message else "creation"
    return Trouble(_in_words(403, message, "create pods", namespace), kind, is_lasting=True)


def why_failed(job: Mapping[str, Any]) -> str | None:
    """Why a Job has failed; None if it has not."""
    conditions = job.get("status", {}).get("conditions", ())
    failed = next((each for each in conditions if each["type"] == "Failed" and each["status"] == "True"), None)
    return None if failed is None else str(failed.get("message") or failed.get("reason") or "no reason is given")


def refusal(error: ApiError, namespace: str, server: str, name: str) -> str:
    """What the API server's refusal means, and what to do.

    Args:
        name: of the run.
    """
    if error.status == 0:
        return f"cannot {error.doing}: {server} does not answer ({error}). kubectl get pods has to work here"
    if error.status == 409:
        return (
            f"there is a run {name} in the namespace {namespace}: end it with gregaria kubernetes stop {name}, or "
            "give this one another --name"
        )
    return _in_words(error.status, str(error), error.doing, namespace)


class Crowd:
    """The pods of a run as they were last heard of.

    Args:
        workers: how many there are to be.

    Attributes:
        is_over: pods are taken away as they should be, and nobody has to know.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._told: set[str] = set()
        self.is_over = False
        self.pods: dict[str, Pod] = {}

    def replace(self, pods: list[Pod]) -> list[Trouble]:
        """Take a list in the place of all that was known; returns what is new and wrong."""
        there = {pod["metadata"]["name"] for pod in pods}
        gone = [pod for name, pod in self.pods.items() if name not in there]
        return [
            *(trouble for pod in gone for trouble in self.change("DELETED", pod)),
            *(trouble for pod in pods for trouble in self.change("MODIFIED", pod)),
        ]

    def change(self, what: str, pod: Pod) -> list[Trouble]:
        """Take a change; returns what is new and wrong."""
        name = pod["metadata"]["name"]
        if what == "DELETED":
            if state_of(pod) != "ended":
                self.pods.pop(name, None)
                return self._new(_taking(pod, "was deleted"))
            if part_of_pod(pod) != MASTER:
                self.pods.pop(name, None)
                return []
            # It is gone, and how it ended is still to be asked for.
        self.pods[name] = pod
        return self._new(trouble_of(pod))

    def lasting(self) -> list[Trouble]:
        """What keeps pods from starting at this moment."""
        found = [trouble for pod in self.pods.values() if (trouble := trouble_of(pod))]
        return [trouble for trouble in found if trouble.is_lasting]

    def lacks_pods(self, is_master: bool) -> bool:
        """Whether there are fewer pods with the master, or with workers, than there are to be."""
        parts = [part_of_pod(pod) for pod in self.pods.values()]
        return MASTER not in parts if is_master else parts.count(WORKER) < self._workers

    def is_whole(self) -> bool:
        """Whether all workers are ready."""
        states = [state_of(pod) for pod in self.pods.values() if part_of_pod(pod) == WORKER]
        return states.count("ready") >= self._workers

    def master(self) -> Pod | None:
        """The newest pod with the master, if there is one."""
        masters = [pod for pod in self.pods.values() if part_of_pod(pod) == MASTER]
        return max(masters, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)

    def progress(self) -> str:
        """How far the pods are, in one sentence."""
        master = self.master()
        states = [state_of(pod) for pod in self.pods.values() if part_of_pod(pod) == WORKER]
        ready = states.count("ready")
        others = [f"{states.count(state)} {state}" for state in ("running", "starting", "pulling") if state in states]
        if without := states.count("without a place"):
            others.append(f"{without} without a place")
        told = f"Master {'not there yet' if master is None else state_of(master)}; {ready} of {self._workers} workers "
        return told + ", ".join(["ready", *others])

    def _new(self, trouble: Trouble | None) -> list[Trouble]:
        if trouble is None or trouble.kind in self._told or (self.is_over and trouble.is_taking):
            return []
        self._told.add(trouble.kind)
        return [trouble]


def _taking(pod: Pod, why: str) -> Trouble:
    name = pod["metadata"]["name"]
    told = f"The pod {name} with the master {why}: the test is lost."
    if part_of_pod(pod) == WORKER:
        told = f"The worker {name} {why}: its users go to the others, and to the one that takes its place."
    return Trouble(told, f"taken {name}", is_taking=True)


def _in_words(status: int, message: str, doing: str, namespace: str) -> str:
    if status == 401:
        return f"cannot {doing}: the cluster does not know who you are ({message}): log in to it again"
    if "exceeded quota" in message:
        return (
            f"cannot {doing}: the quota of the namespace {namespace} has no room for it ({message}). Ask for less with "
            "--workers, --cpu or --memory, or have the quota raised"
        )
    if status == 403 and (
        found := re.search(r'cannot (\w+) resource "([\w/]+)"(?: in API group "([\w.]*)")?', message)
    ):
        group = f" of {found[3]}" if found[3] else ""
        return (
            f"cannot {doing}: you may not {found[1]} {found[2]}{group} in the namespace {namespace}. Have a role with "
            f"that bound to you, see docs/kubernetes.md ({message})"
        )
    if status == 404 and "namespaces" in message:
        return f"there is no namespace {namespace}: kubectl create namespace {namespace}, or name another one"
    return f"cannot {doing}: {message}"


def _condition(pod: Pod, kind: str) -> Mapping[str, Any]:
    conditions = pod.get("status", {}).get("conditions", ())
    return next((each for each in conditions if each["type"] == kind), {})


def _container(pod: Pod) -> Mapping[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    found: Mapping[str, Any] = statuses[0] if statuses else {}
    return found
