"""What the web interface lets in and what it sends along: origins, hosts, sizes, and the browser's own safeguards."""

import base64
import hashlib
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, Response, abort, make_response, request

from gregaria.engine.names import is_loopback

__all__ = ["LARGEST_BODY_BYTES", "Guard", "allow_inline", "allow_login"]

#: bytes of a request's body
LARGEST_BODY_BYTES = 1024 * 1024

_READS = ("GET", "HEAD", "OPTIONS")
#: what changes something though it is asked for with GET, as in older Locusts
_CHANGES_BY_GET = ("/stop", "/stats/reset")

#: how every browser calls itself
_BROWSER = "Mozilla/"

_POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self'{styles}; img-src 'self' data:{images}; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'none'{more}"
)
_STRICT = _POLICY.format(scripts="", styles="", images="", more="; form-action 'self'")
#: for pages that a locustfile has added, whose scripts are nobody else's concern
_POLICY_OF_OTHERS = "frame-ancestors 'none'"
_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>(.*?)</script>", re.DOTALL)


class Guard:
    """Refuses what a page of another site has a browser ask for.

    A script sends neither ``Origin`` nor ``Sec-Fetch-Site``, so it is not concerned.

    Args:
        host: where the server listens: on the loopback, only names of the loopback are answered, lest a site has its
            own name lead here.
        names: further names under which the server is known.
        origins: of other sites that may do everything, such as ``https://example.com``; ``*`` is every one.
        base_path: what comes before the paths of the web interface.
        own: names of the blueprints that are the web interface's own.
    """

    def __init__(
        self, host: str, names: Collection[str], origins: Collection[str], base_path: str, own: Collection[str]
    ) -> None:
        self._is_local = is_loopback(host)
        self._names = {name.lower() for name in names}
        self._origins = {origin.rstrip("/").lower() for origin in origins}
        self._base_path = base_path
        self._own = own

    def watch(self, app: Flask) -> None:
        """Stand before every route of the app, those of locustfiles too."""
        app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES
        app.before_request(self._check)
        app.after_request(self._seal)

    def _check(self) -> Response | None:
        if self._is_local and not self._is_known_host(request.host):
            abort(403, f"The name {request.host} is not one of this machine: give it with --web-host-display-name.")
        if request.method == "OPTIONS" and self._is_let_in(request.headers.get("Origin")):
            return make_response("", 204)
        is_change = request.method not in _READS or request.path.removeprefix(self._base_path) in _CHANGES_BY_GET
        if is_change and not self._is_ours():
            abort(403, "This was asked for by a page of another site, and refused: --web-cors-origin lets a site in.")
        return None

    def _is_known_host(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return is_loopback(name) or name in self._names

    def _is_let_in(self, origin: str | None) -> bool:
        return origin is not None and ("*" in self._origins or origin.lower() in self._origins)

    def _is_ours(self) -> bool:
        """Whether no other site's page has asked."""
        origin = request.headers.get("Origin")
        if self._is_let_in(origin):
            return True
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        if request.method in _READS and origin is None:
            # Over plain HTTP a browser does not say who asks for what looks like a picture; a script is no browser.
            return not request.headers.get("User-Agent", "").startswith(_BROWSER)
        # A proxy may have changed the host; a page cannot send the header that tells the first one.
        hosts = {request.host, request.headers.get("X-Forwarded-Host")}
        return origin is None or urlsplit(origin).netloc in hosts

    def _seal(self, response: Response) -> Response:
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "DENY")
        is_own = request.endpoint is None or request.blueprint in self._own
        policy = _STRICT if is_own else _POLICY_OF_OTHERS
        headers.setdefault("Content-Security-Policy", policy)
        origin = request.headers.get("Origin")
        if self._is_let_in(origin):
            headers["Access-Control-Allow-Origin"] = origin or ""
            headers["Access-Control-Allow-Headers"] = "Content-Type, Last-Event-ID"
            headers["Access-Control-Allow-Methods"] = "GET, POST"
            headers.add("Vary", "Origin")
        return response


def allow_inline(response: Response, html: str) -> Response:
    """Let the scripts that stand in this very page run, and its styles apply."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _SCRIPT.findall(html))
    scripts = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    policy = _POLICY.format(scripts=scripts, styles=" 'unsafe-inline'", images="", more="")
    response.headers["Content-Security-Policy"] = policy
    return response


def allow_login(response: Response) -> Response:
    """Let a login page show pictures of other sites, and its form lead to somebody else who knows the person."""
    response.headers["Content-Security-Policy"] = _POLICY.format(scripts="", styles="", images=" https:", more="")
    return response
