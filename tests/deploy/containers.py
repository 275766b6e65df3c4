"""Containers as processes: the image's entry point with a container's arguments and variables, in a folder."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.nodes import Node

__all__ = ["DEPLOY", "Container", "Host", "containers_of_compose", "containers_of_manifests", "interpolated"]

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
#: folders of a container that arguments, variables and the entry point name
_KNOWN_FOLDERS = ("/mnt/locust", "/locust-tasks", "/reports", "/tmp/gregaria-reports")
#: names that an engine or a cluster makes addresses of
_MASTERS = ("locust-master", "gregaria-master", "shop-gregaria-master", "master")
#: what is in every Secret
_SECRET = "a-secret-of-a-test-and-of-nothing-else"
#: what a container of a cluster finds among its variables where a service is called locust-master
_OF_A_SERVICE = {
    "LOCUST_MASTER_SERVICE_HOST": "10.0.0.1",
    "LOCUST_MASTER_SERVICE_PORT": "8089",
    "LOCUST_MASTER_PORT": "tcp://10.0.0.1:8089",
    "LOCUST_MASTER_PORT_5557_TCP": "tcp://10.0.0.1:5557",
    "LOCUST_MASTER_PORT_5557_TCP_PORT": "5557",
}


@dataclass(frozen=True)
class Container:
    """What a compose file or a manifest says of a container.

    Attributes:
        args: the arguments of its entry point.
        env: its variables.
    """

    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)


class Host:
    """Runs containers as processes whose file system begins at ``root``, on ports that the system picks.

    Attributes:
        port: on which the master that was started last listens for workers.
        prefix: what goes before a container's command.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.nodes: list[Node] = []
        self.port = 0
        self.prefix: list[str] = []
        self.home = root / "home" / "locust"
        self.home.mkdir(parents=True)
        text = (DEPLOY / "docker" / "entrypoint").read_text()
        self.entrypoint = root / "entrypoint"
        self.entrypoint.write_text(self._below_root(text))
        self.entrypoint.chmod(0o755)

    def make_read_only(self, *writable: str) -> str | None:
        """From now on nothing can be written to, as with readOnlyRootFilesystem, but /tmp and ``writable``.

        Returns:
            why that cannot be done here, in words; None when it was.
        """
        folders = [self.root / path.lstrip("/") for path in ("/tmp", *writable)]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        mounts = [f"mount --bind {shlex.quote(str(folder))} {shlex.quote(str(folder))}" for folder in folders]
        script = "; ".join([*mounts, "mount -o remount,bind,ro /", 'exec "$@"'])
        return self._begin_with(["unshare", "--mount", "--map-root-user", "sh", "-ec", script, "sh"])

    def change_user(self, number: int) -> str | None:
        """From now on containers run as a user that has no account and no rights of root's, as some clusters have it.

        Returns:
            why that cannot be done here, in words; None when it was.
        """
        return self._begin_with(["unshare", "--user", f"--map-user={number}", f"--map-group={number}"])

    def _begin_with(self, prefix: list[str]) -> str | None:
        tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
        if tried.returncode:
            return f"the system does not do that for one process: {tried.stderr.strip()}"
        self.prefix = prefix
        return None

    def file(self, path: str, text: str) -> None:
        """Put a file where the container sees it as ``path``."""
        there = self.root / path.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text)

    def run(self, container: Container, name: str, **environment: str) -> Node:
        """Start it; the process is ended by ``end``."""
        args = [self._here(argument) for argument in container.args]
        env = {key: self._here(value) if "MASTER" in key else value for key, value in container.env.items()}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        everything = {**_OF_A_SERVICE, **env, "PATH": path, "HOME": str(self.home), **environment}
        if self.prefix:
            everything["TMPDIR"] = str(self.root / "tmp")
        log = self.root / f"{name}-{len(self.nodes)}.log"
        node = Node([str(self.entrypoint), *args], self.home, log, everything, self.prefix)
        self.nodes.append(node)
        return node

    def run_master(self, container: Container) -> Node:
        """Start it and wait until it listens for workers."""
        node = self.run(container, "master", LOCUST_MASTER_BIND_PORT="0", LOCUST_WEB_PORT="0")
        self.port = int(node.wait_for(r"Listening for workers on .+:(\d+)")[1])
        return node

    def run_worker(self, container: Container) -> Node:
        """Start a worker of the master that was started last."""
        port = str(self.port)
        return self.run(container, "worker", LOCUST_MASTER_NODE_PORT=port, GREGARIA_MASTER_NODE_PORT=port)

    def end(self) -> None:
        for node in self.nodes:
            node.kill()

    def _here(self, word: str) -> str:
        """A word of a container's as it is on this machine: its names and its folders."""
        option, is_with_value, value = word.rpartition("=")
        return option + is_with_value + ("127.0.0.1" if value in _MASTERS else self._below_root(value))

    def _below_root(self, text: str) -> str:
        for folder in _KNOWN_FOLDERS:
            text = text.replace(folder + "/", f"{self.root}{folder}/")
        return text


def interpolated(text: str) -> str:
    """A compose file as it is in an empty environment: ``${NAME:-default}`` is the default."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def containers_of_compose(path: Path) -> dict[str, Container]:
    """The services of a compose file."""
    services: dict[str, Any] = yaml.safe_load(interpolated(path.read_text()))["services"]
    found = {}
    for name, service in services.items():
        env = service.get("environment", {})
        if isinstance(env, list):
            env = dict(variable.split("=", 1) for variable in env)
        command = service.get("command", [])
        args = shlex.split(command) if isinstance(command, str) else command
        found[name] = Container(args, {key: str(value) for key, value in env.items()})
    return found


def containers_of_manifests(text: str) -> dict[str, Container]:
    """The first container of each workload among manifests, by the workload's name."""
    found = {}
    for manifest in yaml.safe_load_all(text):
        if not manifest or manifest["kind"] not in ("Deployment", "Job"):
            continue
        container = manifest["spec"]["template"]["spec"]["containers"][0]
        env = {variable["name"]: variable.get("value", _SECRET) for variable in container.get("env", ())}
        found[manifest["metadata"]["name"]] = Container(container.get("args", ()), env)
    return found
