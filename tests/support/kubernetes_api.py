"""The part of a cluster that a run needs, over real HTTP: an API server that keeps objects and runs pods as processes.

It is not kmock: that keeps objects and streams watches, but has no WebSockets (commands in pods) and deletes no
dependents, and logs and figures of a master that does not run would be made up. Here a pod is a process with the pod's
own arguments and variables, behind the image's entry point.

What it does: objects of one namespace (checked by their schemas and by the restricted standard), watches, Jobs that
make pods, owner references, logs that are followed, commands in pods. What goes wrong is set by its attributes.
"""

import base64
import hashlib
import itertools
import json
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from gregaria.kubernetes.reports import FOLDER
from tests.deploy.containers import Container, Host
from tests.deploy.rendered import VERSIONS, lacking, not_restricted
from tests.support.nodes import Node

__all__ = ["KubernetesApi", "Request", "write_kubeconfig"]

NAMESPACE = "load"
TOKEN = "of-a-test"
Object = dict[str, Any]
#: kinds by the last word of their paths
KINDS = {
    "jobs": "Job",
    "pods": "Pod",
    "secrets": "Secret",
    "configmaps": "ConfigMap",
    "services": "Service",
    "networkpolicies": "NetworkPolicy",
    "events": "Event",
}
_PATH = re.compile(r"/(?:api|apis)/.+?/namespaces/([-\w]+)/(\w+)(?:/([-.\w]+))?(?:/(\w+))?")
_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LOOK_S = 0.05


class Request:
    """What was asked for, as ``POST jobs`` or ``GET pods log``."""

    def __init__(self, method: str, path: str) -> None:
        address = urlsplit(path)
        self.query = parse_qs(address.query)
        found = _PATH.fullmatch(address.path)
        assert found is not None, path
        self.namespace, self.plural, self.name, self.sub = found.groups()
        self.method = method
        watching = ["watch"] if "watch" in self.query else []
        self.words = " ".join([method, self.plural, *watching, *([self.sub] if self.sub else [])])


class Pod:
    """A pod that is there: its object, its process and what that has written."""

    def __init__(self, manifest: Object) -> None:
        self.manifest = manifest
        self.node: Node | None = None
        self.lines: list[tuple[str, str]] = []
        self.disruptions: list[Object] = []
        self.is_told = False


