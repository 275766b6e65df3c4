"""How a worker comes to the files of its test: one archive, packed by the master and not believed when it comes.

Packing the same files gives the same bytes, so that a checksum says whether two nodes have the same test.
"""

import hashlib
import io
import json
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gregaria.cluster.cargo import LARGEST_FILE_BYTES, LARGEST_TOTAL_BYTES, MOST_FILES, Cargo, File, gather, is_name
from gregaria.errors import CommandError, ExitCode

__all__ = ["Archive", "differences", "fingerprints", "listing", "pack", "unpack"]

#: says which of the files are locustfiles; hidden, so no file that goes along is called so
_ABOUT = ".gregaria.json"
_LARGEST_ABOUT_BYTES = 2 * 1024 * 1024
#: the earliest moment that a zip file knows
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = stat.S_IFREG | 0o644
_IS_ENCRYPTED = 0x1
_MOST_LISTED = 20


@dataclass(frozen=True)
class Archive:
    """What a worker gets.

    Attributes:
        data: the archive, a zip file.
        sha256: its checksum, in hexadecimal digits.
        names: the files in it with their sizes in bytes, in the order of the names.
        locustfiles: the names of the locustfiles, in the order of ``-f``.
        left_out: what lies beside them and is not in it, each with the reason; folders end in ``/``.
    """

    data: bytes
    sha256: str
    names: tuple[tuple[str, int], ...]
    locustfiles: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def pack(
    locustfiles: Sequence[Path], secret_file: Path | None = None, hidden: Mapping[str, bytes] | None = None
) -> Archive:
    """Pack locustfiles with what lies under their folders, but for ``secret_file``.

    Args:
        locustfiles: their paths.
        secret_file: is left out, whatever its name.
        hidden: what only the one gets who unpacks it: files by hidden names, which it does not give to workers.

    Raises:
        CommandError: that is too much, or cannot be read; the message says which files, and what to do.
    """
    cargo = gather(locustfiles, secret_file)
    contents = _read(cargo)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        about = json.dumps({"locustfiles": cargo.locustfiles}).encode()
        for name, content in [(_ABOUT, about), *contents.items(), *(hidden or {}).items()]:
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = _FILE_MODE << 16
            archive.writestr(entry, content)
    data = packed.getvalue()
    return Archive(
        data,
        hashlib.sha256(data).hexdigest(),
        tuple((name, len(content)) for name, content in contents.items()),
        tuple(cargo.locustfiles),
        tuple(cargo.left_out),
    )


def unpack(data: bytes, sha256: str, folder: Path) -> list[Path]:
    """Write the files of an archive into a folder that is empty or not there yet; returns the locustfiles' paths.

    Raises:
        ValueError: it is not what was sent, or nothing that ``pack`` makes, or cannot be written; nothing is left.
    """
    if len(data) > LARGEST_TOTAL_BYTES + _LARGEST_ABOUT_BYTES:
        raise ValueError(f"the archive has {len(data):,} bytes, more than {LARGEST_TOTAL_BYTES:,}")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError("the archive is not what was sent: its checksum is another one; start the worker again")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            contents = _contents(archive, len(data))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise ValueError(f"the archive cannot be read: {error}") from None
    locustfiles = _locustfiles(contents.pop(_ABOUT, b""), contents)
    _write(contents, folder)
    return [folder / name for name in locustfiles]


def fingerprints(locustfiles: Sequence[Path]) -> dict[str, str]:
    """The checksum of each file that ``pack`` would pack, by its name in there.

    Raises:
        CommandError: as ``pack``.
    """
    contents = _read(gather(locustfiles))
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """What a worker's own files differ in from its master's, a sentence each; both as ``fingerprints`` gives them."""
    told = []
    for name in sorted({*here, *there}):
        if name not in here:
            told.append(f"{name} is missing here")
        elif name not in there:
            told.append(f"{name} is only here")
        elif here[name] != there[name]:
            told.append(f"{name} differs")
    return told


