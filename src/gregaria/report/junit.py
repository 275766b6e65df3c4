"""The verdict as JUnit's XML, which build servers show: a test case for each rule."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from datetime import UTC, datetime

from gregaria.report.cases import Case
from gregaria.report.machine import machine_document
from gregaria.stats.summary import Summary
from gregaria.stats.verdict import NOT_JUDGED

__all__ = ["junit_text"]

#: what XML 1.0 cannot hold in any form
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(summary: Summary, cases: Sequence[Case]) -> str:
    """The file, valid by the schema of Jenkins' JUnit plug-in."""
    time_s = f"{summary.duration_s:.3f}"
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.has_failed for case in cases)),
        "errors": "0",
        "time": time_s,
    }
    root = ElementTree.Element("testsuites", {"name": "gregaria", **counts})
    about = {
        "name": _text(f"load test of {summary.host}" if summary.host else "load test"),
        "skipped": str(sum(case.state == NOT_JUDGED for case in cases)),
        "timestamp": datetime.fromtimestamp(summary.started_epoch_s or 0, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "hostname": _text(str(machine_document()["host"] or "")),
    }
    suite = ElementTree.SubElement(root, "testsuite", {**about, **counts})
    for case in cases:
        # No rule takes longer than another: the test's time is the suite's.
        element = ElementTree.SubElement(suite, "testcase", classname="gregaria", name=_text(case.name), time="0")
        if case.state == NOT_JUDGED:
            ElementTree.SubElement(element, "skipped", message=_text(case.sentence))
        elif case.has_failed:
            failure = ElementTree.SubElement(element, "failure", message=_text(case.sentence), type=case.state)
            failure.text = _text("\n".join([case.sentence, *case.details]))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
