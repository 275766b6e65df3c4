"""URLs: joining them to a user's host, taking credentials off, splitting them, naming them."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from urllib3.util import parse_url

from gregaria.errors import NoHost

#: a URL that names its host itself
ABSOLUTE_URL = re.compile(r"^(https?|http\+unix)://", re.IGNORECASE)

#: a request target that needs no further encoding
_CLEAN_TARGET = re.compile(r"/(?!/)[A-Za-z0-9\-._~!$&'()*+,;=:@/]*(\?[A-Za-z0-9\-._~!$&'()*+,;=:@/?]+)?", re.ASCII)

#: what would break out of a Host header, or make no sense in it
_NOT_IN_A_HOST = re.compile(r"[\x00-\x20\x7f/?#@]")

#: what begins like a path but for its slash, and is no URL with a scheme
_BARE_PATH = re.compile(r"\w(?![\w+.-]*://)")

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """Where one request goes.

    Attributes:
        url: the whole URL, encoded.
        scheme: "http" or "https".
        host: without brackets.
        port: always a number.
        authority: what the Host header says.
        target: path and query as the request line says them.
        name: path and query as the URL says them: what statistics call the request unless told otherwise.
        unix_path: of the socket that takes the place of host and port, or None.
    """

    url: str
    scheme: str
    host: str
    port: int
    authority: str
    target: str
    name: str
    unix_path: str | None = None


def is_absolute(url: str) -> bool:
    """Whether ``url`` begins with ``http://``, ``https://`` or ``http+unix://``, in any case."""
    return ABSOLUTE_URL.match(url) is not None


def join(base_url: str | None, url: str) -> str:
    """What a user means by ``url``: itself when absolute, else the host's URL and it, one after the other.

    A path that lacks its slash gets one where it would else become a part of the host's name.

    Raises:
        NoHost: the URL is relative and there is no host, or one without a scheme.
    """
    if url[:1] == "/" and base_url and "://" in base_url:
        return base_url + url
    if is_absolute(url):
        return url
    if not base_url:
        raise NoHost(
            f"{url!r} is a relative URL and no host is given: start with --host http://..., set `host` on the user "
            "class, or write the whole URL"
        )
    if "://" not in base_url:
        raise NoHost(f"the host {base_url!r} has no scheme: write http://{base_url} or https://{base_url}")
    if base_url.count("/") == 2 and _BARE_PATH.match(url):
        return f"{base_url}/{url}"
    return base_url + url


def split_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """Take ``user:password@`` off a URL.

    Returns:
        the URL without them, and (user, password) with percent-encoding undone, or None if there are none.
    """
    parts = urlsplit(url)
    userinfo, at, place = parts.netloc.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    bare = urlunsplit((parts.scheme, place, parts.path, parts.query, parts.fragment))
    return bare, (unquote(user), unquote(password))


def path_and_query(url: str) -> str:
    """The part of an absolute URL after the host, "/" if there is none, without a fragment."""
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


@lru_cache(maxsize=4096)
def split(url: str) -> Address:
    """Split an absolute, encoded http or https URL, or one of a Unix socket: ``http+unix://%2Frun%2Fapp.sock/path``.

    Raises:
        ValueError: it has no host, another scheme, or a port that is no number.
    """
    parts = urlsplit(url)
    if parts.scheme == "http+unix":
        return _of_unix_socket(url, parts.netloc)
    default_port = _DEFAULT_PORTS.get(parts.scheme)
    host = parts.hostname
    if default_port is None or not host or _NOT_IN_A_HOST.search(host):
        raise ValueError(f"{url!r} is not an http:// or https:// URL with a host")
    port = parts.port or default_port
    authority = f"[{host}]" if ":" in host else host
    if port != default_port:
        authority = f"{authority}:{port}"
    name = path_and_query(url)
    return Address(url, parts.scheme, host, port, authority, encode_target(name), name)


def _of_unix_socket(url: str, place: str) -> Address:
    path = unquote(place)
    if not path:
        raise ValueError(f"{url!r} names no socket: write http+unix://%2Frun%2Fapp.sock/path")
    name = path_and_query(url)
    # Its servers expect a Host header like everyone, and a path makes none.
    return Address(url, "http", place, 0, "localhost", encode_target(name), name, path)


def encode_target(target: str) -> str:
    """Percent-encode whatever a request line must not contain; a target that begins with "//" keeps that."""
    if _CLEAN_TARGET.fullmatch(target):
        return target
    # A host in front, so that a target that begins with // is not taken for one.
    return parse_url("http://x" + target).request_uri


def query_of(address: Address, query: str) -> Address:
    """``address`` with ``query``, already encoded, added to its own."""
    mark = "&" if "?" in address.url else "?"
    return Address(
        f"{address.url}{mark}{query}",
        address.scheme,
        address.host,
        address.port,
        address.authority,
        f"{address.target}{mark}{query}",
        f"{address.name}{mark}{query}",
        address.unix_path,
    )


def below(root: Address, target: str) -> Address | None:
    """The address of a target at a root whose own URL ends in "/"; None when the target has to be looked at closely."""
    if "/." in target or not _CLEAN_TARGET.fullmatch(target):
        return None
    whole = root.target[:-1] + target
    url = root.url[:-1] + target
    return Address(url, root.scheme, root.host, root.port, root.authority, whole, whole, root.unix_path)
