"""``gregaria kubernetes run|status|logs|stop``: one test on a cluster, from a laptop or a pipeline."""

import argparse
import os
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gregaria.cli import kubernetes_values, values
from gregaria.cli.config import long_name
from gregaria.cli.elsewhere import said_elsewhere
from gregaria.cli.locustfiles import Locustfiles
from gregaria.cli.options import new_parser
from gregaria.cli.parser import Parser
from gregaria.cli.rules_options import known_rule
from gregaria.cli.signals import Signals
from gregaria.cluster.archive import Archive, listing, pack
from gregaria.errors import CommandError, ExitCode
from gregaria.kubernetes.client import connect
from gregaria.kubernetes.manifests import Plan
from gregaria.kubernetes.others import print_log, print_status, stop
from gregaria.kubernetes.reports import Reports
from gregaria.kubernetes.run import KubernetesRun, Patience
from gregaria.kubernetes.screen import Screen
from gregaria.report.annotations import ACTIONS, is_job
from gregaria.report.baseline import baseline_files
from gregaria.rules.judge import read_rule
from gregaria.version import VERSION

__all__ = ["main"]

_ABOUT = """\
Run one test on a Kubernetes cluster: a pod with the master, pods with the workers, their progress and the live table
here, the reports brought back, everything removed in the end, and the run's exit code.

The locustfile and what lies beside it go along. All other options are the master's, as for gregaria itself."""

_EXAMPLES = """\
examples:
  gregaria kubernetes run -f shop.py --image registry.example.com/load/gregaria:{version} --workers 20 \\
      -u 10000 -r 200 -t 10m -H https://staging.example.com --html report.html
  gregaria kubernetes status                 the runs that are there
  gregaria kubernetes logs -f shop           what the master of one says
  gregaria kubernetes stop shop              end it and remove it

exit codes: that of the run; 13 if the cluster refuses it, or it is lost; 11 if its reports cannot be brought."""

_COMMANDS = ("run", "status", "logs", "stop")
#: options that name files which the run writes
_REPORTS = ("html", "json-file", "csv", "failures-dir", "junit", "markdown")
#: options of gregaria that are dealt with here
_TAKEN = ("locustfile", *_REPORTS, "csv-full-history", "fail-if", "baseline", "loglevel", "headless")
#: what the run decides itself: by the option's name
_OWN = {
    "master": "the run has a master",
    "worker": "the run has workers: --workers N",
    "processes": "give the run more workers: --workers N",
    "expect-workers": "the run expects its --workers",
    "master-host": "the run's master is found by its name",
    "master-port": "the run's master is found by its name",
    "master-bind-host": "the run's master listens in its pod",
    "master-bind-port": "the run's master listens in its pod",
    "cluster-secret": "each run has a secret of its own",
    "cluster-secret-file": "each run has a secret of its own",
    "journal": "a run without a volume has no place for it; the chart can have one",
    "runs-dir": "a run without a volume has no place for it; the chart can have one",
    "logfile": "the log comes here",
    "json": "the figures would be in the midst of the log: write them to a file with --json-file",
    "stream": "it would be written in the master's pod",
    "autostart": "a run begins by itself",
    "autoquit": "a run ends by itself",
    "web-port": "the page of a run is reached with kubectl port-forward",
    "web-host": "the page of a run is reached with kubectl port-forward",
    "web-base-path": "the page of a run is reached with kubectl port-forward",
    "web-login": "the page of a run is reached with kubectl port-forward",
    "tls-cert": "the page of a run is reached with kubectl port-forward",
    "tls-key": "the page of a run is reached with kubectl port-forward",
    "headful": "a run has a page, and begins by itself",
    "list": "it starts nothing: run gregaria with it",
    "show-task-ratio": "it starts nothing: run gregaria with it",
    "show-task-ratio-json": "it starts nothing: run gregaria with it",
    "skip-log-setup": "the end of a test is seen in the log",
}
#: of a ConfigMap, less what goes round it
_LARGEST_ARCHIVE_BYTES = 1_000_000
#: hidden, so that workers do not get it
_BASELINE_FOLDER = ".baseline"
#: how long it may take until the end of the test is noticed and its reports are brought
_STAY_S = 120
#: after its end a run that nobody has removed is removed by the cluster
_KEEP_S = 600
_LONGEST_S = 24 * 3600
#: what not every system has in the names of files
_ODD = r"[^\w.-]"


