"""``--otel``: what needs the extra ``gregaria[otel]``, and is imported only when it is asked for."""

import importlib
import os
from typing import TYPE_CHECKING, Any

from gregaria.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from gregaria.metrics.otel import Telemetry

__all__ = ["load_otel", "new_telemetry"]


def load_otel() -> Any:
    """The module behind ``--otel``.

    Raises:
        CommandError: what it needs is not installed, or a variable names what is not.
    """
    try:
        return importlib.import_module("gregaria.metrics.otel")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        raise CommandError(
            f"--otel needs OpenTelemetry, of which {error.name} is missing: pip install 'gregaria[otel]'",
            ExitCode.NOT_AVAILABLE,
        ) from None
    except ValueError as error:
        # The SDK looks for propagators while it is imported.
        raise CommandError(
            f"--otel: OTEL_PROPAGATORS={os.environ.get('OTEL_PROPAGATORS', '')}: {error} tracecontext and baggage are "
            "there; others are packages of their own, as opentelemetry-propagator-b3 is",
            ExitCode.SETTINGS,
        ) from None


def new_telemetry(environment: Any, options: Any, *, has_metrics: bool = True) -> "Telemetry | None":
    """Begin to tell a receiver, if that is asked for.

    Args:
        environment: whose run it is, with its runner.
        options: of the command.
        has_metrics: tell figures beside spans.

    Raises:
        CommandError: a variable of OpenTelemetry's says what cannot be done.
    """
    if not options.otel:
        return None
    telemetry: Telemetry = load_otel().Telemetry(environment, has_metrics=has_metrics)
    return telemetry
