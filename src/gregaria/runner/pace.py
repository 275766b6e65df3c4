"""When users are due: keeps the spawn rate exactly, in steps that are not too many."""

import math

#: shortest pause between two steps; higher spawn rates start several users in one step
SHORTEST_STEP_S = 0.01

#: shortest pause between two steps when each is a message to several workers
SHORTEST_STEP_OF_SEVERAL_S = 0.1

# Keeps a step that is due exactly now from being missed by the last bit of a division.
_NUDGE = 1e-9


def users_per_step(spawn_rate: float, step_s: float = SHORTEST_STEP_S) -> int:
    """How many users one step starts or stops, so that there are at most about 1 / ``step_s`` steps a second."""
    return max(1, round(spawn_rate * step_s))


def users_due(elapsed_s: float, spawn_rate: float) -> int:
    """How many users are due ``elapsed_s`` after the first, when user number i (from 0) is due after i / rate."""
    return math.floor(elapsed_s * spawn_rate + _NUDGE) + 1


class Pace:
    """The timetable of one change of load: user number i (from 0) is due at start + i / rate, however late a step was.

    Users that are due within one step come at its beginning. Steps of more than 10 ms begin at multiples of ``step_s``
    after the start: were each begun when its first user is due, a second could hold a whole step too many, which with
    ten steps a second is a tenth of its users.

    Attributes:
        step_s: shortest pause between two steps.

    Args:
        spawn_rate: users per second.
        step_s: see above.
        start_s: when the first user is due.
    """

    def __init__(self, spawn_rate: float, step_s: float, start_s: float) -> None:
        self.step_s = step_s
        self._rate = spawn_rate
        self._start_s = start_s
        self._per_step = spawn_rate * step_s
        self._has_grid = step_s > SHORTEST_STEP_S and self._per_step > 1

    def users_at(self, now_s: float, done: int) -> int:
        """How many users shall have come with the step that begins now, when ``done`` have come before it."""
        elapsed_s = now_s - self._start_s
        if self._has_grid:
            steps = math.floor(elapsed_s / self.step_s + _NUDGE) + 1
            return math.ceil(steps * self._per_step - _NUDGE)
        if self.next_step_s(done) - now_s > _NUDGE:
            return done
        return max(done + users_per_step(self._rate, self.step_s), users_due(elapsed_s, self._rate))

    def next_step_s(self, done: int) -> float:
        """When the step is due that brings the next users after ``done``."""
        if self._has_grid:
            return self._start_s + math.floor(done / self._per_step + _NUDGE) * self.step_s
        return self._start_s + done / self._rate
