from gregaria.debug import PrintListener as PrintListener
from gregaria.debug import run_single_user as run_single_user

__all__ = ["PrintListener", "run_single_user"]
