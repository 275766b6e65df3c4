/** What is made of a verdict to show it: which rule comes first, how far it is from its limit, what charts mark. */

import { type Mark, type Rule, type Run, type Verdict, isActive } from "./model";

/** How a rule stands for whoever looks: while a test runs, what has no data yet has not failed. */
export type Standing = "broken" | "no data" | "waiting" | "passed" | "not judged";

const FIRST_TO_LAST: readonly Standing[] = ["broken", "no data", "waiting", "passed", "not judged"];
/** The rule whose breaking says something of the generator, not of the target. */
const SATURATED = "--fail-if-saturated";
/** A window in which each second is judged by itself, outside of names. */
const EACH_SECOND = /\bfor\s+[\d.]+\s*(s|min|m|h)\b/;
const NAMES = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g;

export interface Standings {
  /** The rules, those that matter most first: broken ones in the order in which they broke. */
  rules: readonly { rule: Rule; standing: Standing }[];
  counts: Record<Standing, number>;
}

export function standingsOf(verdict: Verdict, run: Run): Standings {
  const counts: Record<Standing, number> = { "broken": 0, "no data": 0, "waiting": 0, "passed": 0, "not judged": 0 };
  const rules = verdict.rules.map((rule) => ({ rule, standing: standingOf(rule, run) }));
  for (const { standing } of rules) counts[standing]++;
  rules.sort((a, b) => placeOf(a.standing) - placeOf(b.standing) || brokeS(a.rule) - brokeS(b.rule));
  return { rules, counts };
}

function standingOf({ state }: Rule, run: Run): Standing {
  return isActive(run.state) && state !== "broken" && state !== "passed" ? "waiting" : state;
}

function placeOf(standing: Standing): number {
  return FIRST_TO_LAST.indexOf(standing);
}

function brokeS({ broke_epoch_s: at }: Rule): number {
  return at ?? Infinity;
}

/** Whether a rule that fails is the generator's trouble. */
export function isOfGenerator({ source }: Rule): boolean {
  return source === SATURATED;
}

/** A figure beside its limit. */
export interface Gauge {
  /** The figure as a part of the limit. */
  ratio: number;
  /** Whether it is the larger figures that are bad. */
  isMost: boolean;
  text: string;
}

/** How far a rule's figure is from its limit; null where that means nothing. */
export function gaugeOf({ rule, state, value, limit }: Rule): Gauge | null {
  if ((state !== "passed" && state !== "broken") || value === null || limit === null) return null;
  if (limit <= 0 || value < 0 || value === limit) return null;
  // Its figure is that of the last second alone, of which it does not fail.
  if (state === "passed" && EACH_SECOND.test(rule.replace(NAMES, ""))) return null;
  const ratio = value / limit;
  return { ratio, isMost: (state === "broken") === ratio > 1, text: `${shareOf(ratio)} the limit` };
}

function shareOf(ratio: number): string {
  if (ratio >= 10) return `${ratio < 1e6 ? Math.round(ratio).toLocaleString("en-US") : "> 1,000,000"} times`;
  if (ratio >= 2) return `${ratio.toFixed(1)} times`;
  const percent = 100 * ratio;
  // A hair from it is not at it.
  const text = percent < 1 ? "< 1" : Math.abs(percent - 100) < 1 ? percent.toFixed(1) : percent.toFixed(0);
  return `${text} % of`;
}

/** Why a rule has ended the test, as the test's last mark says; null where none has. */
export function enderOf(marks: readonly Mark[]): string | null {
  const stop = marks.filter(({ kind }) => kind === "stop").at(-1);
  return /^a rule is broken: (.*)$/s.exec(stop?.text ?? "")?.[1] ?? null;
}

/** The marks of charts: a broken rule's where it broke, not where that was told, and the end of the warm-up. */
export function marksWith(
  marks: readonly Mark[], verdict: Verdict | null, run: Run | null, nowS: number,
): readonly Mark[] {
  if (!verdict) return marks;
  const warmS = run?.started_epoch_s && verdict.warmup_s ? run.started_epoch_s + verdict.warmup_s : Infinity;
  const added: Mark[] = verdict.rules.flatMap(({ rule, broke_epoch_s: at }) =>
    at === null ? [] : [{ epochS: at, kind: "rule" as const, text: `broken: ${rule}` }]);
  if (warmS <= nowS) added.push({ epochS: warmS, kind: "warmup", text: "the warm-up is over" });
  const others = marks.filter(({ kind }) => kind !== "rule");
  return [...others, ...added].sort((a, b) => a.epochS - b.epochS);
}
