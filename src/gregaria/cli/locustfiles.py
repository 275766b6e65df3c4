"""Which files ``-f`` means: files, directories and URLs, with commas between them; or an archive of a whole test."""

import ast
import contextlib
import hashlib
import os
import re
import stat
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from gregaria import cluster
from gregaria.errors import CommandError, ExitCode, LocustfileError

_FETCH_TIMEOUT_S = 20
_LARGEST_BYTES = 10 * 1024 * 1024


class Locustfiles:
    """The files of one ``-f``; fetched ones live until the end of the with-block.

    Args:
        named: what ``-f`` said.
        is_default: nobody said it.
    """

    def __init__(self, named: str, *, is_default: bool = False) -> None:
        self._named = named
        self._is_default = is_default
        self._began_in = Path.cwd()
        self._fetched: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> "Locustfiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was fetched."""
        if self._fetched is not None:
            # Where the process works in there: not every system lets such a folder go.
            with contextlib.suppress(OSError):
                os.chdir(self._began_in)
            self._fetched.cleanup()
            self._fetched = None

    def paths(self) -> list[Path]:
        """The absolute paths of all files, in the order named and each once.

        Raises:
            CommandError: something named is not there, or is no Python file.
        """
        found: dict[Path, None] = {}
        for part in (part.strip() for part in self._named.split(",")):
            if part:
                found.update(dict.fromkeys(path.resolve() for path in self._paths_of(part)))
        if not found:
            raise CommandError("-f/--locustfile names no file", ExitCode.LOCUSTFILE_BROKEN)
        return list(found)

    def fetched(self, urls: Sequence[str]) -> list[Path]:
        """The absolute paths of what is at these addresses, fetched now.

        Raises:
            CommandError: it cannot be, or is no Python.
        """
        return [self._fetch(url) for url in urls]

    def new_folder(self) -> Path:
        """An empty folder for files that come from elsewhere; it is removed with what was fetched."""
        return Path(tempfile.mkdtemp(dir=self._temporary()))

    def _temporary(self) -> str:
        if self._fetched is None:
            self._fetched = tempfile.TemporaryDirectory(prefix="gregaria-")
        return self._fetched.name

    def _paths_of(self, part: str) -> list[Path]:
        if part == "-":
            raise CommandError("-f - stands alone: a worker takes all of its files from the master", ExitCode.USAGE)
        if re.match(r"https?://", part):
            return [self._fetch(part)]
        path = Path(part).expanduser()
        _check_readable(path)
        if path.is_dir():
            return _files_below(path)
        if not path.is_file():
            raise CommandError(self._missing(path), ExitCode.LOCUSTFILE_BROKEN)
        if path.suffix == ".zip":
            return self._unpacked(path)
        if path.suffix != ".py":
            raise CommandError(f"{part} is no Python file: its name must end in .py", ExitCode.LOCUSTFILE_BROKEN)
        return [path]

    def _unpacked(self, path: Path) -> list[Path]:
        """The locustfiles of an archive such as ``gregaria kubernetes run`` makes; data files lie beside them."""
        try:
            data = path.read_bytes()
            paths = cluster.unpack(data, hashlib.sha256(data).hexdigest(), self.new_folder())
        except (OSError, ValueError) as error:
            raise CommandError(f"-f {path}: {error}", ExitCode.LOCUSTFILE_BROKEN) from None
        os.chdir(paths[0].parent)
        return paths

    def _missing(self, path: Path) -> str:
        if self._is_default:
            return f"there is no {path} in {Path.cwd()}; name your locustfile with -f, see gregaria --help"
        if path.suffix != ".py" and path.with_name(path.name + ".py").is_file():
            return f"there is no {path}; did you mean {path}.py?"
        return f"there is no {path}; -f takes Python files, directories and URLs, with commas between them"

    def _fetch(self, url: str) -> Path:
        try:
            with urllib.request.urlopen(url, timeout=_FETCH_TIMEOUT_S) as response:
                source = response.read(_LARGEST_BYTES)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise CommandError(f"cannot fetch {url}: {reason}", ExitCode.LOCUSTFILE_BROKEN) from None
        try:
            ast.parse(source)
        except (SyntaxError, ValueError) as error:
            raise LocustfileError(f"what {url} gives is not Python: {error}") from None
        path = Path(self._temporary(), _file_name(url))
        path.write_bytes(source)
        return path


def _check_readable(path: Path) -> None:
    """See that this user may read a file or a folder, if it is there.

    Raises:
        CommandError: no (exit code LOCUSTFILE_BROKEN).
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.listdir(path)
        elif stat.S_ISREG(mode):
            path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read: {error.strerror or error}; the user who runs this has to be able to",
            ExitCode.LOCUSTFILE_BROKEN,
        ) from None


def _file_name(url: str) -> str:
    name = re.sub(r"[^\w.-]", "_", urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1]) or "locustfile"
    return name if name.endswith(".py") else f"{name}.py"


def _files_below(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*.py") if not _is_hidden(path.relative_to(folder)))
    if not files:
        raise CommandError(f"the directory {folder} has no Python files", ExitCode.LOCUSTFILE_BROKEN)
    return files


def _is_hidden(path: Path) -> bool:
    return path.name.startswith("_") or any(part.startswith((".", "__")) for part in path.parts)
