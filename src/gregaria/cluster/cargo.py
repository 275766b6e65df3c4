"""Which files go from a master to its workers: the locustfiles and what lies under their folders.

Left out are hidden files, secrets, environments, caches, logs, links that lead out of the folder, and what
``.gregariaignore`` names. Each is told with the reason.
"""

import fnmatch
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from gregaria.errors import CommandError, ExitCode

__all__ = [
    "IGNORE_FILE",
    "LARGEST_FILE_BYTES",
    "LARGEST_TOTAL_BYTES",
    "MOST_FILES",
    "Cargo",
    "File",
    "gather",
    "is_name",
]

LARGEST_TOTAL_BYTES = 32 * 1024 * 1024
LARGEST_FILE_BYTES = 8 * 1024 * 1024
MOST_FILES = 5_000
#: lists further patterns, beside the locustfile
IGNORE_FILE = ".gregariaignore"

#: entries of folders that are looked at before it is clear that this is no folder of a test
_MOST_ENTRIES = 50_000
_SECRETS = (
    "*.pem",
    "*.key",
    "*.secret",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "credentials*",
    "*.p12",
    "*.pfx",
)
_FOLDERS = {
    "__pycache__": "a cache of Python",
    "node_modules": "packages of Node.js",
    "site-packages": "installed packages",
}
_LONGEST_NAME = 1000
_NO_NAME = re.compile(r'[\x00-\x1f\x7f\ud800-\udfff\\:*?"<>|]')

