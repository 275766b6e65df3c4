"""One Set-Cookie line as RFC 6265 reads it (5.1.1 and 5.2), limits and prefixes as its successor 6265bis has them."""

import re
from calendar import timegm
from datetime import datetime
from http.cookiejar import Cookie
from typing import Any

from gregaria.client.address import Address

#: characters of name and value together, and of an attribute's value; a longer one is ignored
MOST_PAIR_BYTES = 4096
MOST_ATTRIBUTE_BYTES = 1024

#: a moment that no run reaches; what lasts longer lasts until then
END_OF_TIME_EPOCH_S = 1 << 40

_LINES = re.compile(rb"^set-cookie:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_WHOLE_NUMBER = re.compile(r"-?[0-9]+", re.ASCII)
_IPV4 = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", re.ASCII)

_DATE_TOKEN = re.compile("[^\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])", re.ASCII)
_DAY = re.compile(r"([0-9]{1,2})(?![0-9])", re.ASCII)
_YEAR = re.compile(r"([0-9]{2,4})(?![0-9])", re.ASCII)
_MONTH_NAMES = "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}


def cookie_from(line: str, address: Address, now_epoch_s: float) -> Cookie | None:
    """The cookie that a Set-Cookie line asks for; one that has expired asks for its removal.

    Args:
        line: the header's value.
        address: of the request that was answered.
        now_epoch_s: when it came.

    Returns:
        the cookie, with ``domain`` as the host or the attribute says it, without a dot in front; None when the line is
        to be ignored.
    """
    if _CONTROL.search(line):
        return None
    pair, _, rest = line.partition(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", name
    name, value = name.strip(" \t"), value.strip(" \t")
    if not (name or value) or len(name) + len(value) > MOST_PAIR_BYTES:
        return None
    attributes = _attributes(rest)
    host = address.host.lower()
    domain = attributes.get("domain", "").removeprefix(".").lower()
    if domain and domain != host and ("." not in domain.strip(".") or not domain_matches(host, domain)):
        return None
    # A whole top-level domain, or an address, stands for that one host alone.
    by_domain = bool(domain) and "." in domain and not is_ip(domain)
    path = attributes.get("path", "")
    secure = "secure" in attributes
    if not _prefix_holds(name or value, bool(name), secure and address.scheme == "https", bool(domain), path):
        return None
    return make(
        name,
        value,
        domain=domain or host,
        by_domain=by_domain,
        path=path if path.startswith("/") else default_path(address.target),
        path_given=path.startswith("/"),
        secure=secure,
        expires=_expires(attributes, now_epoch_s),
        rest={
            kind: attributes[kind.lower()] or None for kind in ("HttpOnly", "SameSite") if kind.lower() in attributes
        },
    )


def lines_in(head: bytes) -> tuple[bytes, ...]:
    """The Set-Cookie lines of a response's head as they came, to tell whether they are the same as before."""
    return tuple(_LINES.findall(head))


def make(
    name: str,
    value: str | None,
    *,
    domain: str = "",
    by_domain: bool = False,
    path: str = "/",
    path_given: bool = False,
    secure: bool = False,
    expires: int | None = None,
    rest: dict[str, Any] | None = None,
) -> Cookie:
    """A cookie object as http.cookiejar has it; ``by_domain`` says that it goes to the hosts below ``domain`` too."""
    return Cookie(
        0, name, value, None, False, domain, by_domain, False, path, path_given, secure, expires, expires is None,
        None, None, rest or {},
    )  # fmt: skip


def domain_matches(host: str, domain: str) -> bool:
    """RFC 6265, 5.1.3: ``host`` is ``domain`` or a name below it; both in lower case."""
    return host == domain or (host.endswith("." + domain) and not is_ip(host))


def path_matches(path: str, cookie_path: str) -> bool:
    """RFC 6265, 5.1.4: ``path`` is ``cookie_path`` or lies below it."""
    return path == cookie_path or (
        path.startswith(cookie_path) and (cookie_path.endswith("/") or path[len(cookie_path)] == "/")
    )


def default_path(target: str) -> str:
    """RFC 6265, 5.1.4: the folder of a request's target."""
    path = target.partition("?")[0]
    return path[: path.rfind("/")] or "/" if path.startswith("/") else "/"


def is_ip(host: str) -> bool:
    """Whether a host is an address and not a name."""
    return ":" in host or _IPV4.fullmatch(host) is not None


def parse_date(text: str) -> int | None:
    """RFC 6265, 5.1.1: the moment that a cookie's date means, in whole seconds since 1970; None when it means none."""
    time = day = month = year = None
    for token in _DATE_TOKEN.findall(text):
        if time is None and (found := _TIME.match(token)):
            time = int(found[1]), int(found[2]), int(found[3])
        elif day is None and (found := _DAY.match(token)):
            day = int(found[1])
        elif month is None and (number := _MONTHS.get(token[:3].lower())):
            month = number
        elif year is None and (found := _YEAR.match(token)):
            year = int(found[1])
    if time is None or day is None or month is None or year is None:
        return None
    hour, minute, second = time
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    if year < 1601:
        return None
    try:
        return timegm(datetime(year, month, day, hour, minute, second).timetuple())
    except ValueError:
        return None


def _attributes(text: str) -> dict[str, str]:
    """{lower-case name: value}, the last one of a name; names that nobody knows are among them."""
    attributes: dict[str, str] = {}
    for piece in text.split(";"):
        name, _, value = piece.partition("=")
        name, value = name.strip(" \t").lower(), value.strip(" \t")
        if len(value) > MOST_ATTRIBUTE_BYTES:
            continue
        # What cannot be understood is as if it were not there, so an earlier one holds.
        if name == "max-age" and not _WHOLE_NUMBER.fullmatch(value):
            continue
        if name == "expires" and parse_date(value) is None:
            continue
        if name == "domain" and not value:
            continue
        attributes[name] = value
    return attributes


def _expires(attributes: dict[str, str], now_epoch_s: float) -> int | None:
    age = attributes.get("max-age")
    if age is not None:
        # A number of more digits than that is beyond any run, and slow to read.
        seconds = int(age) if len(age) < 18 else (-1 if age.startswith("-") else END_OF_TIME_EPOCH_S)
        return min(int(now_epoch_s) + seconds, END_OF_TIME_EPOCH_S) if seconds > 0 else 0
    date = attributes.get("expires")
    return None if date is None else parse_date(date)


def _prefix_holds(name: str, named: bool, secure: bool, by_domain: bool, path: str) -> bool:
    """6265bis, 4.1.3: what a name promises must be so; without a name nothing is to look like one that promises."""
    start = name[:9].lower()
    if start.startswith("__host-"):
        return named and secure and not by_domain and path == "/"
    if start == "__secure-":
        return named and secure
    return True
