"""Locust's messages, in terms of ours: at a master that has a worker of Locust's, and at a worker that has its master.

One of its workers is told absolute numbers of users, answers ``spawning`` and ``spawning_complete``, reports each three
seconds what it has counted since, and when it is stopped says ``client_stopped`` and, some time later, ``client_ready``
again. Nothing of that is acknowledged.
"""

import time
from collections.abc import Iterator
from typing import Any

from gregaria.cluster.greeting import STANDS_FOR
from gregaria.cluster.wire import Frame

__all__ = ["frames_for", "frames_from_worker", "items_for_worker", "items_of"]


def frames_for(kind: str, payload: Any) -> Iterator[tuple[str, Any]]:
    """What one of Locust's workers is sent for an item: (type, data) of frames; none for what it has no word for."""
    if kind == "spawn":
        yield (
            "spawn",
            {
                "timestamp": time.time(),
                "user_classes_count": payload["users"],
                "host": payload["host"],
                "stop_timeout": payload["stop_timeout_s"],
                "parsed_options": payload["options"],
            },
        )
    elif kind == "spawning_complete":
        yield "spawning_complete", {"user_count": payload["user_count"]}
    elif kind in ("stop", "quit"):
        yield kind, None
    elif kind == "message":
        yield payload["type"], payload["data"]


def items_of(frame: Frame) -> Iterator[tuple[str, Any]]:
    """What a frame of one of Locust's workers means: (kind, payload) of items."""
    data = frame.data
    if frame.type == "stats":
        yield "locust_report", data
    elif frame.type == "spawning":
        yield "spawning", {}
    elif frame.type == "spawning_complete":
        counts = data.get("user_classes_count") if isinstance(data, dict) else None
        yield "spawned", {"users": counts or {}}
    elif frame.type == "client_stopped":
        yield "stopped", {}
    elif frame.type == "exception":
        if isinstance(data, dict):
            yield "exception", {"message": str(data.get("msg")), "traceback": str(data.get("traceback"))}
    elif frame.type == "logs":
        if isinstance(data, dict) and isinstance(data.get("logs"), list):
            yield "logs", {"lines": [str(line) for line in data["logs"]], "is_whole": True}
    else:
        yield "message", {"type": frame.type, "data": data}


def frames_from_worker(kind: str, payload: Any, node_id: str) -> Iterator[tuple[str, Any]]:
    """What Locust's master is sent for an item of a worker of ours: (type, data) of frames."""
    if kind == "locust_report":
        yield "stats", payload
    elif kind == "spawning":
        yield "spawning", None
    elif kind == "spawned":
        yield (
            "spawning_complete",
            {"user_classes_count": payload["users"], "user_count": sum(payload["users"].values())},
        )
    elif kind == "stopped":
        yield "client_stopped", None
    elif kind == "exception":
        yield "exception", {"msg": payload["message"], "traceback": payload["traceback"]}
    elif kind == "logs":
        yield "logs", {"worker_id": node_id, "logs": payload["lines"]}
    elif kind == "message":
        yield payload["type"], payload["data"]
    elif kind == "client_ready":
        # After each test: it has forgotten the worker when that said that it has stopped.
        yield "client_ready", STANDS_FOR
    elif kind == "bye":
        yield "quit", None


def items_for_worker(frame: Frame) -> Iterator[tuple[str, Any]]:
    """What a frame of Locust's master means to a worker of ours: (kind, payload) of items."""
    data = frame.data
    if frame.type == "spawn":
        if isinstance(data, dict) and isinstance(data.get("user_classes_count"), dict):
            yield (
                "spawn",
                {
                    "users": data["user_classes_count"],
                    "host": data.get("host"),
                    "stop_timeout_s": data.get("stop_timeout"),
                    "options": data.get("parsed_options") or {},
                    "timestamp": data.get("timestamp") or 0.0,
                },
            )
    elif frame.type == "spawning_complete":
        yield "spawning_complete", {"user_count": data.get("user_count") if isinstance(data, dict) else 0}
    elif frame.type in ("stop", "quit", "reconnect"):
        yield frame.type, {}
    elif frame.type == "update_user_class":
        yield "update_user_class", data
    else:
        yield "message", {"type": frame.type, "data": data}
