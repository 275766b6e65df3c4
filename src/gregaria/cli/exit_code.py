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
    if summary.generator_errors:
        # Whoever forgives failures of the target has not been told that its figures mean anything.
        return code_on_error or int(ExitCode.FAILURES)
    if summary.total.num_failures or summary.failures or summary.exceptions:
        return code_on_error
    return int(ExitCode.USAGE) if unhandled else int(ExitCode.OK)
