from typing import TYPE_CHECKING

from gregaria.compat._explain import LATER, explain
from gregaria.compat._writable import make_writable

PERCENTILES_FOR_HTML_REPORT: list[float]

__all__ = ["PERCENTILES_FOR_HTML_REPORT"]

if not TYPE_CHECKING:
    _later = f"{LATER}, which writes no HTML report yet; use --json-file or --csv."
    __getattr__ = explain(
        __name__,
        dict.fromkeys(("get_html_report", "process_html_filename", "render_template_from"), _later),
    )

make_writable(__name__, {"PERCENTILES_FOR_HTML_REPORT": "percentiles_for_html_report"})
