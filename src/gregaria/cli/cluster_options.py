"""The options of a run on many processes and machines."""

from gregaria.cli import values
from gregaria.cli.parser import Parser
from gregaria.cluster.choices import BALANCES, ON_MASTER_LOSS, PAUSE

__all__ = ["add_cluster_options"]


def add_cluster_options(parser: Parser) -> None:
    """Declare them."""
    group = parser.add_argument_group("Many processes, many machines")
    group.add_argument(
        "--processes",
        env_var="LOCUST_PROCESSES",
        metavar="N",
        type=values.whole_number,
        help="start N worker processes here and be their master; -1 for one per core; with --worker, N workers of"
        " another master",
    )
    group.add_argument(
        "--replace-workers",
        env_var="LOCUST_REPLACE_WORKERS",
        action="store_true",
        help="with --processes: start another worker for one that has died",
    )
    group.add_argument(
        "--master",
        env_var="LOCUST_MODE_MASTER",
        action="store_true",
        help="be the master: share the test out to workers",
    )
    group.add_argument(
        "--master-bind-host",
        env_var="LOCUST_MASTER_BIND_HOST",
        metavar="HOST",
        type=values.address,
        default="*",
        help="the address on which the master listens (default: all of the machine's)",
    )
    group.add_argument(
        "--master-bind-port",
        env_var="LOCUST_MASTER_BIND_PORT",
        metavar="PORT",
        type=values.port,
        default=5557,
        help="the TCP port on which the master listens (default: 5557); it is the only one",
    )
    group.add_argument(
        "--expect-workers",
        env_var="LOCUST_EXPECT_WORKERS",
        metavar="N",
        type=values.positive_count,
        default=1,
        help="start the test when so many workers are there (default: 1)",
    )
    group.add_argument(
        "--expect-workers-max-wait",
        env_var="LOCUST_EXPECT_WORKERS_MAX_WAIT",
        metavar="SECONDS",
        type=values.whole_number,
        default=0,
        help="give up when they have not come in that time (default: wait for ever)",
    )
    group.add_argument(
        "--enable-rebalancing",
        action="store_true",
        help="taken for Locust's sake: users are always spread anew when workers come or go",
    )
    group.add_argument(
        "--worker",
        env_var="LOCUST_MODE_WORKER",
        action="store_true",
        help="be a worker: run the users a master asks for",
    )
    group.add_argument(
        "--master-host",
        env_var="LOCUST_MASTER_NODE_HOST",
        metavar="HOST",
        type=values.address,
        default="127.0.0.1",
        help="the master's address, for a worker (default: 127.0.0.1)",
    )
    group.add_argument(
        "--master-port",
        env_var="LOCUST_MASTER_NODE_PORT",
        metavar="PORT",
        type=values.known_port,
        default=5557,
        help="the master's port, for a worker (default: 5557)",
    )
    group.add_argument(
        "--allow-other-files",
        env_var="LOCUST_ALLOW_OTHER_FILES",
        action="store_true",
        yields=True,
        help="be a worker although its Python files are not the master's",
    )
    group.add_argument(
        "--balance",
        env_var="LOCUST_BALANCE",
        choices=list(BALANCES),
        default=BALANCES[0],
        yields=True,
        help="with --master: the same number of users on each worker (equal, the default), or shares by the cores that"
        " are idle on their machines (capacity)",
    )
    group.add_argument(
        "--on-master-loss",
        env_var="LOCUST_ON_MASTER_LOSS",
        choices=list(ON_MASTER_LOSS),
        default=PAUSE,
        yields=True,
        help="what a worker does when it has lost its master: pause its users until it is back (default), continue, or"
        " quit; after five minutes without one it ends in any case",
    )
    group.add_argument(
        "--exit-code-on-signal",
        env_var="LOCUST_EXIT_CODE_ON_SIGNAL",
        metavar="N",
        type=values.exit_code,
        default=0,
        yields=True,
        help="of a worker that a signal ends before its master does (default: 0); whoever is to start another in its"
        " place may have to see that it failed",
    )
    group.add_argument(
        "--journal",
        env_var="LOCUST_JOURNAL",
        metavar="FILE",
        yields=True,
        help="with --master: keep notes in FILE, from which the same command goes on after the master was killed",
    )
    group.add_argument(
        "--cluster-secret",
        env_var="LOCUST_CLUSTER_SECRET",
        metavar="TEXT",
        is_secret=True,
        help="encrypt what master and workers say to each other, and keep out who does not know this text",
    )
    group.add_argument(
        "--cluster-secret-file",
        env_var="LOCUST_CLUSTER_SECRET_FILE",
        metavar="FILE",
        help="the same, read from a file",
    )