def main(arguments: Sequence[str]) -> int:
    """Do what the subcommand asks for; returns the exit code.

    Raises:
        CommandError: an option is wrong, or the cluster refuses something, or a run was lost.
        SystemExit: ``--help`` was answered.
    """
    if not arguments or arguments[0] not in _COMMANDS:
        parser = _parser("", "gregaria kubernetes run|status|logs|stop [OPTIONS]")
        parser.parse_args([argument for argument in arguments if argument in ("-h", "--help")])
        raise CommandError(f"gregaria kubernetes: write one of {', '.join(_COMMANDS)} next, or --help", ExitCode.USAGE)
    command, *rest = arguments
    if command == "run":
        return _run(rest)
    parser = _parser(
        f" {command}", f"gregaria kubernetes {command} [OPTIONS] {'[NAME]' if command == 'status' else 'NAME'}"
    )
    parser.add_argument("name", metavar="NAME", nargs="?" if command == "status" else None, help="of the run")
    _add_place(parser)
    if command == "logs":
        parser.add_argument("-f", "--follow", action="store_true", help="go on until the run's end")
    options = parser.parse_args(rest)
    api = connect(options.context, options.namespace)
    if command == "status":
        print_status(api, options.name, sys.stdout)
    elif command == "logs":
        print_log(api, options.name, follow=options.follow, out=sys.stdout)
    else:
        stop(api, options.name)
        print(f"The run {options.name} is being removed from the namespace {api.namespace}")
    return ExitCode.OK


def _run(arguments: Sequence[str]) -> int:
    parser = _run_parser()
    options, rest = parser.parse_known_args(list(arguments))
    typed = {name: value for name in _TAKEN if (value := getattr(options, name.replace("-", "_"))) is not None}
    elsewhere = said_elsewhere(
        new_parser(), options.config, os.environ, taken=_TAKEN, typed={*typed, *_names(rest)}, not_for_it=_OWN
    )
    given = {**elsewhere.taken, **typed}
    judging, baseline = _judging(given)
    reports = Reports({name: given[name] for name in _REPORTS if given.get(name)})
    with Locustfiles(given.get("locustfile", "locustfile.py"), is_default="locustfile" not in given) as files:
        paths = files.paths()
        archive = pack(paths, hidden=baseline)
    settings = elsewhere.file()
    _check_size(archive, len(settings))
    screen = Screen(sys.stderr)
    for line in (*elsewhere.left_out, *listing(archive)):
        screen.say(line)
    for_all = [*([f"--loglevel={level}"] if (level := given.get("loglevel")) else []), *elsewhere.arguments, *rest]
    full_history = ["--csv-full-history"] if given.get("csv-full-history") else []
    plan = Plan(
        options.name or _name_of(paths[0]),
        options.image,
        options.workers,
        archive.data,
        secrets.token_urlsafe(32),
        ("--print-stats", *reports.arguments(), *full_history, *judging, *for_all),
        tuple(for_all),
        # So that it annotates its log as the job's step would.
        (ACTIONS,) if is_job() else (),
        settings,
        options.cpu,
        options.memory,
        tuple(options.pull_secret),
        options.timeout,
        _KEEP_S,
        _STAY_S,
    )
    run = KubernetesRun(
        connect(options.context, options.namespace),
        plan,
        reports,
        screen,
        keeps=options.keep,
        patience=Patience(trouble_s=options.patience),
    )
    signals = Signals(run.interrupt, lambda: run.interrupt("a second signal"))
    signals.start()
    return run.run()


def _judging(given: Mapping[str, Any]) -> tuple[list[str], dict[str, bytes]]:
    """The options by which the master judges, and the files that it needs for that.

    Raises:
        CommandError: a rule cannot be judged, or the baseline cannot be read.
    """
    name = given.get("baseline")
    rules = given.get("fail-if") or ()
    for text in rules:
        read_rule(text, has_baseline=bool(name))
    options = [f"--fail-if={text}" for text in rules]
    if not name:
        return options, {}
    files = {f"{_BASELINE_FOLDER}/{re.sub(_ODD, '_', each)}": content for each, content in baseline_files(name).items()}
    return [*options, f"--baseline={next(iter(files))}"], files


def _parser(command: str, usage: str) -> Parser:
    parser = Parser(
        prog=f"gregaria kubernetes{command}",
        usage=usage,
        description=_ABOUT,
        epilog=_EXAMPLES.format(version=VERSION),
    )
    parser.add_argument("-h", "--help", action="help", help="show this")
    return parser


def _add_place(parser: Parser) -> None:
    parser.add_argument(
        "--namespace",
        metavar="NAME",
        type=kubernetes_values.object_name,
        help="in which it is (default: that of the context)",
    )
    parser.add_argument(
        "--context", metavar="NAME", help="the cluster, by its name in kubeconfig (default: the current)"
    )