class KubernetesApi:
    """Serves until ``close``.

    Attributes:
        requests: the words of all requests, in their order.
        before, after: called with number and words of each request before it is looked at, and after it was answered.
        refuse: says why a request is refused, as a status and a message; or nothing.
        ails: what is the matter with a new pod: its status, or nothing when it is to run; ``None`` is no pod at all.
        lost: how many of the next watches and logs break off after their first line.
        quota: why Jobs may not make pods.
    """

    def __init__(self, root: Path) -> None:
        self.host = Host(root)
        self.requests: list[str] = []
        self.before: Callable[[int, str], None] = lambda number, words: None
        self.after: Callable[[int, str], None] = lambda number, words: None
        self.refuse: Callable[[Request], tuple[int, str] | None] = lambda request: None
        self.ails: Callable[[Object], Object | None] = lambda pod: None
        self.lost = 0
        self.quota = ""
        self._objects: dict[tuple[str, str], Object] = {}
        self._pods: dict[str, Pod] = {}
        #: Jobs of which a pod has ended well
        self._succeeded: set[str] = set()
        self._history: list[tuple[int, str, Object]] = []
        self._numbers = itertools.count(1)
        self._version = 0
        self._changed = threading.Condition(threading.RLock())
        self._is_closed = False
        api = self

        class Handler(_Handler):
            def answer(self) -> None:
                api._answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,)),
            threading.Thread(target=self._look_after_pods),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._is_closed = True
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()
        self.host.end()

    def kubeconfig(self, path: Path) -> Path:
        """A file that leads here."""
        return write_kubeconfig(path, self.url)

    def there(self) -> list[str]:
        """Kind and name of every object, events and pods that are being deleted left out."""
        with self._changed:
            return sorted(
                f"{kind} {name}"
                for (kind, name), each in self._objects.items()
                if kind != "Event" and "deletionTimestamp" not in each["metadata"]
            )

    def object(self, kind: str, name: str) -> Object:
        with self._changed:
            return self._objects[kind, name]

    def pods(self, part: str) -> list[str]:
        """The names of the pods of a part that are there."""
        with self._changed:
            return [name for name, pod in self._pods.items() if _part(pod.manifest) == part]

    def processes(self) -> list[Node]:
        """Those of all pods that there have been."""
        return self.host.nodes

    def delete(self, kind: str, name: str) -> None:
        """As ``kubectl delete``: a pod's process is told to end, and the pod is gone when it has."""
        with self._changed:
            if kind != "Pod":
                self._objects.pop((kind, name))
                self._collect()
                return
            pod = self._pods[name]
            if pod.node is None or pod.is_told:
                self._remove(pod)
                if pod.node is None:
                    self._replace(pod)
            elif "deletionTimestamp" not in pod.manifest["metadata"]:
                metadata = {**pod.manifest["metadata"], "deletionTimestamp": _now()}
                pod.manifest = {**pod.manifest, "metadata": metadata}
                self._set_status(pod, pod.manifest["status"])
                pod.node.signal(signal.SIGTERM)

    def evict(self, pod: str, message: str) -> None:
        """As ``kubectl drain`` does with the pods of a node."""
        with self._changed:
            found = self._pods[pod]
            why = {"reason": "EvictionByEvictionAPI", "message": message}
            found.disruptions = [{"type": "DisruptionTarget", "status": "True", **why}]
            self._set_status(found, _running(found.manifest))
            self.delete("Pod", pod)

    def end_process(self, pod: str, reason: str) -> None:
        """The system ends a pod's container at once, for a reason such as OOMKilled."""
        with self._changed:
            found = self._pods[pod]
            assert found.node is not None
            found.node.kill()
            self._set_status(found, _ended(found.manifest, 137, reason))

    # -- requests --------------------------------------------------------------------------------------------------

    def _answer(self, handler: "_Handler") -> None:
        request = Request(handler.command, handler.path)
        with self._changed:
            self.requests.append(request.words)
            number = len(self.requests)
        self.before(number, request.words)
        # Also of a request that is refused: what comes next on the connection is the next one.
        body = handler.read_json()
        try:
            refused = self.refuse(request)
            if handler.headers["Authorization"] != f"Bearer {TOKEN}":
                refused = 401, "Unauthorized"
            if refused is not None:
                handler.send_json(refused[0], _status(*refused))
            elif request.namespace != NAMESPACE:
                handler.send_json(404, _status(404, f'namespaces "{request.namespace}" not found'))
            elif request.sub == "log":
                self._send_log(handler, request)
            elif request.sub == "exec":
                self._execute(handler, request)
            elif "watch" in request.query:
                self._send_watch(handler, request)
            else:
                handler.send_json(*self._plain(request, body))
        finally:
            self.after(number, request.words)

    def _plain(self, request: Request, body: Object) -> tuple[int, Object]:
        kind = KINDS[request.plural]
        with self._changed:
            if request.method == "POST":
                return self._create(kind, body)
            if request.name is None:
                return 200, self._list(kind, request.query)
            found = self._objects.get((kind, request.name))
            if found is None:
                return 404, _status(404, f'{request.plural} "{request.name}" not found')
            if request.method == "GET":
                return 200, found
            if request.method == "PATCH":
                found["spec"].update(body["spec"])
                if body["spec"]["suspend"]:
                    for pod in [pod for pod in self._pods.values() if self._owner_of(pod.manifest) is found]:
                        self.delete("Pod", pod.manifest["metadata"]["name"])
                self._start(found)
                return 200, found
        assert request.method == "DELETE"
        assert body["propagationPolicy"] == "Background", "what it owns would stay"
        self.delete(kind, request.name)
        return 200, _status(200, "")

    def _create(self, kind: str, body: Object) -> tuple[int, Object]:
        name = body["metadata"]["name"]
        if (kind, name) in self._objects:
            return 409, _status(409, f'"{name}" already exists')
        wrong = lacking(body, VERSIONS[-1:])
        if "template" in body.get("spec", {}):
            wrong += not_restricted(body["spec"]["template"])
        if wrong:
            return 422, _status(422, "; ".join(wrong))
        made = self._keep(kind, body)
        self._collect()
        if kind == "Job":
            if _part(made) == "master":
                # Workers wait for this one, and not for that of a run before.
                self.host.port = 0
            self._start(made)
        return 201, made

    def _keep(self, kind: str, body: Object) -> Object:
        number = next(self._numbers)
        body["metadata"].update(uid=f"uid-{number}", creationTimestamp=_now(), namespace=NAMESPACE)
        self._objects[kind, body["metadata"]["name"]] = body
        return body

    def _list(self, kind: str, query: dict[str, list[str]]) -> Object:
        items = [each for (of, _), each in self._objects.items() if of == kind and _is_selected(each, query)]
        return {"kind": f"{kind}List", "metadata": {"resourceVersion": str(self._version)}, "items": items}

    def _send_watch(self, handler: "_Handler", request: Request) -> None:
        version = int(request.query["resourceVersion"][0])
        handler.begin_stream()
        while not self._is_closed:
            with self._changed:
                new = [each for each in self._history if each[0] > version]
                if not new:
                    self._changed.wait(_LOOK_S)
            for number, what, pod in new:
                version = number
                if _is_selected(pod, request.query):
                    handler.send_line(json.dumps({"type": what, "object": pod}))
                    if self._is_lost():
                        return

    def _send_log(self, handler: "_Handler", request: Request) -> None:
        pod = self._pods.get(request.name)
        if pod is None or pod.node is None:
            handler.send_json(400, _status(400, f"container in pod {request.name} is waiting to start"))
            return
        since = request.query.get("sinceTime", [""])[0]
        handler.begin_stream()
        sent = 0
        while not self._is_closed:
            with self._changed:
                is_over = pod.is_told or request.query["follow"] == ["false"]
                lines = pod.lines[sent:]
            if "tailLines" in request.query:
                lines = lines[-int(request.query["tailLines"][0]) :]
            for stamp, line in lines:
                # Of a moment that is given in seconds, as the real one takes it.
                if stamp[:19] >= since[:19]:
                    handler.send_line(f"{stamp} {line}")
                    if self._is_lost():
                        return
            sent += len(lines)
            if is_over:
                handler.end_stream()
                return
            time.sleep(_LOOK_S)

    def _is_lost(self) -> bool:
        with self._changed:
            self.lost -= 1
            return self.lost >= 0

    def _execute(self, handler: "_Handler", request: Request) -> None:
        pod = self._pods.get(request.name)
        if pod is None or pod.node is None or pod.node.process.poll() is not None:
            handler.send_json(400, _status(400, f"cannot exec in a stopped container of {request.name}"))
            return
        page = re.search(r"http://\S+?:(\d+)", pod.node.output)
        words = [
            word.replace(FOLDER, str(self.host.root) + FOLDER)
            .replace("localhost:8089", f"localhost:{page[1] if page else 8089}")
            .replace("kill -TERM 1", f"kill -TERM {pod.node.process.pid}")
            for word in request.query["command"]
        ]
        if words[0] == "python3":
            words[0] = sys.executable
        handler.become_websocket()
        done = subprocess.run(words, capture_output=True, check=False)
        for at in range(0, len(done.stdout), 30000):
            handler.send_frame(b"\x01" + done.stdout[at : at + 30000])
        if done.stderr:
            handler.send_frame(b"\x02" + done.stderr)
        end: Object = {"status": "Success"}
        if done.returncode:
            end = {"status": "Failure", "details": {"causes": [{"message": str(done.returncode)}]}}
        handler.send_frame(b"\x03" + json.dumps(end).encode())
        handler.send_frame(struct.pack("!H", 1000), code=0x8)

    # -- controllers -----------------------------------------------------------------------------------------------

    def _start(self, job: Object) -> None:
        if job["spec"].get("suspend"):
            return
        if self.quota:
            event = {
                "metadata": {"name": f"{job['metadata']['name']}.1"},
                "involvedObject": {"kind": "Job", **{key: job["metadata"][key] for key in ("name", "uid")}},
                "reason": "FailedCreate",
                "message": self.quota,
            }
            self._keep("Event", event)
            return
        for _ in range(job["spec"].get("parallelism", 1)):
            self._make_pod(job)

    def _make_pod(self, job: Object) -> None:
        template = job["spec"]["template"]
        name = f"{job['metadata']['name']}-{next(self._numbers):05}"
        reference = {"kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"]}
        metadata = {"name": name, "labels": template["metadata"]["labels"], "ownerReferences": [reference]}
        manifest: Object = {"metadata": metadata, "spec": template["spec"]}
        with self._changed:
            if job["metadata"]["name"] not in {key[1] for key in self._objects}:
                return
            self._keep("Pod", manifest)
            pod = self._pods[name] = Pod(manifest)
            ails = self.ails(manifest)
            self._set_status(pod, _starting(manifest) if ails is None else ails)
        if ails is None:
            threading.Thread(target=self._run, args=(pod,), daemon=True).start()

    def _run(self, pod: Pod) -> None:
        (container,) = pod.manifest["spec"]["containers"]
        with self._changed:
            if pod.manifest["metadata"]["name"] not in self._pods:
                # It was deleted before it began, and what it would read with it.
                return
            env = {each["name"]: self._value_of(each) for each in container["env"]}
            for volume in pod.manifest["spec"]["volumes"]:
                if "configMap" in volume:
                    folder = self.host.root / "mnt" / "locust"
                    folder.mkdir(parents=True, exist_ok=True)
                    for name, data in self._objects["ConfigMap", volume["configMap"]["name"]]["binaryData"].items():
                        (folder / name).write_bytes(base64.b64decode(data))
        described = Container(container["args"], env)
        try:
            if _part(pod.manifest) == "master":
                shutil.rmtree(str(self.host.root) + FOLDER, ignore_errors=True)
                node = self.host.run(described, "master", LOCUST_MASTER_BIND_PORT="0", LOCUST_WEB_PORT="0")
                pod.node = node
                self.host.port = int(node.wait_for(r"Listening for workers on .+:(\d+)")[1])
            else:
                while not self.host.port:
                    if self._is_closed or pod.manifest["metadata"]["name"] not in self._pods:
                        return
                    time.sleep(_LOOK_S)
                pod.node = self.host.run_worker(described)
        except AssertionError:
            # It has ended before it listened: that is seen below.
            pass
        if pod.manifest["metadata"]["name"] not in self._pods and pod.node is not None:
            pod.node.signal(signal.SIGTERM)

    def _value_of(self, variable: Object) -> str:
        if "value" in variable:
            return str(variable["value"])
        reference = variable["valueFrom"]["secretKeyRef"]
        data = self._objects["Secret", reference["name"]]["data"][reference["key"]]
        return base64.b64decode(data).decode()

    def _look_after_pods(self) -> None:
        while not self._is_closed:
            for pod in list(self._pods.values()):
                if pod.node is not None and not pod.is_told:
                    self._look_after(pod, pod.node)
            time.sleep(_LOOK_S)

    def _look_after(self, pod: Pod, node: Node) -> None:
        code = node.process.poll()
        lines = node.output.split("\n")
        with self._changed:
            # Some runtimes give what they read at once one time, others each line its own.
            stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
            pod.lines += [(stamp, line) for line in lines[len(pod.lines) : -1]]
            if pod.manifest["status"]["phase"] == "Pending":
                self._set_status(pod, _running(pod.manifest))
            if code is not None:
                if pod.manifest["status"]["phase"] == "Running":
                    self._set_status(pod, _ended(pod.manifest, code, "Completed" if code == 0 else "Error"))
                    self._fail_job_of(pod.manifest, code)
                pod.is_told = True
                if "deletionTimestamp" in pod.manifest["metadata"]:
                    self._remove(pod)
                self._replace(pod)

    def _remove(self, pod: Pod) -> None:
        name = pod.manifest["metadata"]["name"]
        del self._pods[name], self._objects["Pod", name]
        self._note("DELETED", pod.manifest)

    def _replace(self, pod: Pod) -> None:
        """As Jobs without completions do: not when one of their pods has ended well."""
        job = self._owner_of(pod.manifest)
        if pod.manifest["status"]["phase"] == "Succeeded":
            self._succeeded |= {each["uid"] for each in pod.manifest["metadata"]["ownerReferences"]}
        if job is None or _part(pod.manifest) != "worker" or job["spec"].get("suspend") or "status" in job:
            return
        if job["metadata"]["uid"] not in self._succeeded:
            self._make_pod(job)

    def _fail_job_of(self, pod: Object, code: int) -> None:
        """As the Job's policy says about exit codes."""
        job = self._owner_of(pod) or {"spec": {}}
        rules = job["spec"].get("podFailurePolicy", {}).get("rules", ())
        if any(code in rule.get("onExitCodes", {}).get("values", ()) for rule in rules):
            told = f"Container failed with exit code {code} matching FailJob rule"
            job["status"] = {"conditions": [{"type": "Failed", "status": "True", "message": told}]}

    def _set_status(self, pod: Pod, status: Object) -> None:
        is_new = "status" not in pod.manifest
        # What a watch has kept of it must not change with it.
        conditions = [each for each in status["conditions"] if each["type"] != "DisruptionTarget"]
        pod.manifest = {**pod.manifest, "status": {**status, "conditions": [*conditions, *pod.disruptions]}}
        name = pod.manifest["metadata"]["name"]
        if ("Pod", name) in self._objects:
            self._objects["Pod", name] = pod.manifest
            self._note("ADDED" if is_new else "MODIFIED", pod.manifest)

    def _note(self, what: str, pod: Object) -> None:
        self._version += 1
        self._history.append((self._version, what, pod))
        self._changed.notify_all()

    def _owner_of(self, manifest: Object) -> Object | None:
        owners = {each["uid"] for each in manifest["metadata"].get("ownerReferences", ())}
        return next((each for each in self._objects.values() if each["metadata"]["uid"] in owners), None)

    def _collect(self) -> None:
        """Delete what belongs to what is not there."""
        for (kind, name), manifest in list(self._objects.items()):
            owned = manifest["metadata"].get("ownerReferences")
            if owned and self._owner_of(manifest) is None and (kind, name) in self._objects:
                self.delete(kind, name)


