from gregaria.events import EventHook as EventHook
from gregaria.events import Events as Events

#: Locust's hook for events that are on their way out; none is
DeprecatedEventHook = EventHook

__all__ = ["DeprecatedEventHook", "EventHook", "Events"]
