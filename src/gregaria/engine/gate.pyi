class Gate:
    open: bool
    in_flight: int
    def __init__(self) -> None: ...
