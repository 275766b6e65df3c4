import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gregaria.stats.masking import Mask


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer ***"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ('authorization: Digest username="u", nonce="n"', "authorization: Digest ***"),
        ("Authorization: my own way", "Authorization: ***"),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz", "Proxy-Authorization: Basic ***"),
        ("Cookie: session=1a2b; theme=dark", "Cookie: session=***; theme=***"),
        ("Cookie: lonely", "Cookie: ***"),
        ("Set-Cookie: session=1a2b; Path=/; HttpOnly", "Set-Cookie: session=***; Path=/; HttpOnly"),
        ("X-Api-Key: 17", "X-Api-Key: ***"),
        ("X-Auth-Token: t", "X-Auth-Token: ***"),
        ("X-CSRFToken: t", "X-CSRFToken: ***"),
        ("Location: https://ann:geheim@shop.example/x", "Location: https://***@shop.example/x"),
        ("Content-Type: text/plain", "Content-Type: text/plain"),
        ("Referer: http://shop.example/a@b", "Referer: http://shop.example/a@b"),
        ("not a header", "not a header"),
    ],
)
def test_headers_that_are_credentials_lose_their_values(line: str, masked: str) -> None:
    assert Mask().header(line) == masked


@pytest.mark.parametrize("secret", ["correct horse", "pässwörd/1?&", 'quo"ted\\', "ключ-секрет", "a+b=c&d e"])
def test_a_secret_is_masked_in_every_usual_spelling(secret: str) -> None:
    mask = Mask([secret])
    spellings = [
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ]
    for spelling in spellings:
        assert mask.text(f"before {spelling} after") == "before *** after"
        assert mask.header(f"X-Why: {spelling}") == "X-Why: ***"
        body = f"[{spelling}]".encode()
        assert mask.start_of(body, len(body)) == b"[***]"


def test_a_secret_in_latin_1_that_cuts_letters_in_two_is_masked_and_the_text_stays_one() -> None:
    assert Mask(["©Ã©Ã"]).text("ééé, said ©Ã©Ã") == "\ufffd***\ufffd, said ***"


@given(st.binary(max_size=7), st.binary(max_size=7), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_a_secret_is_masked_in_the_base64_of_what_contains_it(before: bytes, after: bytes, encode: Any) -> None:
    secret = b"corr?ct hor\xc3\xa9>>"
    encoded = encode(before + secret + after)
    masked = Mask([secret.decode()]).start_of(encoded, len(encoded))
    assert b"***" in masked
    # What is left of it has at most the letters at its ends, which belong to its neighbours, too.
    assert len(masked) - 3 <= len(encode(before)) + len(encode(after)) + 4


def test_short_values_are_no_secrets() -> None:
    assert Mask(["abc", "", "true"]).text("abc true abcd") == "abc *** abcd"


def test_a_secret_that_contains_another_is_masked_as_a_whole() -> None:
    assert Mask(["word", "password"]).text("password word") == "*** ***"


@given(st.integers(0, 40), st.integers(0, 3))
def test_no_part_of_a_secret_is_left_where_a_text_is_cut(limit: int, before: int) -> None:
    mask = Mask(["sesame-open"])
    body = b"sesame-open " * before + b"...... sesame-open"
    shown = mask.start_of(body, limit)
    assert b"sesam" not in shown
    assert shown.startswith(b"***"[:limit] if before else b"."[:limit])
    assert Mask().start_of(b"http://ann:geheim@host/", min(limit, 23)).count(b"ann") == 0


def test_what_the_headers_of_an_exchange_hold_is_masked_wherever_it_comes_back() -> None:
    mask = Mask().and_of(
        [
            "Authorization: Bearer aaaa.bbbb.cccc",
            "Cookie: session=0123456789abcdef; yes=true",
            "Set-Cookie: next=fedcba9876543210; Path=/",
            "X-Api-Key: key-of-the-house",
            "Accept: text/html",
        ]
    )
    told = "you are aaaa.bbbb.cccc and 0123456789abcdef, then fedcba9876543210, key-of-the-house, true text/html"
    assert mask.text(told) == "you are *** and ***, then ***, ***, true text/html"
    assert mask.and_of(["Accept: */*"]) is mask


@given(st.text(), st.lists(st.text()))
def test_any_text_can_be_masked(text: str, secrets: list[str]) -> None:
    masked = Mask(secrets).text(text)
    if not any(len(secret) >= 4 for secret in secrets) and "://" not in text:
        assert masked == text
