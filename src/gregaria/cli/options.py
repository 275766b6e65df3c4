"""Every option of the command, declared once, in the groups that ``--help`` shows.

To add one: a line here, a ``### --name`` section in docs/options.md, and its use in cli/main.py.
"""

import argparse

from gregaria.cli import values
from gregaria.cli.cluster_options import add_cluster_options
from gregaria.cli.parser import Parser
from gregaria.cli.removed import add_removed_options
from gregaria.cli.rules_options import add_rules_options
from gregaria.cli.web_options import add_metrics_options, add_web_options
from gregaria.version import version_line

_EPILOG = """\
Examples:

  gregaria --headless -u 100 -r 10 -t 1m -H https://www.example.com
      locustfile.py here; 100 users, 10 more every second, for one minute

  gregaria -f shop.py --headless -u 20 -t 5m --csv out/a --json-file out/a Buyer
      one class of users; every second into out/a_*.csv, the end into out/a.json

  gregaria -f tests/load,smoke.py --headless -i 1000 --only-summary
      a directory and a file; exactly 1000 tasks, then the summary

Options may also stand in ~/.locust.conf, ~/.gregaria.conf, ./locust.conf,
./gregaria.conf, pyproject.toml ([tool.locust], [tool.gregaria]), in a file
given with --config, or in environment variables (LOCUST_USERS, GREGARIA_USERS
...). Later ones win, the command line always.
"""


def new_parser() -> Parser:
    """The parser with every option that Gregaria itself has; a locustfile may add its own."""
    parser = Parser(
        prog="gregaria",
        usage="gregaria [options] [UserClass ...]",
        description="Runs locustfiles: simulated users, written in Python, that load a system\nand tell how it did.",
        epilog=_EPILOG,
    )
    _add_test_options(parser)
    _add_load_options(parser)
    _add_statistics_options(parser)
    add_rules_options(parser)
    _add_logging_options(parser)
    add_web_options(parser)
    add_metrics_options(parser)
    add_cluster_options(parser)
    _add_other_options(parser)
    add_removed_options(parser)
    _add_user_classes(parser)
    parser.is_whole()
    return parser


def _add_test_options(parser: Parser) -> None:
    group = parser.add_argument_group("What to run")
    group.add_argument(
        "-f",
        "--locustfile",
        env_var="LOCUST_LOCUSTFILE",
        metavar="FILE",
        default="locustfile.py",
        help="the Python file with the users; or several with commas between them, a directory, or a http(s) URL",
    )
    group.add_argument("--config", metavar="FILE", help="one more file to read options from (.toml, else key = value)")
    group.add_argument(
        "-H",
        "--host",
        env_var="LOCUST_HOST",
        metavar="URL",
        type=values.base_url,
        help="what relative URLs are relative to, for example https://www.example.com",
    )
    group.add_argument(
        "--allow-host",
        env_var="LOCUST_ALLOW_HOST",
        dest="allow_hosts",
        metavar="HOST",
        action="append",
        type=values.allowed_host,
        words=True,
        yields=True,
        help="ask no other host: a name, *.example.com, an address, 10.0.0.0/8, each with :port or without; may be"
        " given several times (default: any)",
    )
    group.add_argument(
        "-T",
        "--tags",
        env_var="LOCUST_TAGS",
        metavar="TAG",
        nargs="*",
        words=True,
        help="run only tasks that have at least one of these tags",
    )
    group.add_argument(
        "-E",
        "--exclude-tags",
        env_var="LOCUST_EXCLUDE_TAGS",
        metavar="TAG",
        nargs="*",
        words=True,
        help="leave out tasks that have one of these tags",
    )
    group.add_argument(
        "--config-users",
        env_var="LOCUST_CONFIG_USERS",
        metavar="JSON",
        nargs="*",
        help='attributes of user classes as JSON, or files of JSON: \'{"user_class_name": "Buyer", "weight": 3}\'',
    )
    group.add_argument("--equal-weights", action="store_true", help="give every task the same weight")
    group.add_argument(
        "--use-requests",
        env_var="LOCUST_USE_REQUESTS",
        action="store_true",
        yields=True,
        help="send everything of HttpUser through the requests library instead of the engine: slower, but visible to"
        " what traces or patches requests",
    )


def _add_load_options(parser: Parser) -> None:
    group = parser.add_argument_group("How much, how long")
    group.add_argument(
        "--headless",
        env_var="LOCUST_HEADLESS",
        action="store_true",
        help="start at once, without the web interface, and end with the test",
    )
    group.add_argument("--headful", env_var="LOCUST_HEADFUL", action="store_true", help=argparse.SUPPRESS)
    group.add_argument(
        "-u",
        "--users",
        env_var="LOCUST_USERS",
        dest="num_users",
        metavar="N",
        type=values.count,
        help="most users at the same time (default: 1); the keys w W s S change it by +1 +10 -1 -10 during a run",
    )
    group.add_argument(
        "-r",
        "--spawn-rate",
        env_var="LOCUST_SPAWN_RATE",
        metavar="N",
        type=values.rate,
        help="users started per second (default: 1)",
    )
    group.add_argument(
        "-t",
        "--run-time",
        env_var="LOCUST_RUN_TIME",
        metavar="TIME",
        type=values.duration_s,
        help="end after this time, the start of the users included: 300, 20m, 1h30m (default: run until stopped)",
    )
    group.add_argument(
        "-i",
        "--iterations",
        env_var="LOCUST_ITERATIONS",
        metavar="N",
        type=values.positive_count,
        yields=True,
        help="end after exactly this many tasks, over all users",
    )
    group.add_argument(
        "--max-rps",
        env_var="LOCUST_MAX_RPS",
        metavar="N",
        type=values.rate,
        yields=True,
        help="start at most so many requests per second, over all users and workers; the others wait (default: any)",
    )
    group.add_argument(
        "-s",
        "--stop-timeout",
        env_var="LOCUST_STOP_TIMEOUT",
        metavar="TIME",
        type=values.duration_s,
        default=0,
        help="what tasks may take to finish after the end; requests on the wire always get a second",
    )
    group.add_argument(
        "--reset-stats",
        env_var="LOCUST_RESET_STATS",
        action="store_true",
        help="forget the numbers of the ramp-up when all users are started",
    )


