"""Idioms of Locust's documentation, in words of our own: each does what a person who learned it there expects."""

import pytest

from tests.facade.conftest import Script

IDIOMS = {
    "import locust reaches every submodule": """
        import locust
        assert locust.stats.PERCENTILES_TO_REPORT and locust.runners.STATE_INIT == "ready"
        assert locust.env.Environment and locust.user.users.User is locust.User
        assert locust.exception.StopUser and locust.contrib.fasthttp.FastHttpUser is locust.FastHttpUser
    """,
    "from locust import a module": """
        from locust import runners, stats, env, util
        assert runners.MasterRunner and stats.RequestStats and env.Environment
    """,
    "a submodule does not take the decorator's place": """
        from locust.user import task
        from locust.user.task import TaskSet
        import locust.user
        assert locust.user.task is task and callable(task)
    """,
    "both ways to a class are one": """
        import gregaria, locust
        from locust.user.users import HttpUser
        assert HttpUser is locust.HttpUser is gregaria.HttpUser
        assert locust.events.init is gregaria.events.init
        from locust.exception import StopUser
        assert StopUser is gregaria.StopUser
    """,
    "tasks as list, dict and pairs": """
        from locust import User
        def look(user): ...
        def buy(user): ...
        class Listed(User):
            tasks = [look, buy]
        class Weighted(User):
            tasks = {look: 3, buy: 1}
        class Paired(User):
            tasks = [(look, 3), (buy, 1)]
        assert Listed.tasks == [look, buy]
        assert sorted(t.__name__ for t in Weighted.tasks) == ["buy", "look", "look", "look"]
        assert sorted(t.__name__ for t in Paired.tasks) == ["buy", "look", "look", "look"]
    """,
    "a wait time of one's own": """
        from locust import User, task
        class Slower(User):
            last = 0
            def wait_time(self):
                self.last += 1
                return self.last
            @task
            def nothing(self): ...
        from locust.env import Environment
        user = Slower(Environment(user_classes=[Slower]))
        assert [user.wait_time(), user.wait_time()] == [1, 2]
    """,
    "a custom shape is seen to be one": """
        from locust import LoadTestShape
        from locust.util.load_locustfile import is_shape_class, is_user_class
        class Steps(LoadTestShape):
            def tick(self):
                return (1, 1)
        class Base(LoadTestShape):
            abstract = True
        assert is_shape_class(Steps) and not is_shape_class(Base) and not is_user_class(Steps)
    """,
    "a listener is added, fired and removed": """
        from locust import events
        from locust.event import EventHook
        got = []
        hook = EventHook()
        @hook.add_listener
        def on_it(a, **kwargs):
            got.append((a, kwargs))
        hook.fire(a=1, b=2)
        hook.remove_listener(on_it)
        hook.fire(a=2)
        assert got == [(1, {"b": 2})]
    """,
    "fired requests are counted, limits can be read": """
        from locust import events
        from locust.env import Environment
        environment = Environment(events=events)
        environment.create_local_runner()
        for number in range(1, 101):
            events.request.fire(request_type="X", name="n", response_time=number, response_length=10, exception=None)
        events.request.fire(request_type="X", name="n", response_time=5, response_length=0, exception=ValueError("no"))
        total = environment.stats.total
        assert total.num_requests == 101 and total.num_failures == 1
        assert abs(total.fail_ratio - 1 / 101) < 1e-9
        assert abs(total.get_response_time_percentile(0.95) - 95) <= 1
        entry = environment.stats.get("n", "X")
        assert entry.max_response_time == 100 and entry.min_response_time == 1
        assert list(environment.stats.errors.values())[0].occurrences == 1
    """,
    "measure counts a block, and its exception as a failure": """
        from locust import events
        from locust.env import Environment
        environment = Environment(events=events)
        environment.create_local_runner()
        with events.request.measure("X", "fine") as request:
            request["response_length"] = 7
        with events.request.measure("X", "broken"):
            raise ValueError("told")
        stats = environment.stats
        assert stats.get("fine", "X").num_failures == 0 and stats.get("fine", "X").total_content_length == 7
        assert stats.get("broken", "X").num_failures == 1
    """,
    "custom arguments": """
        from locust import events
        from locust.argument_parser import parse_options
        @events.init_command_line_parser.add_listener
        def _(parser):
            parser.add_argument("--my-argument", type=str, env_var="LOCUST_MY_ARGUMENT", default="", help="x")
            parser.add_argument("--env", choices=["dev", "prod"], default="dev", help="Environment")
            parser.add_argument("--secret", is_secret=True, default="x", help="hidden in the UI")
            parser.add_argument("--not-in-ui", include_in_web_ui=False, default="no")
        options = parse_options(["--my-argument", "a", "--users", "7"])
        assert options.my_argument == "a" and options.env == "dev" and options.num_users == 7
    """,
    "statistics are printed by a library": """
        import io, contextlib
        from locust.env import Environment
        from locust.stats import print_stats, print_percentile_stats, print_error_report, get_stats_summary
        from locust.log import setup_logging
        setup_logging("INFO")
        environment = Environment()
        environment.stats.log_request("GET", "/somewhere", 12, 100)
        environment.stats.log_error("GET", "/somewhere", "it broke")
        lines = "\\n".join(get_stats_summary(environment.stats))
        assert "/somewhere" in lines and "Aggregated" in lines
        print_stats(environment.stats); print_percentile_stats(environment.stats); print_error_report(environment.stats)
    """,
    "time spans": """
        from locust.util.timespan import parse_timespan
        assert [parse_timespan(t) for t in ("20", "20s", "3m", "1h20m")] == [20, 20, 180, 4800]
        try:
            parse_timespan("soon")
        except ValueError:
            pass
        else:
            raise AssertionError
    """,
    "small tools": """
        from locust.util.cache import memoize
        from locust.util.date import format_duration, format_safe_timestamp, format_utc_timestamp
        from locust.util.exception_handler import retry
        from locust.util.rounding import proper_round
        from locust.util.url import is_url
        calls = []
        @memoize(timeout=60)
        def once():
            calls.append(1)
            return len(calls)
        assert [once(), once()] == [1, 1]
        once.clear_cache()
        assert once() == 2
        assert format_duration(1000, 4725) == "1 hour, 2 minutes and 5 seconds"
        assert format_duration(0, 0.5) == "0 seconds" and format_duration(0, 61) == "1 minute and 1 second"
        assert format_utc_timestamp(1.5) == "1970-01-01T00:00:01Z" and format_safe_timestamp(0).startswith("19")
        assert proper_round(2.5) == 3.0 and proper_round(0.05, 1) == 0.1
        assert is_url("https://x/y") and not is_url("x")
        tries = []
        @retry(delays=(0, 0), exception=ValueError)
        def third():
            tries.append(1)
            if len(tries) < 3:
                raise ValueError
            return "done"
        assert third() == "done"
    """,
    "every state has its name": """
        from locust import runners
        names = {name: value for name, value in vars(runners).items() if name.startswith("STATE_")}
        assert set(names.values()) == {"ready", "spawning", "running", "cleanup", "stopping", "stopped", "missing"}
    """,
    "the version can be asked for": """
        import locust
        assert tuple(int(part) for part in locust.__version__.split(".")) >= (2, 47)
    """,
    "a dispatcher of one's own": """
        from locust import User, task
        from locust.dispatch import UsersDispatcher
        from locust.env import Environment
        made = []
        class Mine(UsersDispatcher):
            def __init__(self, *arguments, **keywords):
                made.append(self)
                super().__init__(*arguments, **keywords)
        class Idle(User):
            @task
            def nothing(self):
                import gevent
                gevent.sleep(0.05)
        environment = Environment(user_classes=[Idle], dispatcher_class=Mine)
        runner = environment.create_local_runner()
        runner.start(1, 1)
        import gevent
        with gevent.Timeout(5):
            while not runner.user_count:
                gevent.sleep(0.01)
        runner.quit()
        runner.greenlet.join()
        assert made
    """,
    "a user is run alone": """
        from locust import User, run_single_user, task, events
        from locust.exception import StopUser
        told = []
        events.test_start.add_listener(lambda environment, **_: told.append(environment.runner))
        class Once(User):
            @task
            def one(self):
                self.environment.events.request.fire(
                    request_type="X", name="alone", response_time=1, response_length=1, exception=None
                )
                raise StopUser
        run_single_user(Once)
        assert told == [None]
    """,
}


@pytest.mark.parametrize("idiom", IDIOMS)
def test_an_idiom_works(idiom: str, run_script: Script) -> None:
    run_script(IDIOMS[idiom])