#: a pattern, and whether it means folders only
Ignored = tuple[re.Pattern[str], bool]


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes along.

    Attributes:
        name: where it will be, relative, with ``/`` between folders.
        path: where it is.
        size: bytes it had when it was found.
    """

    name: str
    path: Path
    size: int


@dataclass
class Cargo:
    """What goes along.

    Attributes:
        files: in the order of their names.
        locustfiles: the names of those that ``-f`` named, in its order.
        left_out: names and reasons; a folder's name ends in ``/`` and stands for all that is in it.
    """

    files: list[File] = field(default_factory=list)
    locustfiles: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def gather(locustfiles: Sequence[Path], secret_file: Path | None = None) -> Cargo:
    """Find what goes along with these files.

    One folder is the root of the names. Of several, each keeps its place below the folder that they have in common,
    from which nothing else is taken. ``secret_file`` stays whatever it is called.

    Raises:
        CommandError: there is too much of it, or a locustfile is not there; the message says what to do.
    """
    named = [path.resolve() for path in locustfiles]
    for path in named:
        if not path.is_file():
            raise CommandError(f"there is no {path}, so it cannot be given to workers", ExitCode.LOCUSTFILE_BROKEN)
    tops = _tops([path.parent for path in named])
    prefixes = _prefixes(tops)
    found: dict[str, File] = {}
    cargo = Cargo()
    search = _Search(cargo, found, secret_file.resolve() if secret_file is not None else None)
    for top in tops:
        if _is_huge(top):
            cargo.left_out.append((f"{prefixes[top]}*", f"{top} is no folder of a test: give it one of its own"))
        else:
            search.look_through(top, prefixes[top])
    for path in named:
        top = next(top for top in tops if path.is_relative_to(top))
        name = prefixes[top] + path.relative_to(top).as_posix()
        if not is_name(name):
            raise CommandError(f"{path} cannot be given to workers under the name {name!r}: rename it")
        # Whatever its name: without it there is no test.
        found[name] = File(name, path, path.stat().st_size)
        cargo.locustfiles.append(name)
        cargo.left_out = [(other, reason) for other, reason in cargo.left_out if other != name]
    cargo.files = [found[name] for name in sorted(found)]
    cargo.left_out.sort()
    _check_sizes(cargo.files)
    return cargo


def is_name(name: str) -> bool:
    """Whether a file can be called so on every system, and lies below the folder that the name is relative to."""
    parts = name.split("/")
    is_plain = 0 < len(name) <= _LONGEST_NAME and not _NO_NAME.search(name)
    return is_plain and not any(part in ("", ".", "..") or part != part.strip(" ") for part in parts)


class _Search:
    """Goes through folders."""

    def __init__(self, cargo: Cargo, found: dict[str, File], secret_file: Path | None) -> None:
        self._cargo = cargo
        self._found = found
        self._secret_file = secret_file
        self._entries = 0

    def look_through(self, top: Path, prefix: str) -> None:
        """Add what is under one folder."""
        ignored = _ignored(top / IGNORE_FILE)

        def walk(folder: Path, below: PurePosixPath, real: Path, above: tuple[Path, ...]) -> None:
            for entry in self._entries_of(folder, prefix, below):
                place = below / entry.name
                name = prefix + place.as_posix()
                try:
                    status = entry.stat()
                    target = Path(entry.path).resolve() if entry.is_symlink() else real / entry.name
                except (OSError, RuntimeError) as error:
                    # A link that leads nowhere, or in a circle.
                    self._leave_out(name, f"cannot be read ({getattr(error, 'strerror', None) or error})")
                    continue
                is_folder = stat.S_ISDIR(status.st_mode)
                reason = (
                    (None if is_name(name) else "not every system allows that name")
                    or ("the secret of the cluster" if target == self._secret_file else None)
                    or _why_not(place, entry.path, is_folder)
                    or _why_not_linked(target, top, entry.is_symlink())
                    or _why_not_ignored(place, is_folder, ignored)
                )
                if reason is None and is_folder and target in above:
                    reason = "a link to a folder that it lies in"
                if reason is None and not is_folder:
                    reason = _why_no_file(status, entry.path)
                if reason is not None:
                    self._leave_out(name + "/" * is_folder, reason)
                elif is_folder:
                    walk(Path(entry.path), place, target, (*above, target))
                else:
                    self._add(File(name, Path(entry.path), status.st_size), top)

        walk(top, PurePosixPath(), top, (top,))

    def _entries_of(self, folder: Path, prefix: str, below: PurePosixPath) -> Iterator["os.DirEntry[str]"]:
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self._leave_out(f"{prefix}{below.as_posix()}/", f"cannot be read ({error.strerror or error})")
            return
        for entry in entries:
            self._entries += 1
            if self._entries > _MOST_ENTRIES:
                raise CommandError(
                    f"{folder} and the folders beside it hold more than {_MOST_ENTRIES:,} files, too many to look for "
                    "what workers need: give the locustfile a folder of its own, or name folders to leave out in "
                    f"{IGNORE_FILE} beside it"
                )
            yield entry

    def _add(self, file: File, top: Path) -> None:
        self._found[file.name] = file
        if len(self._found) > MOST_FILES:
            raise CommandError(
                f"there are more than {MOST_FILES:,} files under {top}, and that is the most that workers are given: "
                f"name those that they do not need in {top / IGNORE_FILE} (one pattern a line, such as results/ or "
                "*.bin), or give the locustfile a folder of its own"
            )

    def _leave_out(self, name: str, reason: str) -> None:
        self._cargo.left_out.append((name, reason))


def _tops(folders: Sequence[Path]) -> list[Path]:
    """The folders that lie in no other of them."""
    distinct = list(dict.fromkeys(folders))
    return [
        folder
        for folder in distinct
        if not any(folder != other and folder.is_relative_to(other) and not _is_huge(other) for other in distinct)
    ]


def _prefixes(tops: Sequence[Path]) -> dict[Path, str]:
    """What the names under each folder begin with."""
    if len(tops) == 1:
        return {tops[0]: ""}
    try:
        common = Path(os.path.commonpath(tops))
    except ValueError:
        # Windows, and several drives.
        return {top: f"{number}-{top.name or 'drive'}/" for number, top in enumerate(tops, 1)}
    return {top: "" if top == common else f"{top.relative_to(common).as_posix()}/" for top in tops}


def _is_huge(folder: Path) -> bool:
    """Whether this is a folder in which everything lies: home or what is above it, the temporary folder."""
    home, temporary = Path.home().resolve(), Path(tempfile.gettempdir()).resolve()
    return folder in (Path(folder.anchor), temporary) or home.is_relative_to(folder)


def _why_not(place: PurePosixPath, path: str, is_folder: bool) -> str | None:
    name = place.name
    lower = name.lower()
    if lower.startswith(".env"):
        return "may hold secrets"
    if name.startswith("."):
        return "hidden"
    if is_folder:
        if name in _FOLDERS:
            return _FOLDERS[name]
        return "a virtual environment" if Path(path, "pyvenv.cfg").is_file() else None
    if any(fnmatch.fnmatchcase(lower, pattern) for pattern in _SECRETS):
        return "may hold secrets"
    if lower.endswith(".log"):
        return "a log"
    return "a cache of Python" if lower.endswith((".pyc", ".pyo")) else None


def _why_not_linked(target: Path, top: Path, is_link: bool) -> str | None:
    if not is_link:
        return None
    if not target.is_relative_to(top):
        return "a link that leads out of the folder"
    # A harmless name for something that would be left out under its own.
    place = PurePosixPath(target.relative_to(top).as_posix())
    for part in [place, *place.parents][:-1]:
        real = top / part
        reason = _why_not(part, str(real), real.is_dir())
        if reason is not None:
            return f"a link to {place}: {reason}"
    return None


def _why_not_ignored(place: PurePosixPath, is_folder: bool, ignored: Sequence[Ignored]) -> str | None:
    text = place.as_posix()
    if any(pattern.fullmatch(text) and (is_folder or not only_folders) for pattern, only_folders in ignored):
        return f"named in {IGNORE_FILE}"
    return None


def _why_no_file(status: os.stat_result, path: str) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "no regular file"
    if not os.access(path, os.R_OK):
        return "cannot be read (Permission denied)"
    return None


def _ignored(path: Path) -> list[Ignored]:
    """The patterns of a file that lists what to leave out, and whether each means folders only."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None
    patterns = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("!") or not text.strip("/"):
            raise CommandError(
                f"{path}:{number}: {text!r} is no pattern of this file: it lists what to leave out, one pattern a "
                "line, such as results/, *.bin or /data/*.csv"
            )
        patterns.append((_expression(text.strip("/"), "/" in text.rstrip("/")), text.endswith("/")))
    return patterns


