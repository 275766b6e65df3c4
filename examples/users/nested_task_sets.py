"""Task sets inside task sets: where a user is decides what it may do next, and ``interrupt`` is the way back.

gregaria -f examples/users/nested_task_sets.py --headless -u 10 -r 5 -t 10s -H http://127.0.0.1:8000
"""

from locust import HttpUser, TaskSet, between, task


class Reader(HttpUser):
    wait_time = between(0.01, 0.05)

    @task(3)
    def front_page(self):
        self.client.get("/", name="front page")

    @task
    class Archive(TaskSet):
        # a task set may wait in a way of its own
        wait_time = between(0, 0.01)

        def on_start(self):
            self.client.get("/?archive", name="archive: enter")

        def on_stop(self):
            self.client.get("/?archive-left", name="archive: leave")

        @task(5)
        def browse(self):
            self.client.get("/?page=2", name="archive: browse")

        @task
        def leave(self):
            # back to the front page, after a wait there
            self.interrupt(reschedule=False)

        @task
        class Article(TaskSet):
            @task
            def read(self):
                assert isinstance(self.parent, Reader.Archive)
                self.client.get("/?article=7", name="archive: article")
                # back to the archive, which picks its next task at once
                self.interrupt()
