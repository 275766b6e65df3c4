"""The distributed locustfile of the Kubernetes article: a bucket's files are dealt to the workers, which fetch them from
there, say so, and send them to the target.

The client finds an emulator by STORAGE_EMULATOR_HOST.
"""

import logging
import os
import tempfile
from pathlib import Path

from google.cloud import storage
from locust import HttpUser, between, events, task
from locust.runners import MasterRunner, WorkerRunner

BUCKET_NAME = os.environ["BUCKET_NAME"]
storage_client = storage.Client()
local_folder = tempfile.TemporaryDirectory()
local_files = []


def setup_workers(environment, msg, **_kwargs):
    """A worker was told which files are its own: download them, and say so."""
    bucket = storage_client.bucket(BUCKET_NAME)
    for name in msg.data:
        path = Path(local_folder.name, name)
        bucket.blob(name).download_to_filename(path)
        local_files.append(path)
    environment.runner.send_message("acknowledge_file_recv", f"Thanks for the {len(msg.data)} files!")


def on_acknowledge(msg, **_kwargs):
    print(f"{msg.node_id}: {msg.data}")


@events.init.add_listener
def on_locust_init(environment, **_kwargs):
    logging.info("initializing locust message types and listeners")  # noqa: LOG015  as the article has it
    if not isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("handle_files", setup_workers)
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("acknowledge_file_recv", on_acknowledge)


@events.test_start.add_listener
def on_test_start(environment, **_kwargs):
    if not isinstance(environment.runner, WorkerRunner):
        files = [blob.name for blob in storage_client.list_blobs(BUCKET_NAME)]
        worker_count = environment.runner.worker_count
        chunk_size = int(len(files) / worker_count)
        logging.info(f"number of files to be divided between each worker is {chunk_size}")  # noqa: LOG015
        for i, worker in enumerate(environment.runner.clients):
            start_index = i * chunk_size
            end_index = start_index + chunk_size if i + 1 < worker_count else len(files)
            data = files[start_index:end_index]
            logging.debug(f"sending this data {data} to this {worker}")  # noqa: LOG015
            environment.runner.send_message("handle_files", data, worker)


class FileUser(HttpUser):
    wait_time = between(0.05, 0.1)

    def on_start(self):
        # messages sent in test_start have been handled before the first user starts
        assert local_files
        # for the test, which asks whose upload it was
        self.client.headers["X-Worker"] = self.environment.runner.client_id

    @task
    def file_size(self):
        for path in local_files:
            with open(path, "rb") as file:
                with self.client.post("/fileSize", files={"file": file}, catch_response=True) as response:
                    size = path.stat().st_size
                    if response.json()["size"] != size:
                        response.failure(f"{path.name} has {size} bytes, the target says {response.text}")