def write_kubeconfig(path: Path, server: str) -> Path:
    """A file that leads to a server."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "me", "namespace": NAMESPACE}}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1, with answers in pieces and WebSockets."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_: Any) -> None:
        pass

    def read_json(self) -> Object:
        length = int(self.headers.get("Content-Length", 0))
        content: Object = json.loads(self.rfile.read(length)) if length else {}
        return content

    def send_json(self, status: int, content: Object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        # One that is not ended is broken off.
        self.close_connection = True

    def send_line(self, line: str) -> None:
        data = line.encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def become_websocket(self) -> None:
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + _WEBSOCKET).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
        self.end_headers()
        self.close_connection = True

    def send_frame(self, data: bytes, code: int = 0x2) -> None:
        length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack("!H", len(data))
        self.wfile.write(bytes([0x80 | code]) + length + data)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _part(manifest: Object) -> str:
    return str(manifest["metadata"]["labels"]["app.kubernetes.io/component"])


def _is_selected(manifest: Object, query: dict[str, list[str]]) -> bool:
    labels = manifest["metadata"].get("labels", {})
    wanted = (each.split("=") for each in query.get("labelSelector", [""])[0].split(",") if each)
    fields = (each.split("=") for each in query.get("fieldSelector", [""])[0].split(",") if each)
    by_field = {"involvedObject.uid": manifest.get("involvedObject", {}).get("uid")}
    return all(labels.get(name) == value for name, value in wanted) and all(
        by_field[name] == value for name, value in fields
    )


def _status(code: int, message: str) -> Object:
    state = "Success" if code < 300 else "Failure"
    return {"kind": "Status", "apiVersion": "v1", "status": state, "message": message, "code": code}


def _conditions(**states: bool) -> Iterator[Object]:
    return ({"type": name, "status": str(is_so)} for name, is_so in states.items())


def _container(manifest: Object, state: Object) -> list[Object]:
    (container,) = manifest["spec"]["containers"]
    return [{"name": container["name"], "image": container["image"], "state": state}]


def _starting(manifest: Object) -> Object:
    waiting = {"waiting": {"reason": "ContainerCreating"}}
    conditions = list(_conditions(PodScheduled=True, Ready=False))
    return {"phase": "Pending", "conditions": conditions, "containerStatuses": _container(manifest, waiting)}


def _running(manifest: Object) -> Object:
    conditions = list(_conditions(PodScheduled=True, Ready=True))
    return {"phase": "Running", "conditions": conditions, "containerStatuses": _container(manifest, {"running": {}})}


def _ended(manifest: Object, code: int, reason: str) -> Object:
    ended = {"terminated": {"exitCode": code, "reason": reason}}
    conditions = list(_conditions(PodScheduled=True, Ready=False))
    phase = "Failed" if code else "Succeeded"
    return {"phase": phase, "conditions": conditions, "containerStatuses": _container(manifest, ended)}
