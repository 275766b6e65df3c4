from types import SimpleNamespace
from typing import Any

import pytest

from gregaria.environment import Environment
from gregaria.errors import CommandError, RunnerAlreadyExistsError
from gregaria.events import Events
from gregaria.runner.shape import LoadTestShape
from gregaria.users.declare import WrongDeclarationError, tag, task
from gregaria.users.sequential import SequentialTaskSet
from gregaria.users.taskset import TaskSet
from gregaria.users.user import User


def a_user(name: str = "Shopper", **attributes: Any) -> Any:
    return type(name, (User,), attributes)


def names(tasks: list[Any]) -> list[str]:
    return [task.__name__ for task in tasks]


def test_everything_has_a_default() -> None:
    environment = Environment()
    assert environment.user_classes == []
    assert (environment.host, environment.runner, environment.web_ui, environment.process_exit_code) == (None,) * 4
    assert (environment.stop_timeout, environment.reset_stats, environment.catch_exceptions) == (0, False, True)
    assert (environment.shared_data, environment.worker_logs) == ({}, {})


def test_arguments_are_given_by_name_only() -> None:
    with pytest.raises(TypeError):
        Environment([a_user()])  # type: ignore[misc]


def test_two_environments_share_nothing() -> None:
    first, second = Environment(), Environment()
    assert first.events is not second.events
    assert first.stats is not second.stats
    assert first.shared_data is not second.shared_data


def test_the_request_event_counts_in_its_own_statistics() -> None:
    environment = Environment(events=Events())
    environment.events.request.fire(request_type="GET", name="/", response_time=5.0, response_length=10, exception=None)
    assert environment.stats.get("/", "GET").num_requests == 1


def test_the_stop_timeout_comes_from_the_argument_or_else_the_options() -> None:
    options = SimpleNamespace(stop_timeout=7.5)
    assert Environment(parsed_options=options).stop_timeout == 7.5
    assert Environment(parsed_options=options, stop_timeout=2).stop_timeout == 2
    assert Environment(parsed_options=SimpleNamespace(stop_timeout=None)).stop_timeout == 0


def test_classes_of_one_name_are_refused_with_both_places() -> None:
    with pytest.raises(ValueError, match="Two user classes are named Shopper"):
        Environment(user_classes=[a_user(), a_user()])


def test_a_class_without_weight_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    idle, fixed, weighted = a_user("Idle", weight=0), a_user("Fixed", weight=0, fixed_count=2), a_user("Weighted")
    environment = Environment(user_classes=[idle, fixed, weighted])
    assert environment.user_classes == [fixed, weighted]
    assert "Idle" in caplog.text


def test_only_classes_without_weight_are_refused() -> None:
    with pytest.raises(ValueError, match="weight 0"):
        Environment(user_classes=[a_user(weight=0)])


@pytest.mark.parametrize("weight", [-1, "3", None])
def test_a_weight_that_is_none_is_refused(weight: Any) -> None:
    with pytest.raises(WrongDeclarationError, match="must be a number, 0 or above"):
        Environment(user_classes=[a_user(weight=weight)])


def test_a_shape_is_an_instance_of_a_shape_class() -> None:
    class Wave(LoadTestShape): ...

    wave = Wave()
    environment = Environment(shape_class=wave)
    assert environment.create_local_runner() is wave.runner
    with pytest.raises(ValueError, match=r"give an instance, Wave\(\)"):
        Environment(shape_class=Wave)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="derive it from LoadTestShape"):
        Environment(shape_class=object())  # type: ignore[arg-type]
    environment.runner.quit()  # type: ignore[union-attr]


def test_an_environment_has_one_runner() -> None:
    environment = Environment()
    runner = environment.create_local_runner()
    assert environment.runner is runner
    with pytest.raises(RunnerAlreadyExistsError):
        environment.create_local_runner()
    runner.quit()


def test_a_web_interface_is_made_and_listens_unless_that_is_put_off() -> None:
    environment = Environment()
    environment.create_local_runner()
    web_ui = environment.create_web_ui("127.0.0.1", 0, delayed_start=True)
    assert environment.web_ui is web_ui
    assert web_ui.greenlet is None
    web_ui.start()
    assert web_ui.port != 0
    web_ui.stop()
    environment.runner.quit()  # type: ignore[union-attr]


def test_a_user_class_can_be_changed_by_name() -> None:
    class Shopper(User):
        @task
        def look(self) -> None: ...

        @task
        def buy(self) -> None: ...

    tasks = list(Shopper.tasks)
    environment = Environment(user_classes=[Shopper], available_user_tasks={"Shopper": tasks})
    environment.update_user_class({"user_class_name": "Shopper", "weight": 5, "host": "http://x", "tasks": ["buy"]})
    assert (Shopper.weight, Shopper.host, names(Shopper.tasks)) == (5, "http://x", ["buy"])
    environment.update_user_class({"user_class_name": "Shopper", "tasks": ["look", "buy"]})
    assert names(Shopper.tasks) == ["look", "buy"]
    with pytest.raises(KeyError):
        environment.update_user_class({"user_class_name": "Nobody"})


