"""What is asked of the API server: objects as plain dictionaries, a watch, logs, and commands in a pod.

The official client knows how to find and log in to a cluster; what goes over the wire is JSON as the manifests are.
"""

import importlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3.exceptions

from gregaria.errors import CommandError, ExitCode
from gregaria.version import VERSION

__all__ = ["Api", "ApiError", "connect"]

_CONNECT_S, _READ_S = 10.0, 30.0
#: what comes before anything was asked for
_NO_CONNECTION = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.SSLError,
)
#: how long one watch lasts before it is begun anew
_WATCH_S = 60
#: a log says nothing for as long as the test says nothing
_LOG_READ_S = 300.0

#: in a pod, where its account is
_NAMESPACE_OF_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_FOLDERS = {
    "Job": "apis/batch/v1",
    "NetworkPolicy": "apis/networking.k8s.io/v1",
    "Pod": "api/v1",
    "Secret": "api/v1",
    "ConfigMap": "api/v1",
    "Service": "api/v1",
    "Event": "api/v1",
}
_PLURALS = {"NetworkPolicy": "networkpolicies"}


class ApiError(Exception):
    """The API server refused something, or does not answer.

    Attributes:
        status: of HTTP; 0 when there was no answer.
        doing: what was asked for, such as ``create the Job shop-gregaria-master``.
        may_be_done: it has been asked for, and nobody knows what came of it.
    """

    def __init__(self, status: int, message: str, doing: str, *, may_be_done: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.doing = doing
        self.may_be_done = may_be_done


def connect(context: str | None, namespace: str | None) -> "Api":
    """The cluster that kubeconfig (or, in a pod, the pod's own account) leads to.

    Raises:
        CommandError: the client is not installed, or there is no such cluster.
    """
    try:
        library: Any = importlib.import_module("kubernetes")
        websockets: Any = importlib.import_module("kubernetes.stream.ws_client")
        yaml: Any = importlib.import_module("yaml")
    except ImportError as error:
        raise CommandError(
            f"gregaria kubernetes needs the client of Kubernetes, which is not installed ({error}): "
            "pip install 'gregaria[kubernetes]'",
            ExitCode.NOT_AVAILABLE,
        ) from None
    configuration = library.client.Configuration()
    try:
        # A command that is over in minutes has no use for what a refreshed login would write into kubeconfig.
        library.config.load_kube_config(context=context, client_configuration=configuration, persist_config=False)
        own_namespace = _namespace_of(library, context)
    except (OSError, yaml.YAMLError) as error:
        # It names the file, and YAML the line.
        raise CommandError(
            f"kubeconfig cannot be read: {' '.join(str(error).split())}; it is looked for where KUBECONFIG says, or in "
            "~/.kube/config",
            ExitCode.CLUSTER,
        ) from None
    except library.config.ConfigException as error:
        if context is not None or "KUBERNETES_SERVICE_HOST" not in os.environ:
            raise CommandError(_without_configuration(str(error).rstrip("."), context), ExitCode.CLUSTER) from None
        library.config.load_incluster_config(client_configuration=configuration)
        own_namespace = _NAMESPACE_OF_POD.read_text().strip()
    return Api(library.client.ApiClient(configuration), websockets, namespace or own_namespace)


class Api:
    """One namespace of a cluster.

    Args:
        client: of the official library.
        websockets: its module for them.
        namespace: in which everything happens.

    Attributes:
        server: its address.
    """

    def __init__(self, client: Any, websockets: Any, namespace: str) -> None:
        self._client = client
        self._websockets = websockets
        self.namespace = namespace
        self.server = str(client.configuration.host)

    def create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object; returns it as it is now.

        Raises:
            ApiError: it cannot be.
        """
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        return self._json("POST", self._path(kind), f"create the {kind} {name}", body=manifest)

    def resume(self, job: str) -> None:
        """Have a suspended Job begin.

        Raises:
            ApiError: it cannot.
        """
        self._json("PATCH", self._path("Job", job), f"start the Job {job}", body={"spec": {"suspend": False}})

    def suspend(self, job: str) -> None:
        """Have the pods of a Job end, as they do on SIGTERM.

        Raises:
            ApiError: it cannot.
        """
        self._json("PATCH", self._path("Job", job), f"end the Job {job}", body={"spec": {"suspend": True}})

    def delete(self, kind: str, name: str) -> bool:
        """Delete an object and, in the background, what it owns; returns whether it was there.

        Raises:
            ApiError: it cannot be.
        """
        try:
            self._json(
                "DELETE",
                self._path(kind, name),
                f"delete the {kind} {name}",
                body={"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"},
            )
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """An object; None if it is not there.

        Raises:
            ApiError: it cannot be read.
        """
        try:
            return self._json("GET", self._path(kind, name), f"read the {kind} {name}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def objects(self, kind: str, **selectors: str) -> dict[str, Any]:
        """A list of objects by ``labelSelector`` or ``fieldSelector``.

        Raises:
            ApiError: it cannot be read.
        """
        return self._json("GET", self._path(kind), f"list {kind}s", query=selectors)

    def watch(self, kind: str, version: str, **selectors: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """What happens to objects after a list of that version: ADDED, MODIFIED or DELETED, and the object.

        It ends by itself after a minute.

        Raises:
            ApiError: it was lost, or the version is too old (410): list anew.
        """
        query = {**selectors, "watch": "true", "resourceVersion": version, "timeoutSeconds": str(_WATCH_S)}
        for line in self._lines(self._path(kind), f"watch {kind}s", query, _WATCH_S + _READ_S):
            event = json.loads(line)
            if event["type"] == "ERROR":
                raise ApiError(event["object"].get("code", 0), event["object"].get("message", ""), f"watch {kind}s")
            yield event["type"], event["object"]

    def log(
        self, pod: str, *, since: str | None = None, last: int | None = None, follow: bool = False
    ) -> Iterator[tuple[str, str]]:
        """Time and text of the lines that a pod has written (since a moment, the last ones), and of those it will.

        Raises:
            ApiError: it cannot be read, or was lost.
        """
        query = {"timestamps": "true", "follow": "true" if follow else "false"}
        if since is not None:
            query["sinceTime"] = since
        if last is not None:
            query["tailLines"] = str(last)
        for line in self._lines(f"{self._path('Pod', pod)}/log", f"read the log of {pod}", query, _LOG_READ_S):
            stamp, _, text = line.decode(errors="replace").partition(" ")
            yield stamp, text

    def execute(self, pod: str, command: list[str], timeout_s: float) -> bytes:
        """What a command in a pod writes.

        Raises:
            ApiError: it cannot be run, failed, or has not ended in time.
        """
        doing = f"run {command[0]} in the pod {pod}"
        query = [("stdout", "true"), ("stderr", "true"), *(("command", word) for word in command)]
        address = self._websockets.get_websocket_url(self._address(f"{self._path('Pod', pod)}/exec", query))
        try:
            socket = self._websockets.WSClient(self._client.configuration, address, self._headers(), False, binary=True)
        except Exception as error:
            # Of websocket-client, of the system and of TLS; the first knows the answer.
            message = _message(getattr(error, "resp_body", None) or b"", str(error))
            raise ApiError(getattr(error, "status_code", None) or 0, message, doing) from None
        output, complaint = bytearray(), bytearray()
        deadline_s = time.monotonic() + timeout_s
        try:
            while socket.is_open() and time.monotonic() < deadline_s:
                socket.update(timeout=1)
                # An empty text in older versions, where nothing has come.
                output += socket.read_channel(1) or b""
                complaint += socket.read_channel(2) or b""
            if socket.is_open():
                raise ApiError(0, f"it has not ended within {timeout_s:g} s", doing)
            if (code := _code_of(socket)) != 0:
                raise ApiError(0, f"it ended with {code}: {complaint.decode(errors='replace').strip()}", doing)
        except OSError as error:
            raise ApiError(0, str(error), doing) from None
        finally:
            socket.close()
        return bytes(output)

    def _path(self, kind: str, name: str | None = None) -> str:
        plural = _PLURALS.get(kind, f"{kind.lower()}s")
        path = f"/{_FOLDERS[kind]}/namespaces/{quote(self.namespace, safe='')}/{plural}"
        return path if name is None else f"{path}/{quote(name, safe='')}"

    def _address(self, path: str, query: Sequence[tuple[str, str]]) -> str:
        return f"{self.server}{path}?{urlencode(query)}" if query else f"{self.server}{path}"

    def _headers(self) -> dict[str, str]:
        """Those that every request has. A login that has expired is renewed by being asked for."""
        headers = {"Accept": "application/json", "User-Agent": f"gregaria/{VERSION}"}
        # Under the one name in some versions of the client, under the other in others.
        for name in ("authorization", "BearerToken"):
            if token := self._client.configuration.get_api_key_with_prefix(name):
                headers["authorization"] = token
                break
        return headers

    def _json(
        self, method: str, path: str, doing: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        content = None
        if body is not None:
            content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        try:
            response = self._open(method, path, doing, query or {}, body, content, _READ_S)
            try:
                answer: dict[str, Any] = json.loads(response.data)
            finally:
                response.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ApiError(0, _reason(error), doing, may_be_done=True) from None
        return answer

    def _lines(self, path: str, doing: str, query: Mapping[str, str], silence_s: float) -> Iterator[bytes]:
        """The lines of an answer as they come."""
        response = self._open("GET", path, doing, query, None, None, silence_s)
        left = b""
        try:
            for piece in response.stream(65536):
                *lines, left = (left + piece).split(b"\n")
                yield from lines
            if left:
                yield left
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(0, _reason(error), doing) from None
        finally:
            response.close()

    def _open(
        self,
        method: str,
        path: str,
        doing: str,
        query: Mapping[str, str],
        body: Any,
        content: str | None,
        read_s: float,
    ) -> Any:
        headers = self._headers() if content is None else {**self._headers(), "Content-Type": content}
        try:
            response = self._client.rest_client.pool_manager.request(
                method,
                self._address(path, list(query.items())),
                body=None if body is None else json.dumps(body),
                headers=headers,
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=read_s),
                preload_content=False,
                retries=False,
            )
            if response.status < 300:
                return response
            text = response.data
        except _NO_CONNECTION as error:
            raise ApiError(0, _reason(error), doing) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(0, _reason(error), doing, may_be_done=True) from None
        raise ApiError(response.status, _message(text, response.reason), doing)


def _namespace_of(library: Any, context: str | None) -> str:
    contexts, active = library.config.list_kube_config_contexts()
    chosen = next((each for each in contexts if each["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")


def _without_configuration(reason: str, context: str | None) -> str:
    if context is not None:
        return f"--context {context}: {reason}; kubectl config get-contexts lists those there are"
    return (
        f"there is no cluster to go to ({reason}). kubectl get pods has to work here; kubeconfig is looked for where "
        "KUBECONFIG says, or in ~/.kube/config"
    )


def _code_of(socket: Any) -> int:
    try:
        return int(socket.returncode)
    except (TypeError, KeyError, ValueError):
        # The connection was closed before the command's end was told.
        return -1


def _message(text: bytes, otherwise: str | None) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace").strip()[:500] or otherwise or "no reason was given"


def _reason(error: BaseException) -> str:
    inner = getattr(error, "reason", None) or error
    return str(inner)
