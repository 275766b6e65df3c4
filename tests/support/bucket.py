"""A bucket with files, in an emulator of Google Cloud Storage; a fixture to import in a conftest."""

import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.servers import process_that_prints_its_port

NAME = "images"
#: the end of a file looks like the end of a part of a form
FILES = {f"image-{number:02}.bin": bytes(range(256)) * 40 * number + b"\r\n--\n" for number in range(23)}


@dataclass(frozen=True)
class Bucket:
    """A bucket.

    Attributes:
        environment: the variables that lead a client to it, the name in ``BUCKET_NAME``.
        sizes: {name of a file: bytes}.
    """

    environment: dict[str, str]
    sizes: dict[str, int]


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    """A bucket with 23 files; the test is skipped where the emulator or the client is not installed."""
    for module, package in (
        ("gcp_storage_emulator", "gcp-storage-emulator"),
        ("google.cloud.storage", "google-cloud-storage"),
    ):
        pytest.importorskip(module, reason=f"{package} is not installed here (pip install {package})")
    with process_that_prints_its_port(["-m", "tests.support.storage_emulator", NAME]) as port:
        url = f"http://127.0.0.1:{port}"
        for name, content in FILES.items():
            query = urllib.parse.urlencode({"uploadType": "media", "name": name})
            with urllib.request.urlopen(f"{url}/upload/storage/v1/b/{NAME}/o?{query}", content, timeout=10) as response:
                assert response.status == 200
        yield Bucket(
            {"STORAGE_EMULATOR_HOST": url, "BUCKET_NAME": NAME},
            {name: len(content) for name, content in FILES.items()},
        )