def test_equal_weights_keep_task_sets_and_sequences() -> None:
    class Steps(SequentialTaskSet):
        @task(2)
        def one(self) -> None: ...

    class Shopper(User):
        weight = 7

        @task(3)
        class Inside(TaskSet):
            @task(5)
            def deep(self) -> None: ...

            @task
            def deeper(self) -> None: ...

        @task(2)
        def shallow(self) -> None: ...

        tasks = [Steps]

    Environment(user_classes=[Shopper]).assign_equal_weights()
    assert Shopper.weight == 1
    assert sorted(names(Shopper.tasks)) == ["Inside", "Steps", "shallow"]
    assert sorted(names(Shopper.Inside.tasks)) == ["deep", "deeper"]
    assert names(Steps.tasks) == ["one", "one"]


def test_tags_are_filtered_when_the_test_starts(caplog: pytest.LogCaptureFixture) -> None:
    class Shopper(User):
        @tag("read")
        @task
        def look(self) -> None: ...

        @tag("write")
        @task
        def buy(self) -> None: ...

    class Writer(User):
        @tag("write")
        @task
        def write(self) -> None: ...

    environment = Environment(user_classes=[Shopper, Writer], tags=["read"], exclude_tags=[])
    environment.filter_tasks_by_tags()
    assert names(Shopper.tasks) == ["look"]
    assert names(Writer.tasks) == []
    assert "Writer has no tasks left" in caplog.text


def test_other_tags_bring_back_what_the_ones_before_took_away() -> None:
    class Shopper(User):
        @tag("read")
        @task
        def look(self) -> None: ...

        @task
        class Inside(TaskSet):
            @tag("read")
            @task
            def deep(self) -> None: ...

            @tag("write")
            @task
            def deeper(self) -> None: ...

    class Writer(User):
        @tag("write")
        @task
        def write(self) -> None: ...

    environment = Environment(user_classes=[Shopper, Writer], tags=["read"])
    environment.filter_tasks_by_tags()
    assert (names(Shopper.tasks), names(Shopper.Inside.tasks)) == (["look", "Inside"], ["deep"])
    assert environment.user_classes == [Shopper]

    environment.tags = ["write"]
    environment.filter_tasks_by_tags()
    assert (names(Shopper.tasks), names(Shopper.Inside.tasks)) == (["Inside"], ["deeper"])
    assert environment.user_classes == [Shopper, Writer]

    # Tasks that somebody has given it meanwhile are left to it.
    Writer.tasks = [Writer.write, Writer.write]
    environment.tags = None
    environment.filter_tasks_by_tags()
    assert (names(Shopper.tasks), names(Shopper.Inside.tasks)) == (["look", "Inside"], ["deep", "deeper"])
    assert names(Writer.tasks) == ["write", "write"]


def test_tags_rule_out_tasks_of_classes_that_are_chosen_for_a_later_test() -> None:
    def make(name: str, *tags: str) -> Any:
        tasks = [tag(each)(lambda user: None) for each in tags]
        return type(name, (User,), {"tasks": tasks, "abstract": False})

    first, second, idle = make("First", "read", "write"), make("Second", "read", "write"), make("Idle", "write")
    environment = Environment(user_classes=[first, idle], tags=["read"])
    environment.filter_tasks_by_tags()
    assert environment.user_classes == [first]
    environment.user_classes[:] = [second]
    environment.filter_tasks_by_tags()
    assert environment.user_classes == [second]
    assert len(second.tasks) == 1
    # What was not chosen is as it was.
    assert len(first.tasks) == 2
    environment.user_classes[:] = [second, idle]
    environment.filter_tasks_by_tags()
    assert environment.user_classes == [second]
    environment.tags = None
    environment.filter_tasks_by_tags()
    assert environment.user_classes == [second, idle]
    assert (len(second.tasks), len(idle.tasks)) == (2, 1)


def test_tags_that_leave_nothing_are_refused_each_time_and_leave_everything() -> None:
    class Shopper(User):
        @tag("read")
        @task
        def look(self) -> None: ...

    environment = Environment(user_classes=[Shopper], tags=["raed"])
    for _ in range(2):
        with pytest.raises(CommandError, match="no task is left with --tags raed"):
            environment.filter_tasks_by_tags()
        assert names(Shopper.tasks) == ["look"]


def test_without_tags_nothing_is_filtered() -> None:
    class Shopper(User):
        @tag("read")
        @task
        def look(self) -> None: ...

    Environment(user_classes=[Shopper]).filter_tasks_by_tags()
    assert names(Shopper.tasks) == ["look"]


def test_worker_logs_are_kept_by_worker() -> None:
    environment = Environment()
    environment.update_worker_logs({"worker_id": "w1", "logs": ["a"]})
    environment.update_worker_logs({"worker_id": None, "logs": ["b"]})
    assert environment.worker_logs == {"w1": ["a"]}
