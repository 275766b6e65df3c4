import pytest

from gregaria.cluster.master import MasterRunner
from gregaria.cluster.worker import WorkerRunner
from gregaria.runner.roles import DistributedRunner
from gregaria.runner.runner import Runner
from tests.runner.conftest import MakeRunner


def test_a_local_runner_is_neither_master_nor_worker(make_runner: MakeRunner) -> None:
    runner = make_runner()
    assert isinstance(runner, Runner)
    assert not isinstance(runner, (MasterRunner, WorkerRunner, DistributedRunner))


@pytest.mark.parametrize("role", [MasterRunner, WorkerRunner])
def test_masters_and_workers_are_distributed_runners(role: type) -> None:
    assert issubclass(role, DistributedRunner)
