"""The report of a run as the web interface gives it: to look at, or as a file to keep."""

from collections.abc import Mapping
from typing import Any

from flask import Response, abort, request

from gregaria.errors import CommandError
from gregaria.report.html import report_html
from gregaria.web.guard import allow_inline
from gregaria.web.locust_api import download

__all__ = ["report_response"]


def report_response(document: Mapping[str, Any], name: str) -> Response:
    """The report, in the theme that the request asks for with ``theme=dark`` or ``theme=light``.

    Args:
        document: the run's.
        name: what the file is called where the request wants one, with ``download=1``.
    """
    try:
        html = report_html(document, request.args.get("theme"))
    except CommandError as error:
        abort(503, str(error))
    if request.args.get("download"):
        return download(html.encode("utf-8", "backslashreplace"), "text/html", name)
    response = Response(html, mimetype="text/html", headers={"Cache-Control": "no-store"})
    return allow_inline(response, html)
