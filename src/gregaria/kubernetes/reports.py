"""Reports of a run on a cluster: written by the master into its pod, and brought from there."""

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from gregaria.errors import CommandError, ExitCode

__all__ = ["FOLDER", "PACK", "Reports"]

#: of the master's pod
FOLDER = "/tmp/gregaria-reports"
#: what is run there to get all that is in it
PACK = ["tar", "-cf", "-", "-C", FOLDER, "."]


class Reports:
    """Which reports are asked for, and where they go.

    Each option has a folder of its own in the pod, with the file's own name, as one option may write several files.

    Args:
        paths: what was given, by the option's long name: ``{"html": "out/a.html"}``.

    Raises:
        CommandError: a folder cannot be written to.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._folders = {option: Path(path).parent for option, path in paths.items()}
        self._paths = paths
        for option, folder in self._folders.items():
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CommandError(f"--{option}: {folder}: {error.strerror}", ExitCode.OUTPUT) from None
            if not os.access(folder, os.W_OK):
                raise CommandError(f"--{option}: the folder {folder} cannot be written to", ExitCode.OUTPUT)

    @property
    def are_wanted(self) -> bool:
        """Whether there is anything to bring."""
        return bool(self._folders)

    def arguments(self) -> list[str]:
        """What the master is told."""
        return [f"--{option}={FOLDER}/{option}/{Path(path).name}" for option, path in self._paths.items()]

    def write(self, packed: bytes) -> list[Path]:
        """Write what has come from the pod; returns the files.

        Raises:
            CommandError: it cannot be read, or not be written.
        """
        written = []
        try:
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                for member in archive:
                    path = self._place(member.name)
                    content = archive.extractfile(member) if member.isfile() else None
                    if path is None or content is None:
                        continue
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content.read())
                    written.append(path)
        except (tarfile.TarError, OSError) as error:
            raise CommandError(f"the reports cannot be written: {error}", ExitCode.OUTPUT) from None
        return sorted(written)

    def _place(self, name: str) -> Path | None:
        """Where a file of the archive goes; None where nothing was asked for."""
        option, *rest = [part for part in PurePosixPath(name).parts if part != "."] or [""]
        folder = self._folders.get(option)
        return folder.joinpath(*rest) if folder is not None and rest and ".." not in rest else None
