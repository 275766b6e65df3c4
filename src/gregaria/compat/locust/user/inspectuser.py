from gregaria.users.ratio import get_ratio as get_ratio
from gregaria.users.ratio import print_task_ratio as print_task_ratio
from gregaria.users.ratio import print_task_ratio_json as print_task_ratio_json

__all__ = ["get_ratio", "print_task_ratio", "print_task_ratio_json"]
