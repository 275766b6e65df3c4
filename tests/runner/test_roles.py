import pytest

from gregaria.errors import CommandError, ExitCode
from gregaria.runner.roles import DistributedRunner, MasterRunner, WorkerNode, WorkerRunner
from gregaria.runner.runner import Runner
from tests.runner.conftest import MakeRunner


def test_a_local_runner_is_neither_master_nor_worker(make_runner: MakeRunner) -> None:
    runner = make_runner()
    assert isinstance(runner, Runner)
    assert not isinstance(runner, (MasterRunner, WorkerRunner, DistributedRunner))


@pytest.mark.parametrize("role", [MasterRunner, WorkerRunner, WorkerNode])
def test_the_roles_of_a_distributed_run_are_refused_for_now(role: type) -> None:
    with pytest.raises(CommandError, match="not available yet") as refusal:
        role("localhost", 5557)
    assert refusal.value.exit_code == ExitCode.NOT_AVAILABLE
