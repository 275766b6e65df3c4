"""How a ``catch_response`` with-block ends: what its request counts as, and which exception goes on."""

from collections.abc import Callable
from contextlib import suppress

from greenlet import GreenletExit

from gregaria.errors import ResponseError
from gregaria.events import FLOW

#: what a block said of its response: True for a success, the failure, or None when it left that to the status
Verdict = bool | BaseException | None


def leave(
    verdict: Verdict,
    error: BaseException | None,
    by_status: Callable[[], BaseException | None],
    report: Callable[[BaseException | None], None],
) -> bool:
    """Report a request as its with-block ends: as the block said, else by the exception that ended it, else by status.

    A ResponseError is the request's failure and goes no further. Every other exception goes on: one that steers
    the user (StopUser, InterruptTaskSet, the end of the test) says nothing about the response.

    Args:
        verdict: the block's own.
        error: what leaves the block, or None.
        by_status: the failure that the status is, None for a success.
        report: takes the failure, None for a success.

    Returns:
        whether ``error`` has been dealt with and must not go on.

    Raises:
        GreenletExit: it was reported, and the test has ended.
    """
    swallow = False
    if verdict is not None:
        failure = verdict if isinstance(verdict, BaseException) else None
    elif isinstance(error, Exception) and not isinstance(error, FLOW):
        failure = error
        swallow = isinstance(error, ResponseError)
    else:
        failure = by_status()
    if error is None or swallow:
        report(failure)
    else:
        # What ended the block matters more than that the test has ended.
        with suppress(GreenletExit):
            report(failure)
    return swallow
