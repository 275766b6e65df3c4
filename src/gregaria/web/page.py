"""The page as it was built: its files, the templates that locustfiles render, and what they are given."""

import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from jinja2 import BaseLoader, ChoiceLoader, Environment, TemplateNotFound
from werkzeug.security import safe_join

__all__ = ["NOT_BUILT", "STATIC", "Page"]

#: where ``make web`` puts the page
STATIC = Path(__file__).parent / "static"

NOT_BUILT = (
    "The page has not been built: that needs Node.js 18 or later, and `make web` in a checkout of Gregaria; a wheel "
    "has it already. Everything else, such as /stats/requests and /swarm, works without it.\n"
)

#: names by which Locust's users render the pages
_FILES = {"index.html": "index.html", "login.html": "login.html", "auth.html": "login.html"}
#: what a page is given, as data: no script stands in it
_DATA = (
    '<script type="application/json" id="{name}">{{% endraw %}}'
    "{{{{ ({name}|default({{}})) | tojson }}}}{{% raw %}}</script>"
)
_COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg")


class _BuiltPages(BaseLoader):
    """Makes templates of the built pages: ``template_args`` and ``auth_args`` go in as JSON."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Any]:
        del environment
        path = _found(self._folders, _FILES.get(template, ""))
        if path is None:
            raise TemplateNotFound(template)
        html = path.read_text(encoding="utf-8")
        data = "".join(_DATA.format(name=name) for name in ("template_args", "auth_args"))
        # Below a route of a locustfile's the page's own addresses are relative to the base path, too.
        base = '{% endraw %}{% if page_base %}<base href="{{ page_base }}">{% endif %}{% raw %}'
        html = html.replace("<head>", f"<head>{base}{data}", 1)
        return f"{{% raw %}}{html}{{% endraw %}}", str(path), lambda: False


class Page:
    """Serves the built page.

    Args:
        build_path: another build, whose files come first; empty for none.
    """

    def __init__(self, build_path: str) -> None:
        self._folders = [Path(build_path), STATIC] if build_path else [STATIC]

    @property
    def is_built(self) -> bool:
        """Whether there is a page to serve."""
        return _found(self._folders, "index.html") is not None

    def prepare(self, app: Flask, base_path: str) -> None:
        """Let locustfiles render ``index.html`` and ``login.html`` (or ``auth.html``, as Locust calls it)."""
        usual = app.jinja_loader
        ours = _BuiltPages(self._folders)
        # Flask's own attribute: blueprints' folders are still looked into after it.
        app.jinja_loader = ours if usual is None else ChoiceLoader([ours, usual])

        @app.context_processor
        def told() -> dict[str, Any]:
            return {"page_base": "" if request.path == f"{base_path}/" else f"{base_path}/"}

    def html(self, name: str, **arguments: Any) -> Response:
        """A page, or how to build it."""
        if not self.is_built:
            return Response(NOT_BUILT, 503, mimetype="text/plain")
        response = make_response(render_template(name, **arguments))
        response.headers["Cache-Control"] = "no-store"
        return response

    def asset(self, path: str) -> ResponseReturnValue:
        """A file of the page; those in ``assets/`` have a digest in their names and never change."""
        found = _found([folder / "assets" for folder in self._folders], path)
        if found is None:
            abort(404)
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        content, packed = _contents(found, found.stat().st_mtime_ns)
        takes_gzip = kind.startswith(_COMPRESSIBLE) and "gzip" in request.headers.get("Accept-Encoding", "")
        response = Response(packed if takes_gzip else content, mimetype=kind)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["Vary"] = "Accept-Encoding"
        if takes_gzip:
            response.headers["Content-Encoding"] = "gzip"
        return response


def _found(folders: list[Path], name: str) -> Path | None:
    for folder in folders:
        joined = safe_join(str(folder), name) if name else None
        if joined is not None and Path(joined).is_file():
            return Path(joined)
    return None


@lru_cache(maxsize=64)
def _contents(path: Path, changed_ns: int) -> tuple[bytes, bytes]:
    """The file as it is, and compressed; a file that has changed is read anew."""
    del changed_ns
    content = path.read_bytes()
    return content, gzip.compress(content, 9)
