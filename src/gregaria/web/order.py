"""What the start form, or a script, asks for at ``/swarm``: looked at as a whole before anything is changed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gregaria.errors import GregariaError
from gregaria.runner.dispatch import check_load
from gregaria.typed import rate
from gregaria.web.form import WrongFieldError, as_host, as_rate, as_run_time_s, as_user_count, as_value

__all__ = ["NO_SHAPE", "RULES_SOURCE", "Order", "most_rps", "own_fields", "read_order", "rules_of_form"]

#: what the form calls a load without a shape
NO_SHAPE = "Default"

#: fields that stand for options of the command; a locustfile's own option of that name takes its place
MAX_RPS, FAIL_IF = "max_rps", "fail_if"
#: whose rules the form shows and replaces
RULES_SOURCE = "--fail-if"

_MISSING_LOAD = "Missing or invalid user_count or spawn_rate from /swarm request"

Fields = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Order:
    """A test as it is asked for, or the one that runs as it is to go on."""

    #: None where a shape decides, and where only the cap of a running test is to change
    load: tuple[int, float] | None
    #: seconds; None for no end
    run_time_s: int | float | None
    #: whether an end was spoken of at all
    has_run_time: bool
    host: str | None
    #: None to leave it as it is
    profile: str | None
    classes: list[Any]
    shape: Any
    #: values of the custom options that were given
    options: dict[str, Any]
    #: requests per second; None for any number
    max_rps: float | None
    #: those of ``--fail-if``
    rules: list[str]


def own_fields(environment: Any) -> list[str]:
    """The fields for options of the command that a form may have here."""
    return [name for name in (MAX_RPS, FAIL_IF) if name not in environment.custom_options]


def most_rps(environment: Any) -> float | None:
    """The cap that the command was given: whoever has started it may rely on it, so that a form can only go below."""
    given = getattr(environment.parsed_options, "max_rps", None) if MAX_RPS in own_fields(environment) else None
    return given if isinstance(given, float) else None


def rules_of_form(environment: Any) -> list[str]:
    """The rules that a form shows, and replaces: those of ``--fail-if``."""
    return [text for text, source in environment.judge.rules if source == RULES_SOURCE]


def read_order(environment: Any, fields: Fields, picks_classes: bool, is_running: bool) -> Order:
    """What these fields ask for.

    Args:
        environment: whose test it is; what is not spoken of stays as it is there.
        fields: each with its values.
        picks_classes: whether user classes and shape can be chosen.
        is_running: whether there is a test whose load is to change.

    Raises:
        WrongFieldError: a field says what cannot be.
    """
    one = {name: values[-1] for name, values in fields.items()}
    classes, shape = environment.user_classes, environment.shape_class
    if picks_classes:
        classes, shape = _chosen(environment, fields, is_running)
    with _of("user_count"):
        user_count = as_user_count(one)
    with _of("spawn_rate"):
        spawn_rate = as_rate(one)
    with _of("run_time"):
        run_time_s = as_run_time_s(one["run_time"]) if one.get("run_time", "").strip() else None
    with _of("host"):
        host = as_host(one["host"]) if "host" in one else environment.host
    own = own_fields(environment)
    is_cap_only = is_running and MAX_RPS in own and MAX_RPS in one and not {"user_count", "spawn_rate"} & one.keys()
    if shape is not None and is_running and not is_cap_only:
        raise WrongFieldError("Editing is disabled: the shape decides how many users there are")
    with _of("host"):
        environment.check_host(host)
    options = _options(environment, fields)
    max_rps = environment.max_rps
    if MAX_RPS in own and MAX_RPS in one:
        max_rps = _max_rps(one[MAX_RPS], most_rps(environment))
    rules = rules_of_form(environment)
    if FAIL_IF in own and FAIL_IF in fields:
        rules = _rules(environment, fields[FAIL_IF], rules if is_running else None)
    load = None
    if shape is None and not is_cap_only:
        load = _load(user_count, spawn_rate)
    return Order(
        load=load,
        run_time_s=run_time_s if shape is None else None,
        has_run_time="run_time" in one,
        host=host,
        profile=one.get("profile"),
        classes=classes,
        shape=shape,
        options=options,
        max_rps=max_rps,
        rules=rules,
    )


@contextmanager
def _of(field: str, prefix: str = "") -> Iterator[None]:
    """Whatever is wrong in here is told of that field, and after the prefix."""
    try:
        yield
    except (ValueError, GregariaError) as error:
        raise WrongFieldError(f"{prefix}{error}", field) from None


def _load(user_count: int | None, spawn_rate: float | None) -> tuple[int, float]:
    if user_count is None or spawn_rate is None:
        raise WrongFieldError(_MISSING_LOAD, "user_count" if user_count is None else "spawn_rate")
    with _of("user_count"):
        check_load(user_count, spawn_rate)
    return user_count, spawn_rate


def _max_rps(text: str, most: float | None) -> float | None:
    with _of(MAX_RPS, "--max-rps: "):
        wanted = rate(text.strip()) if text.strip() else None
        if most is not None and (wanted is None or wanted > most):
            raise ValueError(f"the command was started with {most:g}, and a form can only ask for less")
        return wanted


def _rules(environment: Any, texts: list[str], present: list[str] | None) -> list[str]:
    """The rules that were given, each as it can be judged; of a test that runs only those that it has."""
    with _of(FAIL_IF, "--fail-if: "):
        rules = [environment.judge.check_rule(text).text for text in texts if text.strip()]
        if present is not None and rules != present:
            raise ValueError("the rules of a test that runs stay as they are: stop it, and start one with others")
    return rules


def _options(environment: Any, fields: Fields) -> dict[str, Any]:
    """The custom options that the form gives, each as its type and its choices allow.

    No others, for a page is not to choose where files are written.
    """
    options = environment.parsed_options
    if options is None:
        return {}
    values = {}
    for name, option in environment.custom_options.items():
        # A page does not know what a secret is: left empty it stays.
        if name in fields and hasattr(options, name) and (fields[name][-1] or not option.is_secret):
            with _of(name, f"{name}: "):
                values[name] = as_value(option, fields[name], getattr(options, name))
    return values


def _chosen(environment: Any, fields: Fields, is_running: bool) -> tuple[list[Any], Any]:
    """The user classes and the shape that the form chooses; all of them, or the present ones of a running test."""
    available = environment.available_user_classes or environment.user_classes_by_name
    if not available:
        raise WrongFieldError("UserClass picker is active but there are no available UserClasses", "user_classes")
    names = fields.get("user_classes") or []
    unknown = [name for name in names if name not in available]
    if unknown:
        raise WrongFieldError(f"There is no user class {unknown[0]}: there are {', '.join(available)}", "user_classes")
    classes = [available[name] for name in dict.fromkeys(names)]
    if not classes:
        classes = list(environment.user_classes if is_running else available.values())
    shape = environment.shape_class
    if name := (fields.get("shape_class") or [""])[-1]:
        shapes = environment.available_shape_classes or {}
        if name != NO_SHAPE and name not in shapes:
            known = ", ".join([NO_SHAPE, *shapes])
            raise WrongFieldError(f"There is no shape {name}: there are {known}", "shape_class")
        shape = _instance_of(shapes.get(name))
    return classes, shape


def _instance_of(shape: Any) -> Any:
    """Shapes are given as instances by the command and may be classes in a script."""
    return shape() if isinstance(shape, type) else shape
