"""Where a master cannot listen, and what it says of that."""

import pytest

from gregaria.cluster.post import Post
from gregaria.errors import CommandError, ExitCode


def opened(host: str, port: int = 0) -> Post:
    post = Post(host, port, None, None, None, None, lambda what: None)
    post.open()
    return post


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("nowhere.invalid", "on nowhere.invalid:0: no host or network interface of that name"),
        # Kept for examples: no machine has it.
        ("192.0.2.1", "on 192.0.2.1:0: this machine has no such address"),
    ],
)
def test_an_address_that_is_not_of_this_machine_is_told_as_such(host: str, told: str) -> None:
    with pytest.raises(CommandError, match=f"{told}.*--master-bind-host") as refused:
        opened(host)
    assert refused.value.exit_code == ExitCode.CLUSTER


def test_a_port_that_somebody_has_may_be_another_masters() -> None:
    first = opened("127.0.0.1")
    with pytest.raises(CommandError, match="Does another master run there"):
        opened("127.0.0.1", first.port)
    first.close()
