from typing import TYPE_CHECKING, Any

from gregaria.compat._explain import LATER, explain
from gregaria.compat._writable import make_writable
from gregaria.report.html import html_path, report_html
from gregaria.report.json import DOCUMENT_BYTES, document
from gregaria.report.moment import summary_of

PERCENTILES_FOR_HTML_REPORT: list[float]

__all__ = ["PERCENTILES_FOR_HTML_REPORT", "get_html_report", "process_html_filename"]


def get_html_report(environment: Any, show_download_link: bool = True, theme: str = "") -> str:
    """The report of the environment's test; without a theme, that is the reader's to choose."""
    del show_download_link
    return report_html(document(summary_of(environment.runner, document_bytes=DOCUMENT_BYTES)), theme)


def process_html_filename(options: Any) -> None:
    """Put users, spawn rate and run time into the name that ``--html`` gives."""
    options.html_file = str(html_path(options.html_file, options.num_users, options.spawn_rate, options.run_time))


if not TYPE_CHECKING:
    __getattr__ = explain(
        __name__,
        {"render_template_from": f"{LATER}; reports are made by gregaria.report.html.report_html(document)."},
    )

make_writable(__name__, {"PERCENTILES_FOR_HTML_REPORT": "percentiles_for_html_report"})
