/** Whether the target is good enough: each rule, how it stands, and why. */

import { useDesk } from "../desk";
import { clock, duration, plural, stopwatch } from "../format";
import { type Rule, type Run, type Verdict as Told, isActive } from "../model";
import type { Tab } from "../Shell";
import { type Gauge, type Standing, enderOf, gaugeOf, isOfGenerator, standingsOf } from "../verdict";

const SIGNS: Record<Standing, string> = {
  "broken": "✗", "no data": "✗", "waiting": "·", "passed": "✓", "not judged": "·",
};
/** What a rule that has no data yet is called. */
const WORDS: Partial<Record<Standing, string>> = { waiting: "not yet known" };
/** Seconds around the moment at which a rule broke that the charts then show. */
const AROUND_S = 30;
/** How many times the limit a gauge goes to. */
const GAUGE_TO = 2;

/** The panel as a tab, where there are rules. */
export function verdictTab(verdict: Told | null): Tab[] {
  if (!verdict?.rules.length) return [];
  const badge = verdict.rules.filter(({ state }) => state === "broken").length;
  return [{ key: "verdict", title: "Verdict", badge, tone: "red", panel: () => <Verdict /> }];
}

export function Verdict() {
  const { store } = useDesk();
  const [verdict, run] = [store.verdict.value, store.run.value];
  if (!verdict || !run) return null;
  const { rules } = standingsOf(verdict, run);
  const ender = enderOf(store.marks.value);
  return (
    <div class="panel">
      <Head verdict={verdict} run={run} ender={ender} />
      <ul class="rules">
        {rules.map(({ rule, standing }) => (
          <RuleLine
            key={`${rule.source} ${rule.rule}`}
            rule={rule}
            standing={standing}
            run={run}
            isEnder={rule.rule === ender}
          />
        ))}
      </ul>
    </div>
  );
}

function Head({ verdict, run, ender }: { verdict: Told; run: Run; ender: string | null }) {
  const { store } = useDesk();
  const isRunning = isActive(run.state);
  const { rules, counts } = standingsOf(verdict, run);
  const first = rules[0]?.rule;
  const failed = isRunning ? counts.broken > 0 : !verdict.passed;
  const leftS = verdict.warmup_s + (run.started_epoch_s ?? 0) - store.nowEpochS.value;
  const isWarm = !isRunning || leftS <= 0;
  return (
    <section class={`outcome ${failed ? "outcome-failed" : ""}`} aria-label="Outcome">
      {(isRunning || ender) && <h3>{isRunning ? "So far" : "A rule has ended the test"}</h3>}
      <p class="outcome-word">{wordOf(verdict, counts, isRunning, isWarm)}</p>
      <p>
        {counts.broken > 0 && first?.broke_epoch_s
          ? (
            <>
              {counts.broken > 1 ? "First: " : ""}
              <code class="break">{first.rule}</code> at <b>{clock(first.broke_epoch_s)}</b>
              {run.started_epoch_s !== null && `, ${duration(first.broke_epoch_s - run.started_epoch_s)} into the test`}
            </>
          )
          : isWarm ? gistOf(counts, isRunning) : `Rules begin to look in ${duration(Math.ceil(leftS))}.`}
      </p>
      {rules.some(({ rule, standing }) => isOfGenerator(rule) && standing === "broken") && (
        <p class="amber">The generator was the bottleneck, so that no figure says much of the target.</p>
      )}
      <p class="muted outcome-facts">
        <span>{tally(counts)}</span>
        {verdict.warmup_s > 0 && <span>the first {duration(verdict.warmup_s)} are not judged</span>}
        {verdict.baseline && <span class="break">the baseline is {verdict.baseline}</span>}
      </p>
    </section>
  );
}

/** What is to be said where no rule has broken at a moment. */
function gistOf(counts: Record<Standing, number>, isRunning: boolean): string {
  if (isRunning) return "That may still change until the end.";
  if (counts["no data"]) return `${plural(counts["no data"], "rule")} had nothing to judge by, which fails.`;
  if (counts.broken) return "";
  if (!counts.passed) return "No rule was asked: what they wait for never came about.";
  return counts["not judged"] ? "Each rule that was asked was kept." : "Each rule was kept.";
}

