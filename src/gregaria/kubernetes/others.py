"""Runs that are there: what they do, what they say, and their end."""

from typing import Any, TextIO

from gregaria.errors import CommandError, ExitCode
from gregaria.kubernetes.client import Api, ApiError
from gregaria.kubernetes.manifests import LABEL, MANAGER, MASTER, base_name
from gregaria.kubernetes.run import selector_of
from gregaria.kubernetes.watch import Crowd, part_of_pod, refusal, state_of, trouble_of

__all__ = ["print_log", "print_status", "stop"]

_INSTANCE = "app.kubernetes.io/instance"


def print_status(api: Api, name: str | None, out: TextIO) -> None:
    """Print a line for each run of the namespace, or for each pod of one, with what is wrong.

    Raises:
        CommandError: the cluster does not answer, or there is no such run.
    """
    try:
        selector = ",".join([LABEL, MANAGER, f"app.kubernetes.io/component={MASTER}"])
        masters = api.objects("Job", labelSelector=selector)["items"]
        jobs = {job["metadata"]["labels"][_INSTANCE]: job for job in masters}
        if name is not None:
            jobs = {name: _found(jobs, name, api.namespace)}
        for run in sorted(jobs):
            pods = api.objects("Pod", labelSelector=selector_of(run))["items"]
            _print_run(run, jobs[run], pods, out, with_pods=name is not None)
        if not jobs:
            print(f"There is no run in the namespace {api.namespace}", file=out)
    except ApiError as error:
        raise _refused(api, error, name or "") from None


def print_log(api: Api, name: str, *, follow: bool, out: TextIO) -> None:
    """Print what the master of a run has said, and with ``follow`` what it says until its end.

    Raises:
        CommandError: the cluster does not answer, or there is no such run, or it has no master yet.
    """
    try:
        crowd = Crowd(0)
        crowd.replace(api.objects("Pod", labelSelector=selector_of(name))["items"])
        master = crowd.master()
        if master is None:
            raise CommandError(
                f"there is no master of a run {name} in the namespace {api.namespace}: gregaria kubernetes status "
                "lists the runs",
                ExitCode.CLUSTER,
            )
        for _, line in api.log(master["metadata"]["name"], follow=follow):
            print(line, file=out, flush=follow)
    except ApiError as error:
        raise _refused(api, error, name) from None


def stop(api: Api, name: str) -> None:
    """Delete a run and all that belongs to it.

    Raises:
        CommandError: the cluster does not answer, or there is no such run.
    """
    try:
        if not api.delete("Job", f"{base_name(name)}-{MASTER}"):
            raise _missing(name, api.namespace)
    except ApiError as error:
        raise _refused(api, error, name) from None


def _print_run(name: str, job: dict[str, Any], pods: list[Any], out: TextIO, *, with_pods: bool) -> None:
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    given = [argument.partition("=")[2] for argument in arguments if argument.startswith("--expect-workers=")]
    crowd = Crowd(int(given[0]) if given else 0)
    crowd.replace(pods)
    print(f"{name}: {crowd.progress()}, since {job['metadata'].get('creationTimestamp', 'a while')}", file=out)
    if with_pods:
        for pod in sorted(pods, key=lambda pod: (part_of_pod(pod), pod["metadata"]["name"])):
            trouble = trouble_of(pod)
            print(f"  {pod['metadata']['name']}  {state_of(pod)}", file=out)
            if trouble is not None:
                print(f"    {trouble.text}", file=out)


def _found(jobs: dict[str, Any], name: str, namespace: str) -> Any:
    if name not in jobs:
        raise _missing(name, namespace)
    return jobs[name]


def _missing(name: str, namespace: str) -> CommandError:
    return CommandError(
        f"there is no run {name} in the namespace {namespace}: gregaria kubernetes status lists them", ExitCode.CLUSTER
    )


def _refused(api: Api, error: ApiError, name: str) -> CommandError:
    return CommandError(refusal(error, api.namespace, api.server, name), ExitCode.CLUSTER)