def _add_statistics_options(parser: Parser) -> None:
    group = parser.add_argument_group("What is told")
    group.add_argument(
        "--csv",
        env_var="LOCUST_CSV",
        dest="csv_prefix",
        metavar="PREFIX",
        help="write PREFIX_stats.csv, PREFIX_stats_history.csv, PREFIX_failures.csv, PREFIX_exceptions.csv and"
        " PREFIX_generator_errors.csv",
    )
    group.add_argument(
        "--csv-full-history",
        env_var="LOCUST_CSV_FULL_HISTORY",
        action="store_true",
        dest="stats_history_enabled",
        help="a line for every name in PREFIX_stats_history.csv, not only for the total (needs --csv)",
    )
    group.add_argument("--json", action="store_true", help="print the final numbers as JSON to standard output")
    group.add_argument("--json-file", metavar="NAME", help="write the final numbers, versioned, to NAME.json")
    group.add_argument(
        "--html",
        env_var="LOCUST_HTML",
        dest="html_file",
        metavar="FILE",
        help="write a report to look at, one file that opens offline; {u}, {r}, {t} are users, spawn rate, run time",
    )
    group.add_argument(
        "--junit",
        env_var="LOCUST_JUNIT",
        dest="junit_file",
        metavar="FILE",
        yields=True,
        help="write the verdict as JUnit's XML, a test case for each rule",
    )
    group.add_argument(
        "--markdown",
        env_var="LOCUST_MARKDOWN",
        dest="markdown_file",
        metavar="FILE",
        yields=True,
        help="write verdict and figures for a comment to a pull request; GitHub's own summary gets them by itself",
    )
    group.add_argument(
        "--failures-dir",
        env_var="LOCUST_FAILURES_DIR",
        dest="failures_directory",
        metavar="DIR",
        yields=True,
        help="write what was sent and received, of the first failures of each kind, to files in DIR",
    )
    group.add_argument(
        "--phases",
        env_var="LOCUST_PHASES",
        dest="keeps_phases",
        action="store_true",
        yields=True,
        help="tell where the time went: name lookup, connect, TLS, sending, first byte, receiving",
    )
    group.add_argument(
        "--only-summary",
        env_var="LOCUST_ONLY_SUMMARY",
        action="store_true",
        help="no tables until the end",
    )
    group.add_argument(
        "--print-stats",
        env_var="LOCUST_PRINT_STATS",
        action="store_true",
        help="tables during the run, as text below each other even on a terminal",
    )
    group.add_argument(
        "--exit-code-on-error",
        env_var="LOCUST_EXIT_CODE_ON_ERROR",
        metavar="N",
        type=values.exit_code,
        default=1,
        help="the exit code when a request failed or a task raised",
    )


def _add_logging_options(parser: Parser) -> None:
    group = parser.add_argument_group("Logging")
    group.add_argument(
        "-L",
        "--loglevel",
        env_var="LOCUST_LOGLEVEL",
        metavar="LEVEL",
        type=values.log_level,
        default="INFO",
        help="DEBUG, INFO, WARNING, ERROR or CRITICAL",
    )
    group.add_argument(
        "--logfile", env_var="LOCUST_LOGFILE", metavar="FILE", help="log to this file (default: standard error)"
    )
    group.add_argument(
        "--skip-log-setup",
        env_var="LOCUST_SKIP_LOG_SETUP",
        action="store_true",
        help="leave logging to the locustfile or to Python",
    )
    group.add_argument("--skip-log", dest="skip_log_setup", action="store_true", help=argparse.SUPPRESS)


def _add_other_options(parser: Parser) -> None:
    group = parser.add_argument_group("Other")
    group.add_argument("-l", "--list", dest="list_commands", action="store_true", help="list the user classes, and end")
    group.add_argument(
        "--show-task-ratio",
        action="store_true",
        help="print how often each task is run, and end; with -u, for so many users",
    )
    group.add_argument("--show-task-ratio-json", action="store_true", help="the same as JSON")
    group.add_argument("--profile", metavar="NAME", help="a name for this kind of run, for listeners and reports")
    group.add_argument("-V", "--version", action="version", version=version_line(), help="print the version, and end")
    group.add_argument("-h", "--help", action="help", help="print this, and end")


def _add_user_classes(parser: Parser) -> None:
    group = parser.add_argument_group("User classes")
    group.add_argument(
        "user_classes",
        env_var="LOCUST_USER_CLASSES",
        metavar="UserClass",
        nargs="*",
        words=True,
        help="the classes to run (default: all of the locustfile; --list shows them)",
    )


