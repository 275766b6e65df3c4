"""SequentialTaskSet: tasks in the order written."""

from typing import Any

from gregaria.users.declare import Task
from gregaria.users.taskset import TaskSet

__all__ = ["SequentialTaskSet"]


class SequentialTaskSet(TaskSet):
    """Runs its tasks from top to bottom, then from the top again, until it is interrupted.

    A weight repeats a task in a row; a ``tasks`` attribute counts where it stands among the methods. A task that
    fails does not stop the sequence.
    """

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self._next_index = 0

    def get_next_task(self) -> Task:
        """The task after the one before.

        Raises:
            NoTasksError: there is none.
        """
        tasks = self.tasks
        if not tasks:
            self._nothing_to_do()
        task = tasks[self._next_index % len(tasks)]
        self._next_index = (self._next_index + 1) % len(tasks)
        return task