function wordOf(verdict: Told, counts: Record<Standing, number>, isRunning: boolean, isWarm: boolean): string {
  if (!isRunning) return verdict.passed ? "✓ Passed" : "✗ Failed";
  if (!isWarm) return "Warming up";
  return counts.broken ? `✗ ${plural(counts.broken, "rule")} broken` : "✓ No rule is broken";
}

/** "2 broken, 1 without data, 3 kept". */
function tally(counts: Record<Standing, number>): string {
  const parts: [number, string][] = [
    [counts.broken, "broken"], [counts["no data"], "without data"], [counts.waiting, "not known yet"],
    [counts.passed, "kept"], [counts["not judged"], "not judged"],
  ];
  return parts.filter(([number]) => number).map(([number, word]) => `${number} ${word}`).join(", ");
}

interface LineProps {
  rule: Rule;
  standing: Standing;
  run: Run;
  /** Whether it has ended the test. */
  isEnder: boolean;
}

function RuleLine({ rule, standing, run, isEnder }: LineProps) {
  const gauge = gaugeOf(rule);
  const isBad = standing === "broken" || standing === "no data";
  const tone = isBad ? (isOfGenerator(rule) ? "amber" : "red") : standing === "passed" ? "" : "muted";
  return (
    <li class={`rule ${isBad ? `rule-${tone}` : "rule-calm"}`}>
      <span class={`rule-state ${tone}`}>
        <span aria-hidden="true">{SIGNS[standing]}</span> {isEnder ? "ended the test" : (WORDS[standing] ?? standing)}
      </span>
      <span class="rule-main">
        <b class="mono break">{rule.rule}</b>
        <span class="break">{standing === "waiting" ? "There is nothing to judge it by yet." : rule.sentence}</span>
        {rule.source !== "--fail-if" && <span class="muted help">by {rule.source}</span>}
      </span>
      {gauge && <GaugeBar gauge={gauge} tone={tone} />}
      {rule.broke_epoch_s !== null && <BrokeAt epochS={rule.broke_epoch_s} startedS={run.started_epoch_s} />}
    </li>
  );
}

/** The figure as a bar, its limit as a line, and the side that is bad in a light red. */
function GaugeBar({ gauge, tone }: { gauge: Gauge; tone: string }) {
  const share = Math.min(gauge.ratio / GAUGE_TO, 1) * 100;
  return (
    <span class={`gauge ${gauge.isMost ? "gauge-most" : "gauge-least"}`}>
      <span class="gauge-track" aria-hidden="true">
        <i class={tone === "red" ? "gauge-bar gauge-bar-red" : "gauge-bar"} style={{ width: `${share}%` }} />
      </span>
      <span class="muted help">{gauge.text}</span>
    </span>
  );
}

/** When it broke; leads to the charts of that moment. */
function BrokeAt({ epochS, startedS }: { epochS: number; startedS: number | null }) {
  const desk = useDesk();
  return (
    <button
      type="button"
      class="rule-when"
      title="The charts of that moment"
      onClick={() => {
        desk.view.choose(epochS - AROUND_S, epochS + AROUND_S);
        desk.tab.value = "charts";
      }}
    >
      <b>{clock(epochS)}</b>
      {startedS !== null && <span class="muted help">at {stopwatch(Math.round(epochS - startedS))} of the test</span>}
    </button>
  );
}

/** Beside the state of the run: what is broken now, and at the end what came of it. */
export function VerdictState() {
  const { store, tab } = useDesk();
  const verdict = store.verdict.value;
  const run = store.run.value;
  if (!verdict?.rules.length || !run || run.started_epoch_s === null) return null;
  const isRunning = isActive(run.state);
  const broken = verdict.rules.filter(({ state }) => state === "broken").length;
  if (isRunning && !broken) return null;
  const isRed = isRunning || !verdict.passed;
  return (
    <button
      type="button"
      class={`quiet ${isRed ? "red" : ""}`}
      title={told(verdict, isRunning)}
      onClick={() => (tab.value = "verdict")}
    >
      {isRunning ? `✗ ${broken} broken` : verdict.passed ? "✓ passed" : "✗ failed"}
    </button>
  );
}

function told(verdict: Told, isRunning: boolean): string {
  if (!isRunning) return `The run has ${verdict.sentence}.`;
  const broken = verdict.rules.filter(({ state }) => state === "broken").length;
  return `${broken} of ${verdict.rules.length} rules broken at the moment.`;
}
