"""What Locust's endpoints tell that is no figure."""

from gregaria.environment import Environment
from gregaria.stats.masking import Mask
from gregaria.web.locust_api import logs_of


def test_secrets_in_log_lines_are_masked_also_those_of_workers() -> None:
    environment = Environment(user_classes=[])
    environment.stats.errors.mask = Mask(["my-new-secret"])
    environment.worker_logs["box_1"] = ["key my-new-secret was refused", "nothing"]
    assert logs_of(environment)["workers"] == {"box_1": ["key *** was refused", "nothing"]}
