"""main(): from the command line to a run: options, locustfiles, environment; or one of the answers without a run."""

import contextlib
import importlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gregaria.cli import compare, report, rules
from gregaria.cli.cluster import WORKER, Part, files_of_master, part_of
from gregaria.cli.config import Resolved, home_folder, resolve
from gregaria.cli.loader import Loaded, load, new_shape
from gregaria.cli.locustfiles import Locustfiles
from gregaria.cli.options import new_parser
from gregaria.cli.otel import load_otel
from gregaria.cli.parser import Parser
from gregaria.cli.rules_options import set_up_judge
from gregaria.cli.run import Run
from gregaria.cli.select import chosen_classes, configure_users
from gregaria.cli.web_options import check_web_options
from gregaria.cli.worker_run import WorkerRun, run_workers
from gregaria.environment import Environment
from gregaria.errors import CommandError, ExitCode
from gregaria.events import EventHook, events
from gregaria.logs import mask_records, set_up_logging
from gregaria.report.html import check_html_name, check_html_path, html_path
from gregaria.report.json import check_document_path
from gregaria.settings import check_numbers, check_percentiles, settings
from gregaria.stats.masking import Mask
from gregaria.users.ratio import print_task_ratio_json, task_ratio_table, task_ratios, typical_users

logger = logging.getLogger("gregaria.cli.main")