def listing(archive: Archive) -> list[str]:
    """What a person should know of an archive before it is given away, in lines."""
    total = sum(size for _, size in archive.names)
    files = "1 file" if len(archive.names) == 1 else f"{len(archive.names):,} files"
    lines = [f"Workers get {files}, {total:,} bytes:"]
    lines += _shortened([f"  {name} ({size:,} bytes)" for name, size in archive.names])
    if archive.left_out:
        lines.append("Not given to workers:")
        lines += _shortened([f"  {name} ({reason})" for name, reason in archive.left_out])
    return lines


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_LISTED
    return [*lines[:_MOST_LISTED], f"  and {more:,} more"] if more > 0 else lines


def _read(cargo: Cargo) -> dict[str, bytes]:
    left = LARGEST_TOTAL_BYTES
    contents: dict[str, bytes] = {}
    for file in cargo.files:
        content = _read_file(file, min(left, LARGEST_FILE_BYTES))
        left -= len(content)
        contents[file.name] = content
    return contents


def _read_file(file: File, most: int) -> bytes:
    try:
        with open(file.path, "rb") as opened:
            content = opened.read(most + 1)
    except OSError as error:
        raise CommandError(f"{file.path} cannot be read, so workers cannot get it: {error}", ExitCode.USAGE) from None
    if len(content) > most:
        raise CommandError(f"{file.path} grows while it is read: write what a run puts out into another folder")
    return content


def _contents(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    """The files of an archive by their names, after everything about them has been doubted."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES + 1:
        raise ValueError(f"the archive holds {len(entries):,} files, more than {MOST_FILES:,}")
    # Entries that share their bytes are how a small archive becomes a huge one.
    if sum(entry.compress_size for entry in entries) > size:
        raise ValueError("the archive claims to hold more than it has bytes")
    contents: dict[str, bytes] = {}
    left = LARGEST_TOTAL_BYTES
    for entry in entries:
        _check(entry)
        if entry.filename in contents:
            raise ValueError(f"the archive holds {entry.filename!r} twice")
        is_about = entry.filename == _ABOUT
        most = _LARGEST_ABOUT_BYTES if is_about else min(left, LARGEST_FILE_BYTES)
        content = b""
        if entry.file_size <= most:
            with archive.open(entry) as opened:
                # One more, as what an entry says of its size need not be true.
                content = opened.read(most + 1)
        if max(entry.file_size, len(content)) > most:
            raise ValueError(f"{entry.filename!r} in the archive is larger than a test may send to its workers")
        if not is_about:
            left -= len(content)
        contents[entry.filename] = content
    return contents


def _check(entry: zipfile.ZipInfo) -> None:
    """Refuse an entry that ``pack`` does not make.

    Raises:
        ValueError: it is one.
    """
    name = entry.filename
    # What came after a zero byte is already gone from the name.
    if entry.orig_filename != name or not is_name(name):
        raise ValueError(f"the archive holds {entry.orig_filename[:100]!r}, which is no name below a folder")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ValueError(f"{name!r} in the archive is a link or something else that is no file")
    if entry.flag_bits & _IS_ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name!r} in the archive is packed in a way that is not used here")


def _locustfiles(about: bytes, contents: Mapping[str, bytes]) -> list[str]:
    try:
        locustfiles = json.loads(about)["locustfiles"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("the archive does not say which of its files are locustfiles") from None
    if not isinstance(locustfiles, list) or not locustfiles:
        raise ValueError("the archive names no locustfile")
    for name in locustfiles:
        if not isinstance(name, str) or name not in contents:
            raise ValueError(f"the archive names the locustfile {name!r}, which it does not hold")
    return locustfiles


def _write(contents: Mapping[str, bytes], folder: Path) -> None:
    made: list[Path] = []
    try:
        if folder.is_symlink() or (folder.exists() and any(folder.iterdir())):
            raise ValueError(f"{folder} is not empty: an archive is unpacked into a folder of its own")
        for name, content in contents.items():
            path = folder / name
            for parent in [*reversed(path.relative_to(folder).parents)]:
                _make_folder(folder / parent, made)
            with open(path, "xb") as opened:
                made.append(path)
                opened.write(content)
    except OSError as error:
        _remove(made)
        raise ValueError(f"the archive cannot be unpacked into {folder}: {error}") from None
    except BaseException:
        _remove(made)
        raise


def _make_folder(path: Path, made: list[Path]) -> None:
    if not path.is_dir():
        path.mkdir()
        made.append(path)


def _remove(made: list[Path]) -> None:
    for path in reversed(made):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
