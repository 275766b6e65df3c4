"""Reads rules: ``p99 of 'GET /cart' > 800ms for 30s``. docs/rules.md has the grammar."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from gregaria.errors import RuleError
from gregaria.rules.expression import Baseline, Binary, Comparison, Metric, Node, Number, compared
from gregaria.rules.figures import METRICS, SHARE, TIME, Dimension, Kind, percentile

__all__ = ["GRAMMAR", "Rule", "parse"]

#: for ``--help`` and docs/rules.md, which are the same
GRAMMAR = """\
rule       = comparison { "while" comparison } [ "for" duration | "over" duration ] [ "abort" [ "after" duration ] ]
comparison = sum ( ">" | ">=" | "<" | "<=" | "==" | "!=" ) sum
sum        = product { ( "+" | "-" ) product }
product    = value { ( "*" | "/" ) value }
value      = number [ unit ] | metric [ "of" name ] | "baseline" | "(" sum ")"
metric     = "p50" ... "p99.99" | "median" | "avg" | "min" | "max" | "rps" | "requests" | "failures"
           | "fail_ratio" | "fail_per_s" | "generator_errors" | "users" | "late_ratio"
unit       = "us" | "ms" | "s" | "min" | "h" | "%" | "k"
duration   = number ( "s" | "min" | "m" | "h" )
name       = "'GET /cart'" | '"/cart"'                 (the method is optional)"""

_MOST_CHARACTERS = 1000
_MOST_NESTED = 20
_LONGEST_WINDOW_S = 3600
#: what each unit makes of a number, and of what dimension that is
_UNITS: dict[str, tuple[Fraction, Dimension | None]] = {
    "us": (Fraction(1, 1_000_000), TIME),
    "ms": (Fraction(1, 1000), TIME),
    "s": (Fraction(1), TIME),
    "min": (Fraction(60), TIME),
    "h": (Fraction(3600), TIME),
    "%": (Fraction(1, 100), SHARE),
    "k": (Fraction(1000), None),
}
_DURATIONS = {"s": 1, "min": 60, "m": 60, "h": 3600}
_SIGNS = (">", ">=", "<", "<=", "==", "!=")
_CLAUSES = ("while", "for", "over", "abort")

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[0-9]+)?)
      | (?P<name>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<sign>>=|<=|==|!=|[-+*/()<>%])
    )""",
    re.VERBOSE | re.DOTALL,
)
_PERCENTILE = re.compile(r"p([0-9]{1,3}(?:\.[0-9]{1,6})?)")
_ESCAPED = re.compile(r"""\\(['"\\])""")
#: what to do about a word that stands where it cannot
_HINTS = {
    "while": " (while stands behind a comparison, before for and over)",
    "and": " (while adds a condition)",
    "or": " (two rules say two things that must not be)",
}
#: what other tools call a figure
_OTHER_WORDS = {
    "p": "p95",
    "med": "median",
    "mean": "avg",
    "latency": "p95",
    "response_time": "p95",
    "http_req_duration": "p95",
    "http_req_failed": "fail_ratio",
    "error_rate": "fail_ratio",
    "errors": "failures",
    "count": "requests",
    "http_reqs": "requests",
    "rate": "rps",
    "vus": "users",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What must not be."""

    text: str
    comparison: Comparison
    #: only what was counted while all of these held is judged
    conditions: tuple[Comparison, ...] = ()
    #: what the conditions say, for people
    conditions_text: str = ""
    #: it has to hold in each second of so many
    for_s: float | None = None
    #: it has to hold for the figures of so many seconds taken together
    over_s: float | None = None
    aborts: bool = False
    #: seconds of the test in which it does not abort
    aborts_after_s: float = 0.0

    @property
    def window_s(self) -> float | None:
        """How long the stretch of time is that it is judged over; None for the whole run."""
        return self.over_s if self.for_s is None else self.for_s

    @property
    def baseline_at(self) -> int | None:
        """Where it speaks of a baseline; None if it does not."""
        found = (comparison.baseline_at for comparison in (self.comparison, *self.conditions))
        return next((at for at in found if at is not None), None)

    @property
    def is_about_failures(self) -> bool:
        """Whether it says how many failures there may be."""
        return any(metric.text in ("fail_ratio", "fail_per_s", "failures") for metric in self.comparison.metrics)


def parse(text: str) -> Rule:
    """Read a rule.

    Raises:
        RuleError: it is none; the message shows the character that is wrong and what may stand there.
    """
    if len(text) > _MOST_CHARACTERS:
        raise RuleError(text[:80] + "…", 0, f"a rule has at most {_MOST_CHARACTERS} characters, not {len(text):,}")
    return _Reader(text).rule()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


class _Reader:
    """Goes through a rule from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._place = 0
        self._depth = 0

    def rule(self) -> Rule:
        comparison = self._comparison()
        conditions = []
        begin = end = 0
        while self._take("while"):
            begin = begin or self._here.at
            conditions.append(self._comparison())
            end = self._here.at
        for_s = self._duration(_LONGEST_WINDOW_S) if self._take("for") else None
        over_s = self._duration(_LONGEST_WINDOW_S) if for_s is None and self._take("over") else None
        aborts = self._take("abort")
        after_s = self._duration(None) if aborts and self._take("after") else 0.0
        if self._here.kind != "end":
            raise self._expected(*self._what_may_follow(conditions, for_s or over_s, aborts))
        said = self._text[begin:end].strip()
        return Rule(self._text.strip(), comparison, tuple(conditions), said, for_s, over_s, aborts, after_s)

    def _what_may_follow(self, conditions: Sequence[Comparison], window_s: float | None, aborts: bool) -> list[str]:
        before = self._tokens[self._place - 1]
        more = ["+", "-", "*", "/"] if not aborts and window_s is None else []
        if before.kind == "word" and _kind_of(before.text) is not None:
            more = ["of", *more]
        elif before.kind == "number" and more:
            more = ["a unit", *more]
        clauses = _CLAUSES[3 if window_s is not None else 0 :] if not aborts else ["after"]
        return [*more, *clauses, "the end"]

    def _comparison(self) -> Comparison:
        left = self._sum()
        sign = self._here
        if sign.text not in _SIGNS:
            raise self._expected(*_SIGNS, "+", "-", "*", "/")
        self._place += 1
        return compared(self._text, sign.at, sign.text, left, self._sum())

    def _sum(self) -> Node:
        node = self._product()
        while self._here.text in ("+", "-"):
            sign = self._next()
            node = Binary(sign.at, sign.text, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._value()
        while self._here.text in ("*", "/"):
            sign = self._next()
            node = Binary(sign.at, sign.text, node, self._value())
        return node

    def _value(self) -> Node:
        token = self._here
        if token.kind == "number":
            return self._number()
        if token.kind == "word":
            return self._metric()
        if token.text != "(":
            raise self._expected("a number", "a metric such as p95", "baseline", "(")
        self._depth += 1
        if self._depth > _MOST_NESTED:
            raise RuleError(self._text, token.at, f"brackets stand in each other {_MOST_NESTED} times at most")
        self._place += 1
        node = self._sum()
        if self._here.text != ")":
            raise self._expected(")", "+", "-", "*", "/")
        self._place += 1
        self._depth -= 1
        return node

    def _number(self) -> Number:
        token = self._next()
        value, unit = self._fraction(token), self._here
        if unit.text in _UNITS and unit.kind in ("word", "sign"):
            self._place += 1
            factor, dimension = _UNITS[unit.text]
            return Number(token.at, value * factor, dimension)
        if unit.kind == "word" and unit.at == token.at + len(token.text):
            raise RuleError(self._text, unit.at, f"there is no unit {unit.text}; there are {', '.join(_UNITS)}")
        return Number(token.at, value, None)

    def _metric(self) -> Node:
        token = self._next()
        if token.text == "baseline":
            return Baseline(token.at)
        kind = _kind_of(token.text)
        if kind is None:
            raise RuleError(self._text, token.at, _no_metric(token.text))
        if not self._take("of"):
            return Metric(token.at, token.text, kind, None)
        of, name = self._tokens[self._place - 1], self._here
        if not kind.has_names:
            raise RuleError(self._text, of.at, f"{token.text} is of the whole test and has no names")
        if name.kind != "name":
            raise self._expected("a name in quotes, such as 'GET /cart'")
        self._place += 1
        told = _ESCAPED.sub(r"\1", name.text[1:-1])
        if not told.strip():
            raise RuleError(self._text, name.at, "the name is empty; without of, all requests are meant")
        return Metric(token.at, token.text, kind, told)

    def _duration(self, longest_s: float | None) -> float:
        token = self._here
        if token.kind != "number":
            raise self._expected("a duration such as 30s")
        self._place += 1
        unit = self._here
        if unit.text not in _DURATIONS:
            raise self._expected(*_DURATIONS)
        self._place += 1
        seconds = float(self._fraction(token) * _DURATIONS[unit.text])
        if longest_s is not None and not 1 <= seconds <= longest_s:
            raise RuleError(self._text, token.at, "a window is from 1s to 1h long: it is judged once a second")
        return seconds

    def _fraction(self, token: _Token) -> Fraction:
        if len(token.text) > 15:
            raise RuleError(self._text, token.at, "a number has at most 15 digits")
        return Fraction(token.text)

    @property
    def _here(self) -> _Token:
        return self._tokens[self._place]

    def _next(self) -> _Token:
        self._place += 1
        return self._tokens[self._place - 1]

    def _take(self, word: str) -> bool:
        """Go on behind a word, if it stands here."""
        is_here = self._here.kind == "word" and self._here.text == word
        self._place += is_here
        return is_here

    def _expected(self, *what: str) -> RuleError:
        found = self._here
        choices = what[0] if len(what) == 1 else f"{', '.join(what[:-1])} or {what[-1]}"
        stands = "the rule ends here" if found.kind == "end" else f"{found.text} cannot stand here"
        return RuleError(self._text, found.at, f"{stands}; expected {choices}{_HINTS.get(found.text, '')}")


def _tokens(text: str) -> list[_Token]:
    tokens = []
    end = len(text.rstrip())
    at = 0
    while at < end:
        found = _TOKEN.match(text, at, end)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            if text[at] in "'\"":
                raise RuleError(text, at, f"the name that begins here has no end; expected another {text[at]}")
            if text[at] == "=":
                raise RuleError(text, at, "= cannot stand here; == compares")
            raise RuleError(text, at, f"{text[at]!r} has no meaning in a rule")
        kind = found.lastgroup
        assert kind is not None
        tokens.append(_Token(kind, found[kind], found.start(kind)))
        at = found.end()
    return [*tokens, _Token("end", "", end)]


def _kind_of(word: str) -> Kind | None:
    found = _PERCENTILE.fullmatch(word)
    if found is None:
        return METRICS.get(word)
    fraction = Fraction(found[1]) / 100
    return percentile(float(fraction)) if 0 < fraction <= 1 else None


def _no_metric(word: str) -> str:
    if _PERCENTILE.fullmatch(word):
        return f"there is no percentile {word}: they go from p1 to p100, with decimals where wanted (p99.9)"
    small = word.lower()
    near = difflib.get_close_matches(small, [*METRICS, "baseline"], 1, 0.6)
    meant = small if _kind_of(small) else _OTHER_WORDS.get(small) or (near[0] if near else "")
    hint = f"did you mean {meant}?" if meant else f"there are p50 to p99.99, {', '.join(METRICS)} and baseline"
    return f"there is no metric {word}; {hint}"