_HELP = ("-h", "--help")


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for; returns the exit code.

    Raises:
        CommandError: it cannot be done; the message says what to do instead, and the error how to exit.
        SystemExit: a locustfile called ``sys.exit``, or ``--help`` or ``--version`` was answered.
    """
    if arguments and arguments[0] == "compare":
        return compare.main(arguments[1:])
    if arguments and arguments[0] == "report":
        return report.main(arguments[1:])
    if arguments and arguments[0] == "rules":
        return rules.main(arguments[1:])
    if arguments and arguments[0] == "kubernetes":
        # By name and now: all others start without what it needs.
        code: int = importlib.import_module("gregaria.cli.kubernetes").main(arguments[1:])
        return code
    parser, folder = new_parser(), Path.cwd()
    first = _resolve_first(parser, arguments)
    with Locustfiles(first.options.locustfile, is_default=_is_default_file(first)) as files:
        if any(flag in arguments for flag in _HELP):
            return _help(files)
        _check_first(first)
        part = part_of(first)
        _set_up_logging(first.options)
        for remark in part.remarks:
            logger.warning("%s", remark)
        if part.role == WORKER and part.processes:
            return run_workers(arguments, part, first.options)
        paths = files_of_master(files, part) if first.options.locustfile == "-" else files.paths()
        loaded = load(paths)
        check_percentiles(settings)
        check_numbers(settings)
        whole = _whole_parser()
        options = _resolve_again(whole, arguments, folder)
        return _answer(arguments, options, part, whole, loaded, paths)


def _answer(
    arguments: Sequence[str], options: Any, part: Part, parser: Parser, loaded: Loaded, paths: list[Path]
) -> int:
    user_classes = chosen_classes(loaded, options.user_classes, paths)
    if options.list_commands:
        print("Available Users:")
        print("\n".join(f"    {name}" for name in loaded.user_classes))
        return ExitCode.OK
    shows_ratio = options.show_task_ratio or options.show_task_ratio_json
    configure_users(list(loaded.user_classes.values()), options.config_users or [])
    environment = _new_environment(options, loaded, user_classes)
    environment.custom_options = parser.added()
    errors = environment.stats.errors
    errors.mask = Mask(parser.secrets(options))
    mask_records(lambda text: errors.mask.text(text))
    if shows_ratio:
        return _show_task_ratio(environment, options)
    if part.role == WORKER:
        return WorkerRun(environment, options, part, paths).run()
    set_up_judge(environment.judge, options)
    return Run(environment, options, [str(path) for path in paths], part, arguments).run()


def _resolve_first(parser: Parser, arguments: Sequence[str]) -> Resolved:
    """The options that no locustfile can change; those that locustfiles add are not known yet."""
    parser.forget_yielding()
    without_help = [argument for argument in arguments if argument not in _HELP]
    return resolve(parser, without_help, os.environ, Path.cwd(), home_folder(), strict=False)


def _resolve_again(whole: Parser, arguments: Sequence[str], folder: Path) -> Any:
    """Every option, those of the locustfiles included; ``folder`` is where the command was started."""
    options = resolve(whole, arguments, os.environ, folder, home_folder()).options
    # A plugin that has declared the name itself may keep something else there.
    iterations = getattr(options, "iterations", None)
    options.iterations = iterations if isinstance(iterations, int) and iterations > 0 else None
    if options.headful:
        options.headless = False
    return options


def _whole_parser() -> Parser:
    parser = new_parser()
    before = EventHook.errors
    events.init_command_line_parser.fire(parser=parser)
    if EventHook.errors > before:
        raise CommandError("a listener of init_command_line_parser raised, see above", ExitCode.LOCUSTFILE_BROKEN)
    return parser


def _is_default_file(first: Resolved) -> bool:
    return not hasattr(first.typed, "locustfile") and not hasattr(first.elsewhere, "locustfile")


def _help(files: Locustfiles) -> int:
    parser = new_parser()
    # Help for the command does not depend on a locustfile; it only shows what one adds.
    with contextlib.suppress(CommandError):
        load(files.paths())
        parser = _whole_parser()
    parser.print_help()
    return ExitCode.OK


def _check_first(first: Resolved) -> None:
    """Refuse what needs no locustfile to be refused, before any of its code runs."""
    options = first.options
    if options.otel:
        load_otel()
    if options.stats_history_enabled and not options.csv_prefix:
        raise CommandError("--csv-full-history needs --csv PREFIX", ExitCode.USAGE)
    check_web_options(options)
    if options.json_file:
        check_document_path(options.json_file)
    if options.html_file:
        check_html_name(options.html_file)
        check_html_path(html_path(options.html_file, options.num_users, options.spawn_rate, options.run_time))


def _set_up_logging(options: Any) -> None:
    if not options.skip_log_setup:
        set_up_logging(options.loglevel, options.logfile)


def _new_environment(options: Any, loaded: Loaded, user_classes: list[Any]) -> Environment:
    shape = new_shape(loaded.shape_classes.values())
    if len(loaded.shape_classes) > 1:
        names = list(loaded.shape_classes)
        logger.warning("There are several shapes, %s; the run follows %s", ", ".join(names), names[0])
    try:
        return Environment(
            user_classes=user_classes,
            shape_class=shape,
            tags=options.tags,
            exclude_tags=options.exclude_tags,
            locustfile=options.locustfile,
            events=events,
            host=options.host,
            reset_stats=options.reset_stats,
            stop_timeout=options.stop_timeout,
            parsed_options=options,
            parsed_locustfiles=options.locustfile.split(","),
            available_user_classes=dict(loaded.user_classes),
            available_shape_classes=dict(loaded.shape_classes),  # type: ignore[arg-type]
            available_user_tasks={name: list(kind.tasks) for name, kind in loaded.user_classes.items()},
            profile=options.profile,
            allow_hosts=_allowed_hosts(options),
            max_rps=_max_rps(options),
        )
    except ValueError as error:
        raise CommandError(str(error), ExitCode.LOCUSTFILE_BROKEN) from None


def _allowed_hosts(options: Any) -> list[str]:
    # Another's option may bear the name.
    entries = getattr(options, "allow_hosts", None)
    return entries if isinstance(entries, list) else []


def _max_rps(options: Any) -> float | None:
    max_rps = getattr(options, "max_rps", None)
    return max_rps if isinstance(max_rps, float) else None


def _show_task_ratio(environment: Environment, options: Any) -> int:
    environment.filter_tasks_by_tags()
    num_users = options.num_users or typical_users(environment.user_classes)
    if options.show_task_ratio_json:
        print_task_ratio_json(environment.user_classes, num_users)
        return ExitCode.OK
    ratios = task_ratios(environment.user_classes, num_users)
    line = "-" * 80
    print(f"\n Task ratio per User class\n{line}\n{task_ratio_table(ratios['per_class'])}")
    print(f"\n Total task ratio\n{line}\n{task_ratio_table(ratios['total'])}\n")
    return ExitCode.OK
