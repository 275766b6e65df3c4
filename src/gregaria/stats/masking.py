"""What must not be shown in a report: credentials, cookies, and the values of options declared ``is_secret``."""

import base64
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "Mask", "is_secret", "texts_of"]

MASK = "***"

#: a value shorter than this is part of too many innocent words
_SHORTEST_SECRET = 4
#: the same for what a header of the exchange held: cookies are often as short as "true" or "2024"
_SHORTEST_HEADER_SECRET = 8

#: and for letters of base64, of which there may be many
_SHORTEST_BASE64 = 6
_URL_SAFE = bytes.maketrans(b"+/", b"-_")

_AUTHORIZATION = frozenset(("authorization", "proxy-authorization"))
#: of an Authorization header the scheme may stay; what is none of these may be the secret itself
_SCHEME = re.compile(r"(?:Basic|Bearer|Digest|Negotiate|NTLM|Token|ApiKey|AWS4-HMAC-SHA256)(?= )", re.IGNORECASE)
_SECRET_NAME = re.compile(r"token|secret|passw|credential|api-?key|session-?id|subscription-key", re.IGNORECASE)
_USER_INFO = rb"(?<=://)(?P<user>[^/?#\s\"'<>@]+)(?=@)"
#: bytes of user and password that may follow the last one shown
_LONGEST_USER_INFO_BYTES = 512


class Mask:
    """Replaces secrets by ``***``.

    Args:
        secrets: texts that must not be shown, in whatever of the usual spellings; those of less than 4 characters are
            left out, as too many innocent words would go with them.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)
        spellings = {spelling for secret in self._secrets for spelling in _spellings(secret)}
        # Bytes beyond a limit that may have to be looked at to see a secret whole.
        self._longest_bytes = max(_LONGEST_USER_INFO_BYTES, *map(len, spellings), 0)
        # The longest first: a secret may contain another.
        patterns = [re.escape(spelling) for spelling in sorted(spellings, key=len, reverse=True)]
        self._pattern = re.compile(b"|".join([*patterns, _USER_INFO]), re.IGNORECASE)

    def and_these(self, secrets: Iterable[str]) -> "Mask":
        """A mask that hides these texts, too, those left out that are too short."""
        found = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        return self if found <= self._secrets else Mask(self._secrets | found)

    def and_of(self, lines: Iterable[str]) -> "Mask":
        """A mask that hides, too, what the secret ones among these header lines hold: a server may send it back."""
        found = (secret for line in lines for secret in _secrets_of(line))
        return self.and_these(secret for secret in found if len(secret) >= _SHORTEST_HEADER_SECRET)

    def text(self, text: str) -> str:
        """The text with all secrets masked."""
        if not self._secrets and "://" not in text:
            return text
        encoded = text.encode("utf-8", "surrogatepass")
        masked = self.start_of(encoded, len(encoded))
        try:
            return masked.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            # A secret in latin-1 may be the end of one letter and the beginning of the next.
            return masked.decode("utf-8", "replace")

    def start_of(self, content: bytes, limit_bytes: int) -> bytes:
        """The first bytes of something with all secrets masked, one that crosses the limit too."""
        limit = min(limit_bytes, len(content))
        pieces = []
        at = 0
        for found in self._pattern.finditer(content, 0, limit + self._longest_bytes):
            if found.start() >= limit:
                break
            pieces += [content[at : found.start()], MASK.encode()]
            at = found.end()
        pieces.append(content[at:limit])
        return b"".join(pieces)

    def header(self, line: str) -> str:
        """A header line with its value masked where it is a credential or cookie; secrets are masked anywhere."""
        name, colon, value = line.partition(":")
        if not colon:
            return self.text(line)
        kind = name.strip().lower()
        if kind in _AUTHORIZATION:
            scheme = _SCHEME.match(value.strip())
            return f"{name}: {scheme.group()} {MASK}" if scheme else f"{name}: {MASK}"
        if kind == "cookie":
            return f"{name}: {'; '.join(_without_value(cookie) for cookie in value.split(';'))}"
        if kind in ("set-cookie", "set-cookie2"):
            cookie, semicolon, attributes = value.partition(";")
            return f"{name}: {_without_value(cookie)}{semicolon}{self.text(attributes)}"
        if _SECRET_NAME.search(kind):
            return f"{name}: {MASK}"
        return self.text(line)


def is_secret(line: str) -> bool:
    """Whether a header line's value is masked as a whole; lines that continue it must be, too."""
    kind = line.partition(":")[0].strip().lower()
    return kind in _AUTHORIZATION or "cookie" in kind or _SECRET_NAME.search(kind) is not None


def texts_of(value: Any) -> list[str]:
    """What must not be shown of a secret option's value, which may be a list; a flag tells nothing."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(each) for each in values if each is not None and not isinstance(each, bool)]


def _without_value(cookie: str) -> str:
    name, equals, _ = cookie.strip().partition("=")
    return f"{name}={MASK}" if equals else MASK


def _secrets_of(line: str) -> list[str]:
    """What a header line holds that must not be shown."""
    name, _, value = line.partition(":")
    kind, value = name.strip().lower(), value.strip()
    if kind in _AUTHORIZATION:
        scheme = _SCHEME.match(value)
        return [value[scheme.end() :].strip() if scheme else value]
    if kind == "cookie":
        return [cookie.partition("=")[2].strip() for cookie in value.split(";")]
    if kind in ("set-cookie", "set-cookie2"):
        return [value.partition(";")[0].partition("=")[2].strip()]
    return [value] if _SECRET_NAME.search(kind) else []


def _spellings(secret: str) -> set[bytes]:
    """A text as it may stand in a URL, a header, a form or JSON."""
    encoded = secret.encode("utf-8", "surrogatepass")
    spellings = {
        encoded,
        quote(encoded).encode(),
        quote(encoded, safe="").encode(),
        quote_plus(encoded).encode(),
        json.dumps(secret)[1:-1].encode(),
        json.dumps(secret, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"),
    } | _base64_spellings(encoded)
    with suppress(UnicodeEncodeError):
        spellings.add(secret.encode("latin-1"))
    return spellings


def _base64_spellings(secret: bytes) -> set[bytes]:
    """What is seen of a text in the base64 of something that contains it, wherever in there it begins."""
    spellings = set()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret)
        # Without the first and the last letter when they tell of the neighbours, too.
        spelling = encoded[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        if len(spelling) >= _SHORTEST_BASE64:
            spellings |= {spelling, spelling.translate(_URL_SAFE)}
    return spellings
