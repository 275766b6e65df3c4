"""Digest auth as a server checks it (RFC 7616), for one user."""

import hashlib
import re

USER, PASSWORD, REALM, NONCE = "ada", "lovelace", "here", "0123456789abcdef"


def challenge_unless_right(method: str, authorization: str | None) -> str | None:
    """None when the Authorization header is right, else what WWW-Authenticate is to say."""
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', (authorization or "").partition("Digest ")[2]))
    secret = _md5(f"{USER}:{REALM}:{PASSWORD}")
    asked = _md5(f"{method}:{fields.get('uri', '')}")
    middle = ":".join(fields.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
    if fields.get("response") == _md5(f"{secret}:{middle}:{asked}") and fields.get("nonce") == NONCE:
        return None
    return f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=MD5'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
