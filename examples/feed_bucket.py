"""The files of a bucket, each fetched and sent by one user of the whole test, on however many machines its users are.

Needs `pip install google-cloud-storage`; BUCKET_NAME says which bucket, STORAGE_EMULATOR_HOST where an emulator is.
"""

import os

from google.cloud import storage

from gregaria import HttpUser, feed, task

bucket = storage.Client().bucket(os.environ["BUCKET_NAME"])
# Called where rows are read: here, or at the master only.
files = feed.rows(lambda: ({"name": blob.name} for blob in bucket.list_blobs()), name="files")


class Sender(HttpUser):
    @task
    def send(self):
        name = files.next()["name"]
        content = bucket.blob(name).download_as_bytes()
        response = self.client.post("/fileSize", files={"file": (name, content)})
        assert response.json()["size"] == len(content)
