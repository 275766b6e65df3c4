from gregaria.users.wait import between as between
from gregaria.users.wait import constant as constant
from gregaria.users.wait import constant_pacing as constant_pacing
from gregaria.users.wait import constant_throughput as constant_throughput
from gregaria.users.wait import poisson as poisson

__all__ = ["between", "constant", "constant_pacing", "constant_throughput", "poisson"]
