"""What a start changes before the runner can refuse it."""

from typing import Any

from gregaria.web.order import RULES_SOURCE, rules_of_form

__all__ = ["Before"]

_ATTRIBUTES = ("host", "profile", "shape_class", "max_rps")


class Before:
    """How an environment and its options are at this moment, so that they can be so again.

    Args:
        environment: whose test is about to be started.
    """

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._attributes = {name: getattr(environment, name) for name in _ATTRIBUTES}
        self._user_classes = list(environment.user_classes)
        self._rules = rules_of_form(environment)
        self._options = {} if environment.parsed_options is None else dict(vars(environment.parsed_options))

    def give_back(self) -> None:
        """Let everything be as it was; a secret that has been given by then stays one."""
        environment = self._environment
        for name, value in self._attributes.items():
            setattr(environment, name, value)
        # Those of a test that runs are left to what they have seen.
        if rules_of_form(environment) != self._rules:
            environment.judge.replace_rules(self._rules, RULES_SOURCE)
        # In place: the runner looks at this very list.
        environment.user_classes[:] = self._user_classes
        if environment.parsed_options is not None:
            options = vars(environment.parsed_options)
            options.clear()
            options.update(self._options)
