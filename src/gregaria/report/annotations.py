"""What GitHub shows at a job: the summary page, and an annotation for each check that failed."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from gregaria.report.cases import Case

__all__ = ["ACTIONS", "add_to_step_summary", "annotations", "is_job", "step_summary"]

logger = logging.getLogger("gregaria.report.annotations")

#: the variable that a job of GitHub's is known by, and its value
ACTIONS = ("GITHUB_ACTIONS", "true")
#: GitHub shows ten of a step
_MOST = 10
#: of a longer summary of a step GitHub shows nothing at all
_MOST_SUMMARY_BYTES = 1024 * 1024


def annotations(cases: Sequence[Case], environ: Mapping[str, str] = os.environ) -> list[str]:
    """A line for each check that failed, as a job's output is read for them; none elsewhere than in a job."""
    if not is_job(environ):
        return []
    failed = [case for case in cases if case.has_failed]
    shown = failed if len(failed) <= _MOST else failed[: _MOST - 1]
    lines = [f"::error title={_property(case.name)}::{_data(case.sentence)}" for case in shown]
    if more := len(failed) - len(shown):
        lines.append(f"::error title=Load test::{more} more checks failed")
    return lines


def add_to_step_summary(text: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Append Markdown to the page of the job's step, where there is one; returns whether it was.

    That it cannot be is a warning and no error: nobody has asked for it.
    """
    if (path := step_summary(environ)) is None:
        return False
    added = f"{text}\n".encode(errors="backslashreplace")
    try:
        with path.open("ab") as file:
            if file.tell() + len(added) <= _MOST_SUMMARY_BYTES:
                file.write(added)
                return True
            trouble = "it would be longer than 1 MiB, and GitHub would show none of it"
    except OSError as error:
        trouble = error.strerror or str(error)
    logger.warning("The verdict is not added to the job's summary, $GITHUB_STEP_SUMMARY (%s): %s", path, trouble)
    return False


def is_job(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a job of GitHub's."""
    name, value = ACTIONS
    return environ.get(name) == value


def step_summary(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file with the page of the job's step; None where there is none."""
    name = environ.get("GITHUB_STEP_SUMMARY")
    return Path(name) if name else None


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
