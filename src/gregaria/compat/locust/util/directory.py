from pathlib import Path

__all__ = ["get_abspaths_in"]


def get_abspaths_in(path: str, extension: str | None = None) -> list[str]:
    """The absolute paths of all files below ``path``, those of one extension if given, without names in ``_``."""
    return sorted(
        str(file.resolve())
        for file in Path(path).rglob("*")
        if file.is_file() and not file.name.startswith("_") and file.name.endswith(extension or "")
    )
