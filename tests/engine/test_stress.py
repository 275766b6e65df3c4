"""A few seconds of what ``python -m tests.engine.stress`` does for long."""

import gevent
import pytest

from gregaria.engine import poller
from tests.engine.stress import Killed, Stress


@pytest.mark.parametrize("own_poller", ["epoll", "watchers"])
@pytest.mark.parametrize("connections", [0, 5])
def test_whatever_happens_every_request_is_counted_once_and_nothing_is_left(
    monkeypatch, tmp_path, own_poller, connections
):
    monkeypatch.setenv("GREGARIA_POLLER", own_poller)
    hub = gevent.get_hub()
    monkeypatch.setattr(hub, "NOT_ERROR", (*hub.NOT_ERROR, Killed, OSError))
    poller.forget_all()
    run = Stress(seed=20, users=30, connections=connections)
    run.run(1.5, tmp_path)
    assert not run.mistakes
    assert run.recorder.total.num_requests > 20
    assert run.torn[True] > 0
    poller.forget_all()
