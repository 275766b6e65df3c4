"""A clock that jumps: sleeping takes no time, and everybody who slept can be asked about it."""


class JumpingClock:
    def __init__(self) -> None:
        self.now_s = 1000.0
        self.pauses_s: list[float] = []

    def now(self) -> float:
        return self.now_s

    def sleep(self, pause_s: float) -> None:
        assert pause_s > 0
        self.pauses_s.append(pause_s)
        self.now_s += pause_s
