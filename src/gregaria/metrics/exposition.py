"""The text of a scrape: our metrics, those named as locust_exporter does, and those of the locustfile's own."""

import importlib
import logging
import sys
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from gregaria.metrics.exporter import exporter_families
from gregaria.metrics.family import Family, pieces_of
from gregaria.metrics.figures import own_families

__all__ = ["CONTENT_TYPE", "Collector", "exposition"]

logger = logging.getLogger("gregaria.metrics")

#: Prometheus' text format
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(environment: Any, *, has_exporter_names: bool = True) -> Iterator[bytes]:
    """What Prometheus reads, in pieces; others get their turn between them.

    Args:
        environment: whose test it is.
        has_exporter_names: tell it under locust_exporter's names, too.
    """
    families = own_families(environment)
    if has_exporter_names:
        families = chain(families, exporter_families(environment))
    names: set[str] = set()
    yield from pieces_of(_noted(families, names))
    yield _text_of_others(names)


class Collector:
    """Our metrics for a registry of prometheus_client, which then pushes or serves them: ``registry.register(...)``.

    With a thousand names it takes most of a second to be read, in which no user gets a turn: ``/metrics`` does not.

    Args:
        environment: whose test it is.
    """

    def __init__(self, environment: Any) -> None:
        self._environment = environment

    def collect(self) -> Iterable[Any]:
        """The metrics as prometheus_client has them, which is installed where there is a registry."""
        text = b"".join(pieces_of(own_families(self._environment))).decode()
        parser: Any = importlib.import_module("prometheus_client.parser")
        yield from parser.text_string_to_metric_families(text)


def _noted(families: Iterable[Family], names: set[str]) -> Iterable[Family]:
    for family in families:
        names.add(family.name)
        yield family


def _text_of_others(names: Collection[str]) -> bytes:
    """What is in the default registry of prometheus_client, if the locustfile uses that."""
    client: Any = sys.modules.get("prometheus_client")
    if client is None:
        return b""
    try:
        text: bytes = client.generate_latest(_Others(client.REGISTRY, names))
    except Exception:
        logger.exception("The metrics that the locustfile has registered with prometheus_client are left out")
        return b""
    return text


class _Others:
    """A registry without what is told already."""

    def __init__(self, registry: Any, names: Collection[str]) -> None:
        self._registry = registry
        self._names = names

    def collect(self) -> Iterable[Any]:
        return (family for family in self._registry.collect() if family.name not in self._names)
