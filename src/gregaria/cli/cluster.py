"""Which part a process plays in a run: all of it, the master, or a worker; and what that takes."""

import logging
import os
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gregaria import cluster
from gregaria.cli.config import Resolved
from gregaria.cli.locustfiles import Locustfiles
from gregaria.engine.names import is_loopback
from gregaria.environment import Environment
from gregaria.errors import CommandError, ExitCode

__all__ = [
    "LOCAL",
    "MASTER",
    "PARENT_PID",
    "WORKER",
    "WORKER_OF",
    "Part",
    "files_of_master",
    "part_of",
    "runner_maker",
]

logger = logging.getLogger("gregaria.cli.cluster")

LOCAL, MASTER, WORKER = "local", "master", "worker"

#: tells a process started by --processes whose worker it is, as ``host:port``; whatever its options say
WORKER_OF = "GREGARIA_WORKER_OF"
#: and by whom it was started, as it is not to outlive that process
PARENT_PID = "GREGARIA_PARENT_PID"


@dataclass(frozen=True, slots=True)
class Part:
    """What this process does.

    Attributes:
        role: ``local``, ``master`` or ``worker``.
        processes: workers to start on this machine.
        expect_workers: how many a master waits for before it starts the test.
        parent_pid: of the process of this machine that has started it as a worker; 0 when none has.
        master_host, master_port: a worker's master.
        keys: of the cluster, when it has a secret.
        secret_file: the file that the secret was read from.
        remarks: sentences for the log.
    """

    role: str
    processes: int = 0
    expect_workers: int = 1
    parent_pid: int = 0
    master_host: str = ""
    master_port: int = 0
    keys: "cluster.Keys | None" = None
    secret_file: Path | None = None
    remarks: tuple[str, ...] = ()


def part_of(resolved: Resolved) -> Part:
    """What the options ask this process to do.

    Raises:
        CommandError: they contradict each other, the secret's file cannot be read, or the secret is too short.
    """
    part = _role_of(resolved)
    if part.role == LOCAL:
        return part
    # Now, as a worker that gets its files goes to another folder, from which the secret's file has another path.
    secret_file: str | None = resolved.options.cluster_secret_file
    return replace(
        part, keys=_keys_of(resolved.options), secret_file=Path(secret_file).resolve() if secret_file else None
    )


def _role_of(resolved: Resolved) -> Part:
    options = resolved.options
    if os.environ.get(WORKER_OF):
        host, _, port = os.environ[WORKER_OF].rpartition(":")
        return Part(WORKER, parent_pid=int(os.environ[PARENT_PID]), master_host=host, master_port=int(port))
    if options.master and options.worker:
        raise CommandError("--master and --worker exclude each other: a process is one of them", ExitCode.USAGE)
    processes = _processes(options)
    if options.worker:
        return Part(WORKER, processes, master_host=options.master_host, master_port=options.master_port)
    remarks = []
    expects = hasattr(resolved.typed, "expect_workers") or hasattr(resolved.elsewhere, "expect_workers")
    is_master = options.master or processes > 0
    if expects and not is_master:
        is_master = True
        remarks.append("--expect-workers makes this process the master; write --master, too, to say so")
    if not is_master:
        return Part(LOCAL)
    expected = options.expect_workers if expects else max(processes, 1)
    return Part(MASTER, processes, expected, remarks=tuple(remarks))


def _processes(options: Namespace) -> int:
    number = getattr(options, "processes", None)
    if number is None:
        return 0
    if number == -1:
        return os.cpu_count() or 1
    if number < 1:
        raise CommandError(
            f"--processes {number}: write how many worker processes to start, or -1 for one per core", ExitCode.USAGE
        )
    return int(number)


def _keys_of(options: Any) -> "cluster.Keys | None":
    secret: str | None = options.cluster_secret
    secret_file: str | None = options.cluster_secret_file
    if secret_file:
        if secret:
            raise CommandError("--cluster-secret and --cluster-secret-file exclude each other", ExitCode.USAGE)
        try:
            secret = Path(secret_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise CommandError(
                f"--cluster-secret-file {secret_file}: {error.strerror or error}", ExitCode.USAGE
            ) from None
    return cluster.Keys(secret) if secret else None


def runner_maker(part: Part, options: Any, locustfiles: Sequence[Path]) -> Callable[[Environment], Any]:
    """What makes the runner of this part."""
    if part.role == MASTER:
        return lambda environment: _new_master(environment, part, options, locustfiles)
    if part.role == WORKER:
        return lambda environment: environment.create_worker_runner(
            part.master_host,
            part.master_port,
            keys=part.keys,
            on_master_loss=options.on_master_loss,
            files=_files_to_compare(part, options, locustfiles),
        )
    return Environment.create_local_runner


def files_of_master(files: Locustfiles, part: Part) -> list[Path]:
    """``-f -``: what the master has sent.

    Raises:
        CommandError: this is no worker, or the master cannot be reached, or its files cannot be used.
    """
    if part.role != WORKER:
        raise CommandError("-f - takes the locustfile from a master: it is for --worker; name a file", ExitCode.USAGE)
    paths, urls = cluster.fetch_files(part.master_host, part.master_port, part.keys, files.new_folder())
    # Data files are looked for where the master has them: beside its locustfiles.
    if paths:
        os.chdir(paths[0].parent)
    return [*paths, *files.fetched(urls)]


def _files_to_compare(part: Part, options: Any, locustfiles: Sequence[Path]) -> dict[str, str] | None:
    if part.parent_pid or options.allow_other_files or options.locustfile == "-":
        return None
    try:
        return cluster.python_files(locustfiles)
    except CommandError as error:
        logger.warning("The files of this worker cannot be compared with the master's: %s", error)
        return None


def _new_master(
    environment: Environment, part: Part, options: Any, locustfiles: Sequence[Path]
) -> "cluster.MasterRunner":
    host, port = options.master_bind_host, options.master_bind_port
    if part.processes and not options.master:
        # Nobody else was asked for: workers of this machine only, and any port.
        host, port = "127.0.0.1", 0
    journal = cluster.Journal(options.journal) if options.journal else None
    files = cluster.TestFiles(locustfiles, part.secret_file)
    runner = environment.create_master_runner(
        host, port, keys=part.keys, journal=journal, command=_command(options), files=files, balance=options.balance
    )
    logger.info("Listening for workers on %s:%d", "all addresses" if host == "*" else host, runner.port)
    if options.master:
        files.tell()
    if part.keys is None and not is_loopback(host):
        logger.warning(
            "Whoever reaches port %d can join this test and read it, and whoever answers in its place can have workers "
            "with -f - run any code. One --cluster-secret for all of them encrypts it and keeps others out; or listen "
            "on an address of a private network with --master-bind-host",
            runner.port,
        )
    return runner


def _command(options: Any) -> str:
    """What must be the same for a test to be gone on with."""
    load = f"-u {options.num_users} -r {options.spawn_rate} -t {options.run_time}"
    return f"{options.locustfile} {load} {options.host or ''}"

