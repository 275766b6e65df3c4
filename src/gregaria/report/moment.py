"""The Summary of a runner at this moment, for whoever tells of it: reports, pages, kept runs."""

from collections.abc import Sequence
from typing import Any

from gregaria.runner.configuration import configuration_of
from gregaria.runner.state import STATE_STOPPED
from gregaria.stats.summary import Limits, Summary, summarize
from gregaria.users.ratio import task_ratios, typical_users

__all__ = ["host_of", "summary_of"]


def summary_of(runner: Any, locustfiles: Sequence[str] = (), document_bytes: int = 0) -> Summary:
    """Freeze what a runner has counted, with the load that was asked for.

    Args:
        runner: of any kind.
        locustfiles: paths, those that the environment names unless given.
        document_bytes: what a document of it may take, the timeline included; 0 for a Summary that goes into none.
    """
    environment = runner.environment
    classes = environment.user_classes
    return summarize(
        runner.stats,
        runner.exceptions,
        user_count=runner.user_count,
        # At the end all users are gone, and who they were is to be told.
        user_classes=dict(runner.user_classes_count if runner.test_ended_epoch_s is None else runner.most_users),
        state=runner.state,
        started=runner.test_started_epoch_s,
        ended=runner.test_ended_epoch_s,
        host=host_of(environment),
        locustfiles=locustfiles or environment.parsed_locustfiles or (),
        notes=runner.notes,
        options={
            **_asked_for(environment.parsed_options),
            "failures_dir": runner.failures_dir,
            **(runner.configuration or configuration_of(environment)),
        },
        # With all users gone, as they are at the end, there are no shares but those that the weights say.
        task_ratios=task_ratios(classes, typical_users(classes)) if document_bytes else None,
        document_bytes=document_bytes,
        verdict=environment.judge.verdict,
        after_warmup=environment.judge.after_warmup if runner.state == STATE_STOPPED else None,
        limits=_limits_of(runner),
    )


def host_of(environment: Any) -> str | None:
    """What the users of a test talk to: the host that was asked for, or those of the user classes."""
    if environment.host:
        return str(environment.host)
    hosts = {user_class.host for user_class in environment.user_classes if user_class.host}
    return ", ".join(sorted(hosts)) or None


def _limits_of(runner: Any) -> Limits:
    hosts, log = runner.environment.allowed_hosts, runner.cap_log
    return Limits(
        allowed_hosts=None if hosts is None else hosts.texts,
        max_rps=None if log is None else log.max_rps,
        max_rps_reached_s=0 if log is None else log.reached,
        max_rps_watched_s=0 if log is None else log.seconds,
    )


def _asked_for(options: Any) -> dict[str, object]:
    # Names that a locustfile's own option may have taken, or that options made elsewhere do not have, are None; and all
    # without a command.
    return {
        told: getattr(options, name, None)
        for told, name in (
            ("users", "num_users"),
            ("spawn_rate", "spawn_rate"),
            ("run_time_s", "run_time"),
            ("iterations", "iterations"),
            ("stop_timeout_s", "stop_timeout"),
        )
    }
