"""The exit code, as a function of what happened."""

from gregaria.errors import CommandError, ExitCode
from gregaria.stats.summary import Summary


def exit_code_of(
    summary: Summary, *, wished: int | None, code_on_error: int, stop_error: CommandError | None, unhandled: int
) -> int:
    """How the command leaves.

    Args:
        summary: of the whole run.
        wished: ``environment.process_exit_code``, which wins.
        code_on_error: ``--exit-code-on-error``.
        stop_error: what made the run end before its time, such as a missing host.
        unhandled: exceptions that escaped listeners and greenlets.
    """
    if wished is not None:
        return int(wished)
    if stop_error is not None:
        return int(stop_error.exit_code)
    verdict = summary.verdict
    failed = [] if verdict is None else [rule.exit_code for rule in verdict.failed]
    if failed:
        # That the generator was the bottleneck comes first: nothing can be said of the target then.
        return max(failed)
    if summary.generator_errors:
        # Whoever forgives failures of the target has not been told that its figures mean anything.
        return code_on_error or int(ExitCode.FAILURES)
    has_failures = bool(summary.total.num_failures or summary.failures)
    if verdict is not None and verdict.limits_failures:
        has_failures = False
    if has_failures or summary.exceptions:
        return code_on_error
    return int(ExitCode.USAGE) if unhandled else int(ExitCode.OK)


def failures_beside_rules(summary: Summary, code: int) -> str | None:
    """What to say when all rules are kept and failed requests alone make the exit code; None otherwise."""
    verdict, failed = summary.verdict, summary.total.num_failures
    if not code or not failed or verdict is None or not verdict.rules or verdict.failed or verdict.limits_failures:
        return None
    return (
        f"All rules are kept, but {failed:,} requests failed, and no rule says how many may: without one such as "
        f'--fail-if "fail_ratio > 1%" any failure ends a run with {code}'
    )
