from collections.abc import Iterable

class ResponseParser: ...

def parse(
    pieces: Iterable[bytes],
    no_body: bool = ...,
    most_head_bytes: int = ...,
    most_body_bytes: int = ...,
    closed: bool = ...,
    parser: ResponseParser | None = ...,
) -> tuple[int, int, bytes, bytes, bool, bool, bool, bytes] | None: ...
