/** Whether the target is good enough: each rule, how it stands, and why. */

import { useDesk } from "../desk";
import { isActive, type Rule, type Verdict as Told } from "../model";
import type { Tab } from "../Shell";

const SIGNS: Record<Rule["state"], string> = { passed: "✓", broken: "✗", "no data": "✗", "not judged": "·" };

/** The panel as a tab, where there are rules. */
export function verdictTab(verdict: Told | null): Tab[] {
  if (!verdict) return [];
  const badge = verdict.rules.filter(({ state }) => state === "broken").length;
  return [{ key: "verdict", title: "Verdict", badge, tone: "red", panel: () => <Verdict /> }];
}

export function Verdict() {
  const { store } = useDesk();
  const verdict = store.verdict.value;
  if (!verdict) return null;
  return (
    <div class="panel">
      <p class="muted">
        {told(verdict, isActive(store.run.value?.state ?? "stopped"))}
        {verdict.warmup_s > 0 && <> The first {verdict.warmup_s} s are not judged.</>}
        {verdict.baseline && <> The baseline is {verdict.baseline}.</>}
      </p>
      <div class="scroll-x">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Must not be</th>
              <th scope="col">State</th>
              <th scope="col">Why</th>
              <th scope="col">Broken since</th>
              <th scope="col">From</th>
            </tr>
          </thead>
          <tbody>
            {verdict.rules.map((rule) => (
              <tr key={`${rule.source} ${rule.rule}`}>
                <th scope="row" class="mono">{rule.rule}</th>
                <td class={toneOf(rule)}>{SIGNS[rule.state]} {rule.state}</td>
                <td>{rule.sentence}</td>
                <td>{rule.broke_epoch_s === null ? "" : new Date(rule.broke_epoch_s * 1000).toLocaleTimeString()}</td>
                <td class="muted">{rule.source}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

/** Beside the state of the run: what is broken now, and at the end what came of it. */
export function VerdictState() {
  const { store, tab } = useDesk();
  const verdict = store.verdict.value;
  const run = store.run.value;
  if (!verdict || !run || run.started_epoch_s === null) return null;
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
  return broken ? `${broken} of ${verdict.rules.length} rules broken at the moment.` : "No rule is broken so far.";
}

function toneOf({ state }: Rule): string {
  if (state === "passed") return "";
  return state === "not judged" ? "muted" : "red";
}
