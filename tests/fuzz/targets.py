"""What is fuzzed. Each target takes bytes and raises when it finds something that must not be.

What a target may raise on its own account is documented where it is: anything else is a find.
"""

import re
from collections.abc import Callable

from gregaria.client.address import join, split
from gregaria.client.call import address_of
from gregaria.client.chain import onward
from gregaria.client.cookies import MOST_PER_DOMAIN, CookieJar
from gregaria.client.decode import decode
from gregaria.client.heads import head_of
from gregaria.client.streams import pieces
from gregaria.engine.parser import parse
from gregaria.errors import NoHost, ProtocolError, RuleError, TransferError
from gregaria.rules.figures import Figures
from gregaria.rules.grammar import Rule
from gregaria.rules.grammar import parse as parse_rule
from gregaria.rules.reading import View

MOST_HEAD_BYTES = 2048
MOST_BODY_BYTES = 65536

#: answers up to this size are cut at every place
EVERY_SPLIT_BYTES = 200

ENCODINGS = ("gzip", "deflate", "br", "zstd", "gzip, gzip", "deflate, gzip", "br, gzip")
PLACES = (
    "http://www.example.com/a/b?c",
    "https://example.com/",
    "http://127.0.0.1:81/",
    "http://[::1]/x",
    "http://localhost/",
)

_NOT_IN_A_LINE = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_NOT_IN_A_TARGET = re.compile("[\x00-\x20\x7f]")


def parser(data: bytes) -> None:
    """An answer means the same, wherever it is cut into pieces."""
    flags, answer = data[:1], data[1:]
    no_body, closed = bool(flags and flags[0] & 1), bool(flags and flags[0] & 2)
    whole = _parsed([answer], no_body, closed)
    cuts = range(1, len(answer)) if len(answer) <= EVERY_SPLIT_BYTES else range(1, len(answer), len(answer) // 50)
    for at in cuts:
        cut = _parsed([answer[:at], answer[at:]], no_body, closed)
        assert cut == whole, f"cut at {at}: {cut!r} instead of {whole!r}"
    single = _parsed([answer[at : at + 1] for at in range(len(answer))], no_body, closed)
    assert single == whole, f"byte by byte: {single!r} instead of {whole!r}"


def _parsed(parts: list[bytes], no_body: bool, closed: bool) -> object:
    try:
        found = parse(parts, no_body, MOST_HEAD_BYTES, MOST_BODY_BYTES, closed)
    except TransferError as error:
        # Of a head that is both malformed and too large, the first to be noticed is told.
        return "refused" if sum(map(len, parts)) > MOST_HEAD_BYTES else type(error).__name__
    if found is None:
        return None
    assert 100 <= found[0] <= 999
    assert len(found[2]) <= MOST_HEAD_BYTES
    assert len(found[3]) <= MOST_BODY_BYTES
    return found


def cookies(data: bytes) -> None:
    """A jar survives every line, stays small, and sends nothing that breaks out of its line."""
    jar = CookieJar()
    places = [split(url) for url in PLACES]
    for number, line in enumerate(data.decode("latin-1").split("\n")):
        jar.take([line], places[number % len(places)])
    assert len(jar) <= MOST_PER_DOMAIN * 10
    for place in places:
        header = jar.header(place)
        assert header is None or not _NOT_IN_A_LINE.search(header), repr(header)
        again = jar.for_place(place)
        assert [cookie.name for cookie in again] == [cookie.name for cookie in jar.for_place(place)]
    assert len(jar.copy()) == len(jar)
    for cookie in list(jar):
        jar.clear(cookie.domain, cookie.path, cookie.name)
    assert len(jar) == 0


def urls(data: bytes) -> None:
    """A URL is understood or refused, and nothing in it breaks out of the request line or the Host header."""
    text = data.decode("utf-8", "replace")
    first, _, second = text.partition("\n")
    for url in (text, first):
        for base in ("http://example.com", "http://example.com/base", first, None):
            _understood(base, url)
    try:
        place = onward("http://example.com/a/b?c", second)
    except ValueError:
        return
    _understood(None, place)
    _understood(None, onward("http+unix://%2Ftmp%2Fs/a/b", second)) if place else None


def _understood(base: str | None, url: str) -> None:
    try:
        whole = join(base, url)
    except NoHost:
        return
    for split_up in (split, address_of):
        try:
            address = split_up(whole)
        except ValueError:
            # requests' own errors for URLs are ValueErrors too.
            continue
        assert address.host
        assert not _NOT_IN_A_TARGET.search(address.target), repr(address.target)
        assert not _NOT_IN_A_TARGET.search(address.authority), repr(address.authority)
        assert address.target.startswith("/") or address.target == "*", repr(address.target)
        head = head_of("GET", address.target, address.authority, "")
        assert head.count(b"\r\n") == 3
        assert head.count(b"\n") == 3


class _Piecewise:
    """A BodyReader of bytes that come a few at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def fail(self, error: object) -> int:
        """Nothing has been counted."""
        return 0

    def read(self, size: int = -1) -> bytes:
        size = min(size, 7) if size >= 0 else len(self._data)
        piece, self._data = self._data[:size], self._data[size:]
        return piece


def decoding(data: bytes) -> None:
    """A body decodes to the same whole and in pieces, to no more than allowed, or is refused in both ways."""
    encoding, body = ENCODINGS[data[0] % len(ENCODINGS) if data else 0], data[1:]
    try:
        whole: bytes | None = decode(body, encoding, MOST_BODY_BYTES, whole=True)
        assert whole is not None
        assert len(whole) <= MOST_BODY_BYTES
    except ProtocolError as error:
        whole = None
        if "larger than" in str(error):
            return
    try:
        by_pieces: bytes | None = b"".join(pieces(_Piecewise(body), encoding, 1000))
    except ProtocolError:
        by_pieces = None
    assert by_pieces == whole, f"{encoding}: {by_pieces!r:.80} in pieces, {whole!r:.80} as a whole"


def rules(data: bytes) -> None:
    """A rule is read, and tells what it finds without harm, or is refused at a character that it has."""
    text = data.decode("utf-8", "replace")
    rule, refusal = _rule_of(text)
    if rule is None:
        assert refusal is not None
        assert 0 <= refusal.at <= min(len(text), 1000)
        assert str(refusal).endswith("^")
        return
    view = View(lambda name: Figures(None, 0.0, 0, 0), lambda metric: None)
    for comparison in (rule.comparison, *rule.conditions):
        comparison.holds(comparison.left(view), comparison.right(view))
    # What was read says the same once more.
    assert parse_rule(rule.text).text == rule.text


def _rule_of(text: str) -> tuple[Rule | None, RuleError | None]:
    try:
        return parse_rule(text), None
    except RuleError as error:
        return None, error


TARGETS: dict[str, Callable[[bytes], None]] = {
    "parser": parser,
    "cookies": cookies,
    "urls": urls,
    "decoding": decoding,
    "rules": rules,
}
