"""The distributed locustfile of the Kubernetes article: files are dealt to the workers, which send them to the target.

A folder stands in for the bucket. In a run on one machine there are no workers to deal to: the one process takes all.
"""

import logging
import os
from pathlib import Path

from locust import HttpUser, between, events, task
from locust.runners import MasterRunner, WorkerRunner

BUCKET = Path(os.environ["BUCKET"])
local_files = []


def setup_workers(environment, msg, **_kwargs):
    """Whoever runs users was told which files are theirs: fetch them, and say so."""
    local_files.extend((name, (BUCKET / name).read_bytes()) for name in msg.data)
    environment.runner.send_message("acknowledge_file_recv", f"Thanks for the {len(msg.data)} files!")


def on_acknowledge(msg, **_kwargs):
    print(msg.data)


@events.init.add_listener
def on_locust_init(environment, **_kwargs):
    logging.info("initializing locust message types and listeners")  # noqa: LOG015  as the article has it
    if not isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("handle_files", setup_workers)
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("acknowledge_file_recv", on_acknowledge)


@events.test_start.add_listener
def on_test_start(environment, **_kwargs):
    if isinstance(environment.runner, WorkerRunner):
        return
    files = sorted(path.name for path in BUCKET.iterdir())
    if not isinstance(environment.runner, MasterRunner):
        environment.runner.send_message("handle_files", files)
        return
    worker_count = environment.runner.worker_count
    chunk_size = int(len(files) / worker_count)
    for i, worker in enumerate(environment.runner.clients):
        start_index = i * chunk_size
        end_index = start_index + chunk_size if i + 1 < worker_count else len(files)
        environment.runner.send_message("handle_files", files[start_index:end_index], worker)


class FileUser(HttpUser):
    wait_time = between(0.05, 0.1)

    def on_start(self):
        # messages sent in test_start have been handled before the first user starts
        assert local_files

    @task
    def file_size(self):
        for name, content in local_files:
            with self.client.post(
                "/fileSize", files={"file": (name, content)}, name="/fileSize", catch_response=True
            ) as response:
                if response.json()["size"] != len(content):
                    response.failure(f"{name} has {len(content)} bytes, the target says {response.text}")