def _expression(glob: str, is_anchored: bool) -> re.Pattern[str]:
    parts = {"**/": r"(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    expression = "".join(
        parts.get(piece) or re.escape(piece) for piece in re.split(r"(\*\*/|\*\*|\*|\?)", glob) if piece
    )
    return re.compile(expression if is_anchored else f"(?:.*/)?{expression}", re.DOTALL)


def _check_sizes(files: Sequence[File]) -> None:
    largest = sorted(files, key=lambda file: -file.size)
    if largest and largest[0].size > LARGEST_FILE_BYTES:
        too_large = ", ".join(f"{file.path} ({_mib(file.size)})" for file in largest if file.size > LARGEST_FILE_BYTES)
        raise CommandError(
            f"workers are given files of at most {_mib(LARGEST_FILE_BYTES)}, which is less than {too_large}: name what "
            f"they do not need in {IGNORE_FILE} beside the locustfile, or hand rows out from the master with "
            "gregaria.feed"
        )
    total = sum(file.size for file in files)
    if total > LARGEST_TOTAL_BYTES:
        examples = ", ".join(f"{file.path} ({_mib(file.size)})" for file in largest[:3])
        raise CommandError(
            f"the files beside the locustfile have {_mib(total)}, and workers are given at most "
            f"{_mib(LARGEST_TOTAL_BYTES)}; the largest are {examples}. Name what they do not need in {IGNORE_FILE} "
            "beside the locustfile, or give that a folder of its own"
        )


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"
