"""``--journal``: a master's notes, from which one that begins again goes on where the one before was killed.

A file is written whole each second, beside the one before, and takes its place: there is always one that is whole.
What has been written down is acknowledged to the workers only then, so what the file lacks they still have.
"""

import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack

from gregaria.errors import CommandError, ExitCode

__all__ = ["Journal", "Notes"]

_MAGIC = b"gregaria journal 1\n"
_LARGEST_BYTES = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Notes:
    """What a master has to know to go on.

    Attributes:
        run, generation: of the test.
        is_over: the test has come to its end; there is nothing to go on with.
        command: what the test was started with; another one cannot be gone on with.
        started_epoch_s: when the test began.
        written_epoch_s: when this was written.
        users, spawn_rate: what was headed for.
        workers: ``{node id: (incarnation, index, number of the last item that was dealt with)}``.
        counted: all that was counted, as one report.
        exceptions: ``[message, traceback, count, nodes]`` of each.
        notes: sentences that belong beside the figures.
        more: what else has to be kept, by name.
    """

    run: str
    generation: int
    is_over: bool
    command: str
    started_epoch_s: float
    written_epoch_s: float
    users: int
    spawn_rate: float
    workers: dict[str, tuple[str, int, int]]
    counted: dict[str, Any] | None
    exceptions: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


class Journal:
    """The file.

    Args:
        path: where it is; its folder is made. Of a link, what it leads to is written.

    Raises:
        CommandError: it cannot be written there, or what is there is no regular file.
    """

    def __init__(self, path: str) -> None:
        # What is written takes the place of what is there: that must be neither the link nor, say, a device.
        self._path = Path(os.path.realpath(Path(path).expanduser()))
        self._other = self._path.with_name(self._path.name + ".new")
        try:
            if os.path.lexists(self._path) and not self._path.is_file():
                raise OSError("that is no regular file")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._other.touch()
        except OSError as error:
            raise CommandError(
                f"--journal {path}: {error.strerror or error}; name a file that may be written, or is not there yet",
                ExitCode.OUTPUT,
            ) from None

    def read(self) -> Notes | None:
        """What the master before has written; None when there is nothing to go on with.

        Raises:
            CommandError: the file is none of a master's, or of another version.
        """
        try:
            if self._path.stat().st_size > _LARGEST_BYTES:
                raise ValueError("too large")
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise CommandError(f"--journal {self._path}: {error}", ExitCode.USAGE) from None
        if not data:
            return None
        try:
            if not data.startswith(_MAGIC):
                raise ValueError("it does not begin as one")
            found = msgpack.unpackb(zlib.decompress(data[len(_MAGIC) :]), strict_map_key=False)
            workers = {name: (str(of[0]), int(of[1]), int(of[2])) for name, of in found.pop("workers").items()}
            return Notes(workers=workers, **found)
        except (ValueError, TypeError, KeyError, IndexError, zlib.error, msgpack.UnpackException) as error:
            raise CommandError(
                f"--journal {self._path} is no journal of this Gregaria ({error}): delete it, or name another",
                ExitCode.USAGE,
            ) from None

    @staticmethod
    def pack(notes: Notes) -> bytes:
        """The bytes that ``write`` writes."""
        fields = {name: getattr(notes, name) for name in Notes.__slots__}
        return _MAGIC + zlib.compress(msgpack.packb(fields), 1)

    def write(self, packed: bytes) -> None:
        """Put this in the place of what was written before; made to run in a thread of its own.

        Raises:
            OSError: it cannot be written.
        """
        with self._other.open("wb") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        self._other.replace(self._path)

    def close(self) -> None:
        """Leave nothing half written behind."""
        self._other.unlink(missing_ok=True)