def _run_parser() -> Parser:
    parser = _parser(
        " run", "gregaria kubernetes run -f FILE --workers N [OPTIONS] [OPTIONS OF GREGARIA] [UserClass ...]"
    )
    parser.add_argument("-f", "--locustfile", metavar="FILE", help="the locustfile (default: locustfile.py)")
    parser.add_argument("--workers", metavar="N", type=values.positive_count, default=2, help="pods with workers")
    parser.add_argument(
        "--image",
        metavar="IMAGE",
        type=kubernetes_values.image,
        default=f"gregaria:{VERSION}",
        help="that the cluster can pull, see docs/docker.md",
    )
    parser.add_argument(
        "--pull-secret",
        metavar="NAME",
        type=kubernetes_values.object_name,
        action="append",
        default=[],
        help="a Secret with which the image is pulled",
    )
    parser.add_argument(
        "--name", metavar="NAME", type=kubernetes_values.run_name, help="of the run (default: made of the locustfile's)"
    )
    _add_place(parser)
    parser.add_argument(
        "--cpu", metavar="CORES", type=kubernetes_values.quantity, default="1", help="that each worker asks for"
    )
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        type=kubernetes_values.memory,
        help="of each worker, such as 2Gi (default: 256Mi, at most 1Gi)",
    )
    parser.add_argument("--keep", action="store_true", help="leave the pods there in the end, to look at them")
    parser.add_argument(
        "--timeout",
        metavar="TIME",
        type=kubernetes_values.timeout_s,
        default=_LONGEST_S,
        help="end the run after this time, whatever it does (default: 24h)",
    )
    parser.add_argument(
        "--patience",
        metavar="TIME",
        type=values.duration_s,
        default=30,
        help="how long an image that cannot be pulled, or a quota, may keep pods from starting (default: 30s)",
    )
    parser.add_argument("--config", metavar="FILE", help="one more file to read options from")
    for name in _REPORTS:
        parser.add_argument(f"--{name}", metavar="PATH", help="as for gregaria; it is written here")
    parser.add_argument("--fail-if", metavar="RULE", type=known_rule, action="append", help="as for gregaria")
    parser.add_argument("--baseline", metavar="FILE", help="as for gregaria; it goes along")
    parser.add_argument(
        "-L",
        "--loglevel",
        metavar="LEVEL",
        type=kubernetes_values.seen_level,
        help="INFO or DEBUG, as the end of a test is seen in the log",
    )
    for name in ("headless", "csv-full-history"):
        parser.add_argument(f"--{name}", action="store_true", default=None, help=argparse.SUPPRESS)
    return parser


def _names(rest: Sequence[str]) -> set[str]:
    """The long names of options that are the master's.

    Raises:
        CommandError: the master would refuse one, or it is not its to decide.
    """
    checking, parser = new_parser(), new_parser()
    # Those that a locustfile may declare for itself are for it to judge.
    checking.forget_yielding()
    checking.explicit(rest)
    names = set()
    for word in (word for word in rest if word.startswith("-")):
        flag = word.partition("=")[0]
        # A value may stand right behind a letter.
        action = parser.option(flag) or parser.option(flag[:2])
        name = flag.lstrip("-") if action is None else long_name(action)
        if name in _OWN:
            raise CommandError(f"{flag} is not for gregaria kubernetes run: {_OWN[name]}", ExitCode.USAGE)
        names.add(name)
    return names


def _check_size(archive: Archive, more_bytes: int) -> None:
    num_bytes = len(archive.data) + more_bytes
    if num_bytes <= _LARGEST_ARCHIVE_BYTES:
        return
    largest = sorted(archive.names, key=lambda each: -each[1])[:3]
    told = ", ".join(f"{name} ({size:,} bytes)" for name, size in largest)
    raise CommandError(
        f"locustfile and what lies beside it are {num_bytes:,} bytes when compressed, and a ConfigMap holds "
        f"{_LARGEST_ARCHIVE_BYTES:,}. The largest: {told}. Name what the test does not need in .gregariaignore beside "
        "the locustfile, put data into an image of your own (--image), or take the chart, which can have a volume",
        ExitCode.USAGE,
    )


def _name_of(locustfile: Path) -> str:
    word = re.sub(r"[^a-z0-9]+", "-", locustfile.stem.lower()).strip("-")[:20].strip("-")
    known = word if word[:1].isalpha() else "test"
    return f"{known}-{secrets.token_hex(3)}"
