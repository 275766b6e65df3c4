"""What a test was started with: its user classes, shape, tags and custom arguments, as a report may tell them."""

from collections.abc import Mapping
from typing import Any

from gregaria.stats.masking import MASK, Mask

__all__ = ["configuration_of"]


def configuration_of(environment: Any) -> dict[str, Any]:
    """What an environment's next test would be started with, made of plain values that do not change any more.

    Secrets are masked: the values of options declared ``is_secret``, and whatever the mask of the statistics hides.

    Returns:
        ``tags``, ``exclude_tags``, ``profile`` and ``shape`` (a name), each None if there is none; ``user_classes``,
        {name: {"weight", "fixed_count", "host"}}; ``custom_arguments``, {name: value}.
    """
    mask: Mask = environment.stats.errors.mask
    shape = environment.shape_class
    return {
        "tags": _sorted(environment.tags),
        "exclude_tags": _sorted(environment.exclude_tags),
        "profile": environment.profile,
        "shape": None if shape is None else type(shape).__name__,
        "user_classes": {
            user_class.__name__: {
                "weight": user_class.weight,
                "fixed_count": user_class.fixed_count,
                "host": _plain(environment.host or user_class.host, mask),
            }
            for user_class in environment.user_classes
        },
        "custom_arguments": {
            name: _argument(getattr(environment.parsed_options, name, option.default), option.is_secret, mask)
            for name, option in environment.custom_options.items()
        },
    }


def _argument(value: Any, is_secret: bool, mask: Mask) -> Any:
    # That there is none is worth knowing, and no secret.
    return MASK if is_secret and value not in (None, "") else _plain(value, mask)


def _plain(value: Any, mask: Mask) -> Any:
    """The value as it is now: what is no number and no list of values is told as a text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {mask.text(str(key)): _plain(each, mask) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each, mask) for each in value]
    return mask.text(str(value))


def _sorted(tags: Any) -> list[str] | None:
    return sorted(tags) if tags else None
