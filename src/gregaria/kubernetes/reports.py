"""Reports of a run on a cluster: written by the master into its pod, and brought from there."""

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from gregaria.errors import CommandError, ExitCode
from gregaria.report.annotations import add_to_step_summary, step_summary

__all__ = ["FOLDER", "PACK", "Reports"]

#: of the master's pod
FOLDER = "/tmp/gregaria-reports"
#: what is run there to get all that is in it
PACK = ["tar", "-cf", "-", "-C", FOLDER, "."]
#: the option whose report is what GitHub shows of a job
_MARKDOWN = "markdown"
#: the option whose report is a folder
_FAILURES = "failures-dir"


class Reports:
    """Which reports are asked for, and where they go.

    Each option has a folder of its own in the pod, with the file's own name, as one option may write several files.
    Where this is a job of GitHub's, what it shows of a step is brought as well.

    Args:
        paths: what was given, by the option's long name: ``{"html": "out/a.html"}``.

    Raises:
        CommandError: a folder cannot be written to, or a path names none of what is to be written.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._folders = {option: Path(path).parent for option, path in paths.items()}
        self._paths = dict(paths)
        self._step_summary = step_summary()
        if self._step_summary is not None:
            self._paths.setdefault(_MARKDOWN, "summary.md")
        for option, folder in self._folders.items():
            path = Path(paths[option])
            if not path.name or (option != _FAILURES and path.is_dir()):
                raise CommandError(f"--{option}: {path} is a folder; name what is to be in it", ExitCode.OUTPUT)
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CommandError(f"--{option}: {folder}: {error.strerror}", ExitCode.OUTPUT) from None
            if not os.access(folder, os.W_OK):
                raise CommandError(f"--{option}: the folder {folder} cannot be written to", ExitCode.OUTPUT)

    @property
    def are_wanted(self) -> bool:
        """Whether there is anything to bring."""
        return bool(self._paths)

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
                    file = archive.extractfile(member) if member.isfile() else None
                    option, *rest = [part for part in PurePosixPath(member.name).parts if part != "."] or [""]
                    if file is None or option not in self._paths or not rest or ".." in rest:
                        continue
                    content = file.read()
                    if option == _MARKDOWN and self._step_summary is not None and add_to_step_summary(content.decode()):
                        written.append(self._step_summary)
                    if option in self._folders:
                        path = self._folders[option].joinpath(*rest)
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(content)
                        written.append(path)
        except (tarfile.TarError, OSError) as error:
            raise CommandError(f"the reports cannot be written: {error}", ExitCode.OUTPUT) from None
        return sorted(written)
