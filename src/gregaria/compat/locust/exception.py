from gregaria.errors import CatchResponseError as CatchResponseError
from gregaria.errors import GregariaError as LocustError
from gregaria.errors import InterruptTaskSet as InterruptTaskSet
from gregaria.errors import MissingWaitTimeError as MissingWaitTimeError
from gregaria.errors import RescheduleTask as RescheduleTask
from gregaria.errors import RescheduleTaskImmediately as RescheduleTaskImmediately
from gregaria.errors import ResponseError as ResponseError
from gregaria.errors import RPCError as RPCError
from gregaria.errors import RPCReceiveError as RPCReceiveError
from gregaria.errors import RPCSendError as RPCSendError
from gregaria.errors import RunnerAlreadyExistsError as RunnerAlreadyExistsError
from gregaria.errors import StopTest as StopTest
from gregaria.errors import StopUser as StopUser

__all__ = [
    "CatchResponseError",
    "InterruptTaskSet",
    "LocustError",
    "MissingWaitTimeError",
    "RPCError",
    "RPCReceiveError",
    "RPCSendError",
    "RescheduleTask",
    "RescheduleTaskImmediately",
    "ResponseError",
    "RunnerAlreadyExistsError",
    "StopTest",
    "StopUser",
]
