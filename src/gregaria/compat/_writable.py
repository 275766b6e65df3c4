"""Modules whose documented constants can be assigned: ``locust.stats.X = 15`` sets one of gregaria.settings."""

import difflib
import logging
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

from gregaria.settings import settings

logger = logging.getLogger("gregaria.compat")


class WritableModule(ModuleType):
    """A module of which some names are views on ``settings``.

    Reading gives the setting, assigning sets it, deleting restores its default (which is what undoes a
    ``mock.patch``). Names that exist nowhere in Locust are taken with a warning, because they would do nothing.

    Attributes:
        views: {constant's name: name in settings}
        inert: {name: sentence that says why assigning it changes nothing}
    """

    views: ClassVar[Mapping[str, str]] = {}
    inert: ClassVar[Mapping[str, str]] = {}

    def __getattr__(self, name: str) -> Any:
        if name in self.views:
            return getattr(settings, self.views[name])
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.views:
            setattr(settings, self.views[name], value)
            return
        if name in self.inert:
            logger.warning("%s.%s was assigned, which changes nothing: %s", self.__name__, name, self.inert[name])
        elif name.isupper() and name not in self.__dict__:
            near = difflib.get_close_matches(name, self.views, n=1)
            advice = f"Did you mean {near[0]}?" if near else f"Those there are: {', '.join(self.views)}."
            logger.warning("%s.%s was assigned, but there is no such constant. %s", self.__name__, name, advice)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self.views:
            settings.reset(self.views[name])
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.views})


def make_writable(module_name: str, views: Mapping[str, str], inert: Mapping[str, str] | None = None) -> None:
    """Turn the module of that name, which is being imported, into a ``WritableModule``."""
    namespace = {"views": dict(views), "inert": dict(inert or {})}
    sys.modules[module_name].__class__ = type("WritableModule", (WritableModule,), namespace)
