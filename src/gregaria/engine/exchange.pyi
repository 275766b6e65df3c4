import ssl
import weakref
from collections.abc import Iterable
from typing import Any

from gregaria.context import Trace, Tracer
from gregaria.engine.gate import Gate
from gregaria.engine.phases import Phases
from gregaria.engine.recorder import Entry, Recorder

def trace_with(follower: Tracer | None) -> None: ...
def traced_by() -> Tracer | None: ...

class Answer:
    status: int
    minor: int
    head: bytes
    body: bytes | None
    keep_alive: bool
    has_cookie: bool
    has_encoding: bool
    sent: bool
    counted: bool
    reused: bool
    started_us: int
    finished_us: int
    late: bool
    error: BaseException | None
    outside: weakref.ref[Any] | None
    so_far: tuple[bytes | None, bytes] | None
    prepared: Prepared
    previous: Answer | None
    reader: BodyReader | None
    trace: Trace | None
    @property
    def trace_id(self) -> str | None: ...
    @property
    def sent_head(self) -> bytes: ...
    @property
    def phases(self) -> Phases | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def header_pairs(self) -> list[tuple[str, str]]: ...

def header_pairs(head: bytes | None) -> list[tuple[str, str]]: ...

class Origin:
    scheme: str
    host: str
    port: int
    ssl_context: ssl.SSLContext | None
    connect_timeout_us: int
    read_timeout_us: int
    most_connections: int
    in_use: int
    opened: int
    via: tuple[str, int] | None
    tunnel: bytes | None
    unix_path: str | bytes | None
    refusal: str | None
    def __init__(
        self,
        scheme: str,
        host: str,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = ...,
        connect_timeout_us: int = ...,
        read_timeout_us: int = ...,
        connections: int = ...,
        via: tuple[str, int] | None = ...,
        tunnel: bytes | None = ...,
        unix_path: str | bytes | None = ...,
        refusal: str | None = ...,
    ) -> None: ...
    def close(self) -> None: ...

class BodyReader:
    came_us: int
    late: bool
    @property
    def ended(self) -> bool: ...
    def read(self, size: int = ...) -> bytes: ...
    def counts_for(self, recorder: Recorder, method: str, name: str) -> int: ...
    def fail(self, error: object) -> int: ...
    def close(self) -> None: ...

class Prepared:
    origin: Origin
    gate: Gate
    recorder: Recorder | None
    entry: Entry | None
    head: bytes
    body: bytes | None
    method: str
    url: str
    name: str
    connect_timeout_us: int
    read_timeout_us: int
    answer_type: type[Answer]
    extra: Any
    pieces: Iterable[bytes | str] | None
    def __init__(
        self,
        origin: Origin,
        gate: Gate,
        recorder: Recorder | None,
        head: bytes,
        body: bytes | None,
        method: str,
        url: str,
        name: str,
        answer_type: type[Answer] = ...,
    ) -> None: ...
    def perform(
        self,
        count: bool,
        continued: bool = ...,
        leave: bool = ...,
        stream: bool = ...,
        previous: Answer | None = ...,
    ) -> Answer: ...
    def end_if_closed(self) -> int: ...
    def with_body(self, body: bytes) -> Prepared: ...
    def settle(
        self,
        answer: Answer,
        error: object = ...,
        size_bytes: int | None = ...,
        started_us: int | None = ...,
    ) -> int: ...
