"""Whether the target is good enough: what the rules of a run have come to. What judges is in rules/."""

from dataclasses import dataclass

__all__ = ["BROKEN", "NOT_JUDGED", "NO_DATA", "PASSED", "RuleResult", "Verdict"]

PASSED, BROKEN, NO_DATA, NOT_JUDGED = "passed", "broken", "no data", "not judged"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule, and how it stands."""

    text: str
    #: where it was given: ``--fail-if``, ``fail_if()``, ``--check-rps`` ...
    source: str
    #: one of ``passed``, ``broken``, ``no data`` and ``not judged``
    state: str
    #: what was found and what it was compared with, in the unit; None where that is not known
    value: float | None
    limit: float | None
    #: ``ms``, ``ratio`` (0..1), ``count``, ``per_s``; empty for what has none of these
    unit: str
    #: since when it has been broken
    broke_epoch_s: float | None
    #: the reason, in words
    sentence: str
    #: how the command leaves when the rule fails
    exit_code: int
    #: whether it says how many failures there may be
    is_about_failures: bool = False

    @property
    def fails(self) -> bool:
        """Whether the run is not good enough by it: a rule without data fails, one that was never asked does not."""
        return self.state in (BROKEN, NO_DATA)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all rules of a run say."""

    rules: tuple[RuleResult, ...]
    #: the file of ``--baseline``
    baseline: str | None = None
    #: seconds at the beginning that were not judged
    warmup_s: float = 0.0

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that the run was not good enough for."""
        return tuple(rule for rule in self.rules if rule.fails)

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        """The rules that say what is so, at the moment or for good; those without data are not among them."""
        return tuple(rule for rule in self.rules if rule.state == BROKEN)

    @property
    def limits_failures(self) -> bool:
        """Whether a rule says how many failures there may be, so that any single one is none of the exit code's."""
        return any(rule.is_about_failures for rule in self.rules)

    @property
    def sentence(self) -> str:
        """The verdict in a few words."""
        if not self.failed:
            unasked = sum(rule.state == NOT_JUDGED for rule in self.rules)
            kept = len(self.rules) - unasked
            told = f"passed, {kept} of {len(self.rules)} {_noun(len(self.rules))} kept"
            return f"{told}, {unasked} not judged" if unasked else told
        return f"failed, {len(self.failed)} of {len(self.rules)} {_noun(len(self.rules))} broken"


def _noun(count: int) -> str:
    return "rule" if count == 1 else "rules"
