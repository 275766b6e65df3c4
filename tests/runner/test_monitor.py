from types import SimpleNamespace
from typing import Any

import pytest

from gregaria.events import Events
from gregaria.runner.monitor import sample, watch
from gregaria.settings import settings


class Gauge:
    def __init__(self, *percents: float) -> None:
        self.percents = list(percents)

    def cpu_percent(self) -> float:
        return self.percents.pop(0)

    def memory_info(self) -> Any:
        return SimpleNamespace(rss=12345)


@pytest.fixture
def runner() -> Any:
    environment = SimpleNamespace(events=Events())
    return SimpleNamespace(
        fire=lambda event, **arguments: event.fire(**arguments),
        environment=environment,
        current_cpu_usage=0.0,
        current_memory_usage=0,
        cpu_warning_emitted=False,
    )


def test_every_sample_is_kept_and_told(runner: Any) -> None:
    told: list[dict[str, Any]] = []
    runner.environment.events.usage_monitor.add_listener(lambda **arguments: told.append(arguments))
    sample(runner, Gauge(42.0))
    assert (runner.current_cpu_usage, runner.current_memory_usage) == (42.0, 12345)
    assert told == [{"environment": runner.environment, "cpu_usage": 42.0, "memory_usage": 12345}]


def test_a_look_that_finds_no_descriptor_changes_nothing(runner: Any) -> None:
    class Blind(Gauge):
        def memory_info(self) -> Any:
            raise OSError(24, "Too many open files")

    sample(runner, Gauge(42.0))
    sample(runner, Blind(99.0))
    assert (runner.current_cpu_usage, runner.current_memory_usage) == (42.0, 12345)


def test_too_much_cpu_is_an_event_each_time_and_one_warning(runner: Any, caplog: pytest.LogCaptureFixture) -> None:
    told: list[float] = []
    runner.environment.events.cpu_warning.add_listener(lambda cpu_usage, **_: told.append(cpu_usage))
    gauge = Gauge(91.0, 89.0, 99.0)
    for _ in range(3):
        sample(runner, gauge)
    assert told == [91.0, 99.0]
    assert len(caplog.records) == 1
    assert "91 %" in caplog.text
    assert runner.cpu_warning_emitted


def test_samples_come_at_the_set_interval_and_the_first_reading_is_none(runner: Any) -> None:
    settings.cpu_monitor_interval_s = 7
    pauses: list[float] = []

    class EnoughError(Exception): ...

    def sleep(pause_s: float) -> None:
        pauses.append(pause_s)
        if len(pauses) == 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        watch(runner, Gauge(500.0, 10.0, 20.0), sleep)
    assert pauses == [7, 7, 7]
    assert runner.current_cpu_usage == 20.0


def test_a_runner_watches_itself(make_runner: Any, eventually: Any) -> None:
    settings.cpu_monitor_interval_s = 0.01
    settings.cpu_warning_threshold = 100_000
    runner = make_runner()
    eventually(lambda: runner.current_memory_usage > 1_000_000)
    assert not runner.cpu_log_warning()


def test_the_warning_is_repeated_at_the_end(make_runner: Any, caplog: pytest.LogCaptureFixture) -> None:
    runner = make_runner()
    runner.cpu_warning_emitted = True
    assert runner.cpu_log_warning()
    assert "CPU usage" in caplog.text
