/** What changed between two runs: a verdict, and for each name by how much and how sure that is. */

import { count, figure, milliseconds, percent } from "../format";
import type { Change, ComparedRow, Comparison as Compared, Metric } from "../model";

const METRICS: readonly [Metric, string][] = [
  ["rate", "Req/s"], ["failures", "Failed"], ["p50", "p50 (ms)"], ["p95", "p95 (ms)"], ["p99", "p99 (ms)"],
];
/** Larger changes are told as such. */
const MOST_HUNDREDTHS = 999;

export function Comparison({ comparison }: { comparison: Compared }) {
  const { a, b, notes, rows, total, only_in_a: onlyA, only_in_b: onlyB } = comparison;
  return (
    <section aria-label="Comparison">
      <h2>{comparison.sentence}</h2>
      <p class="muted">
        A: {a.label} ({count(a.compared_s)} s). B: {b.label} ({count(b.compared_s)} s). Changes with 95 % intervals.
      </p>
      {notes.map((note) => <p class="verdict banner-amber" key={note}>{note}</p>)}
      <div class="scroll-x">
        <table class="plain compared">
          <thead>
            <tr>
              <th scope="col">Method</th>
              <th scope="col">Name</th>
              {METRICS.map(([metric, label]) => <th scope="col" class="number" key={metric}>{label}</th>)}
            </tr>
          </thead>
          <tbody>
            {[total, ...rows].map((row) => <ComparedLine key={`${row.method} ${row.name}`} row={row} />)}
          </tbody>
        </table>
      </div>
      {onlyA.length > 0 && <p class="muted">Only in A: {listed(onlyA)}</p>}
      {onlyB.length > 0 && <p class="muted">Only in B: {listed(onlyB)}</p>}
    </section>
  );
}

function ComparedLine({ row }: { row: ComparedRow }) {
  return (
    <tr>
      <td class="method">{row.method}</td>
      <th scope="row" class="break">{row.name}</th>
      {METRICS.map(([metric]) => <ChangeCell key={metric} metric={metric} change={row.changes[metric]} />)}
    </tr>
  );
}

function ChangeCell({ metric, change }: { metric: Metric; change: Change }) {
  const worse = metric === "rate" ? change.direction < 0 : change.direction > 0;
  return (
    <td class={`number ${worse && change.matters ? "red" : ""}`}>
      {valueOf(metric, change.a)} → {valueOf(metric, change.b)}
      <br />
      <b>{signed(metric, change.change)}</b>{" "}
      <span class="muted">
        {change.low === null || change.high === null
          ? "cannot tell"
          : `(${points(change.low)} to ${points(change.high)})`}
      </span>
    </td>
  );
}

function valueOf(metric: Metric, value: number | null): string {
  if (value === null) return "–";
  if (metric === "failures") return percent(value, 1);
  return metric === "rate" ? figure(value) : milliseconds(value * 1000);
}

/** A share of requests changes by points, all else by a share of itself. */
function signed(metric: Metric, change: number | null): string {
  if (change === null) return "–";
  return `${points(change)} ${metric === "failures" ? "pt" : "%"}`;
}

/** Hundredths, without digits that say nothing. */
function points(change: number): string {
  const hundredths = change * 100;
  if (hundredths > MOST_HUNDREDTHS) return `>+${MOST_HUNDREDTHS}`;
  const text = hundredths.toFixed(Math.abs(hundredths) < 99.95 ? 1 : 0);
  return hundredths >= 0 ? `+${text}` : text;
}

function listed(keys: readonly [string, string][]): string {
  return keys.map((key) => key.join(" ").trim()).join(", ");
}
