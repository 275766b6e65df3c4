"""An emulator of Google Cloud Storage: ``python -m tests.support.storage_emulator BUCKET`` prints its port.

It keeps everything in memory, and has one bucket, which is empty.
"""

import sys
from functools import partial
from http.server import HTTPServer

from gcp_storage_emulator.handlers.buckets import create_bucket
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage


def main(bucket: str) -> None:
    storage = Storage(use_memory_fs=True)
    create_bucket(bucket, storage)
    # The emulator's own server cannot say which port the system has picked.
    server = HTTPServer(("127.0.0.1", 0), partial(RequestHandler, storage))
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
