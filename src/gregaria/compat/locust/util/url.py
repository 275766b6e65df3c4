from urllib.parse import urlsplit

__all__ = ["is_url"]


def is_url(url: str) -> bool:
    """Whether the text is an http or https address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
