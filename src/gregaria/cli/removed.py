"""Options that Locust itself has dropped, answered with what to write today."""

from gregaria.cli.parser import Parser, Removed

#: option strings of old Locusts, and what to write today
_REMOVED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("-c", "--clients", "--num-clients"), "write -u/--users"),
    (("--hatch-rate",), "write -r/--spawn-rate"),
    (("--no-web",), "write --headless"),
    (("-n", "--num-request", "--num-requests"), "write -i/--iterations to end after that many tasks"),
    (("--slave",), "it is called --worker"),
    (("--expect-slaves",), "it is called --expect-workers"),
    (("--csv-base-name",), "write --csv"),
    (("--no-reset-stats",), "numbers are kept unless --reset-stats is given; leave it out"),
    (("--step-load", "--step-clients", "--step-users", "--step-time"), "write a LoadTestShape in the locustfile"),
    (("--web-auth",), "it is called --web-login"),
    (("--legacy-ui", "--modern-ui"), "there is one web interface; leave it out"),
    (("--port",), "it is called --web-port"),
    (
        ("--heartbeat-liveness", "--heartbeat-interval"),
        "they are settings: locust.runners.HEARTBEAT_INTERVAL and HEARTBEAT_LIVENESS",
    ),
)


def add_removed_options(parser: Parser) -> None:
    """Declare the options of old Locusts; a locustfile may use their names for its own."""
    for flags, instead in _REMOVED:
        parser.add_argument(*flags, action=Removed, instead=instead, yields=True)
