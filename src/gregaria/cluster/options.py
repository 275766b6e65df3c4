"""The master's options on its workers: custom arguments, and what Locust's master sends besides."""

import logging
from collections.abc import Mapping
from typing import Any

from gregaria.cluster.wire import WireError, copy_of
from gregaria.stats.masking import texts_of

__all__ = ["options_to_send", "take_options", "those_for"]

logger = logging.getLogger("gregaria.cluster.options")

_TAGS = ("tags", "exclude_tags")
_ALWAYS = (*_TAGS, "expect_workers")
#: the hosts that may be asked
_HOSTS = "gregaria.allow_hosts"


def options_to_send(environment: Any) -> dict[str, Any]:
    """``{name: value}`` of what workers are told; a value that cannot be sent is warned about and left out."""
    options = environment.parsed_options
    values = {name: getattr(environment, name) for name in _TAGS}
    values |= {
        name: getattr(options, name)
        for name in (*environment.custom_options, "expect_workers")
        if hasattr(options, name)
    }
    if environment.allowed_hosts is not None:
        values[_HOSTS] = list(environment.allowed_hosts.texts)
    told = {}
    for name, value in values.items():
        try:
            told[name] = copy_of("spawn", value)
        except WireError as error:
            logger.warning(
                "The argument %s is not sent to the workers, which keep the value that they were started with: %s",
                name,
                error,
            )
    return told


def those_for(environment: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """Of all options of a master of Locust's, those that its workers take."""
    return {name: told[name] for name in (*environment.custom_options, *_ALWAYS) if name in told}


def take_options(environment: Any, told: Mapping[str, Any]) -> None:
    """Have the values that the master has, whatever this worker was started with.

    Only a list of hosts that may be asked stays when the master has none.
    """
    told = dict(told)
    if _HOSTS in told:
        environment.allow_hosts(told.pop(_HOSTS))
    for name in _TAGS:
        if name in told:
            setattr(environment, name, told[name])
    options = environment.parsed_options
    if options is None:
        return
    for name, value in told.items():
        setattr(options, name, value)
    secret = [name for name, option in environment.custom_options.items() if option.is_secret]
    errors = environment.stats.errors
    errors.mask = errors.mask.and_these(text for name in secret for text in texts_of(told.get(name)))
