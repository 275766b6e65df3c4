"""The options of the web interface."""

import argparse

from gregaria.cli import values
from gregaria.cli.parser import Parser
from gregaria.errors import CommandError, ExitCode

__all__ = ["add_metrics_options", "add_web_options", "check_web_options"]


def add_web_options(parser: Parser) -> None:
    """Declare them."""
    group = parser.add_argument_group("The web interface")
    group.add_argument(
        "--web-host",
        env_var="LOCUST_WEB_HOST",
        metavar="HOST",
        default="",
        help="the address on which it listens (default: all of the machine's)",
    )
    group.add_argument(
        "-P",
        "--web-port",
        env_var="LOCUST_WEB_PORT",
        metavar="PORT",
        type=values.port,
        default=8089,
        help="the port on which it listens (default: 8089); 0 takes any that is free",
    )
    group.add_argument(
        "--web-host-display-name",
        env_var="LOCUST_WEB_HOST_DISPLAY_NAME",
        metavar="NAME",
        help="the name under which browsers know this machine",
    )
    group.add_argument(
        "--autostart",
        env_var="LOCUST_AUTOSTART",
        action="store_true",
        help="start at once, as with --headless; -t then ends the test, and the web interface stays",
    )
    group.add_argument(
        "--autoquit",
        env_var="LOCUST_AUTOQUIT",
        metavar="SECONDS",
        type=values.whole_number,
        default=-1,
        help="with --autostart: end so many seconds after the test (default: stay)",
    )
    group.add_argument(
        "--web-login",
        env_var="LOCUST_WEB_LOGIN",
        action="store_true",
        help="let nobody in who has not logged in; the locustfile says how",
    )
    group.add_argument(
        "--tls-cert", env_var="LOCUST_TLS_CERT", metavar="FILE", default="", help="speak HTTPS with this certificate"
    )
    group.add_argument("--tls-key", env_var="LOCUST_TLS_KEY", metavar="FILE", default="", help="its key")
    group.add_argument(
        "--class-picker",
        env_var="LOCUST_USERCLASS_PICKER",
        action="store_true",
        help="have the form choose user classes and shape",
    )
    group.add_argument(
        "--web-base-path",
        env_var="LOCUST_WEB_BASE_PATH",
        metavar="PATH",
        default="",
        help="what comes before all paths, such as /load, behind a proxy",
    )
    group.add_argument(
        "--web-cors-origin",
        env_var="LOCUST_WEB_CORS_ORIGIN",
        metavar="ORIGIN",
        nargs="*",
        words=True,
        default=[],
        yields=True,
        help="sites whose pages may read and steer, such as https://example.com; * for every one (default: none)",
    )
    group.add_argument(
        "--runs-dir",
        env_var="LOCUST_RUNS_DIR",
        metavar="DIR",
        yields=True,
        help="keep the runs in DIR (default: in a temporary folder, until the end)",
    )
    group.add_argument(
        "--build-path", env_var="LOCUST_BUILD_PATH", metavar="DIR", default="", help=argparse.SUPPRESS
    )


def add_metrics_options(parser: Parser) -> None:
    """Declare those of what others read while a test runs."""
    group = parser.add_argument_group("For other programs")
    group.add_argument(
        "--prometheus-port",
        env_var="LOCUST_PROMETHEUS_PORT",
        metavar="PORT",
        type=values.port,
        yields=True,
        help="answer Prometheus at /metrics of this port, also with --headless; 0 takes any that is free. The web"
        " interface has /metrics of its own",
    )
    group.add_argument(
        "--prometheus-host",
        env_var="LOCUST_PROMETHEUS_HOST",
        metavar="HOST",
        default="",
        yields=True,
        help="the address on which --prometheus-port listens (default: all of the machine's)",
    )
    group.add_argument(
        "--prometheus-token",
        env_var="LOCUST_PROMETHEUS_TOKEN",
        metavar="TEXT",
        type=values.some_text,
        is_secret=True,
        yields=True,
        help="answer /metrics only to who sends this text as a bearer token, or has logged in",
    )
    group.add_argument(
        "--no-exporter-names",
        env_var="LOCUST_NO_EXPORTER_NAMES",
        action="store_true",
        yields=True,
        help="leave out what /metrics tells under locust_exporter's names",
    )
    group.add_argument(
        "--stream",
        env_var="LOCUST_STREAM",
        dest="stream_file",
        metavar="FILE",
        type=values.some_text,
        yields=True,
        help="write a line of JSON for each second to FILE, which may be a named pipe, or to standard output (-)",
    )
    group.add_argument(
        "--otel",
        env_var="LOCUST_ENABLE_OPENTELEMETRY",
        action="store_true",
        help="send a span for each request, and the figures, to a receiver of OpenTelemetry, which the variables"
        " OTEL_EXPORTER_OTLP_ENDPOINT and its kin name (needs gregaria[otel])",
    )


def check_web_options(options: argparse.Namespace) -> None:
    """Refuse what contradicts itself.

    Raises:
        CommandError: something does.
    """
    if options.autoquit >= 0 and not options.autostart:
        raise CommandError("--autoquit needs --autostart, for it counts from the end of that test", ExitCode.USAGE)
