"""The files of a master's test: for workers that have none, and to compare with those of workers that have some."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import zmq

from gregaria.cluster.archive import Archive, fingerprints, listing, pack
from gregaria.cluster.locust_files import for_locust
from gregaria.cluster.wire import pack as frame_of
from gregaria.errors import CommandError

__all__ = ["TestFiles", "digest_of", "python_files"]

logger = logging.getLogger("gregaria.cluster.files")

#: the type of a frame that asks for them, and of one that brings them
_KIND = "locustfile"


def python_files(locustfiles: Sequence[Path]) -> dict[str, str]:
    """``{name: checksum}`` of the Python files that belong to a test; data files may be each node's own.

    Raises:
        CommandError: they cannot be read.
    """
    return {name: sha256 for name, sha256 in fingerprints(locustfiles).items() if name.endswith(".py")}


def digest_of(files: Mapping[str, str]) -> str:
    """One checksum for all of them."""
    return hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()


class TestFiles:
    """What a master can give to its workers.

    Args:
        locustfiles: of the test.
        secret_file: with the secret of the cluster, which no worker is given.
    """

    def __init__(self, locustfiles: Sequence[Path], secret_file: Path | None = None) -> None:
        self._locustfiles = list(locustfiles)
        self._secret_file = secret_file
        self._archive: Archive | None = None
        # In memory once, to however many it is sent and however many do not read it.
        self._frames: dict[bool, zmq.Frame] = {}
        self._python: dict[str, str] | None = None

    def tell(self) -> None:
        """Log what would go to a worker that is started with ``-f -``."""
        try:
            for line in listing(self._packed()):
                logger.info("%s", line)
        except CommandError as error:
            logger.warning("Workers cannot take their files from this master (-f -): %s", error)

    def answer(self, is_ours: bool) -> zmq.Frame:
        """The frame that somebody is answered who asks for the files, in our dialect or in Locust's."""
        if is_ours in self._frames:
            return self._frames[is_ours]
        answer = self._for_ours() if is_ours else for_locust(self._locustfiles)
        frame = zmq.Frame(frame_of(_KIND, answer, ""), copy=True)
        if "error" not in answer:
            self._frames[is_ours] = frame
        return frame

    def are_others(self, digest: object) -> dict[str, str] | None:
        """This test's Python files, if a worker with that digest has others; None if it has the same, or says none."""
        if not isinstance(digest, str):
            return None
        if self._python is None:
            try:
                self._python = python_files(self._locustfiles)
            except CommandError:
                # Too many to compare.
                self._python = {}
        return self._python if self._python and digest_of(self._python) != digest else None

    def _for_ours(self) -> dict[str, Any]:
        try:
            archive = self._packed()
        except CommandError as error:
            return {"error": str(error)}
        return {"archive": archive.data, "sha256": archive.sha256}

    def _packed(self) -> Archive:
        if self._archive is None:
            self._archive = pack(self._locustfiles, self._secret_file)
        return self._archive
