/** What the figures of a report are of: when, where, with what, how far they can be trusted. */

import type { ComponentChildren } from "preact";

import type { RunDocument } from "../document";
import { count, duration, moment } from "../format";

/** What options are called, and what they are counted in. */
const OPTIONS: Record<string, string> = {
  users: "Users", spawn_rate: "Spawn rate", run_time_s: "Run time", iterations: "Iterations",
  stop_timeout_s: "Stop timeout", tags: "Tags", exclude_tags: "Excluded tags", profile: "Profile",
  failures_dir: "Failures kept in",
};

export function Configuration({ document }: { document: RunDocument }) {
  const { generator } = document;
  const asked = Object.entries(document.options).filter(([, value]) => !isNothing(value));
  return (
    <div class="panel configuration">
      <Verdict document={document} />
      <div class="columns-2">
        <section>
          <h3>The test</h3>
          <Facts
            facts={[
              ["Target", document.host ?? "each user's own"],
              ["Locustfiles", document.locustfiles.map((path) => path.replace(/^.*[\\/]/, "")).join(", ")],
              ["Started", moment(document.started_epoch_s)],
              ["Ended", moment(document.ended_epoch_s)],
              ["Took", duration(document.duration_s)],
              ...asked.map(([name, value]): Fact => [OPTIONS[name] ?? name.replaceAll("_", " "), textOf(name, value)]),
              ...(document.interrupted
                ? [["Interrupted", `${count(document.interrupted)} requests on the wire at the end, not counted`] as Fact]
                : []),
            ]}
          />
        </section>
        <section>
          <h3>The generator</h3>
          <Facts
            facts={[
              ["Gregaria", document.gregaria_version],
              ...Object.entries(document.machine ?? {}).map(([name, value]): Fact =>
                [name.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase()), textOf(name, value)]),
              ...(generator
                ? [
                  ["Watched", `${count(generator.seconds_watched)} s, ${count(generator.seconds_late)} s late`] as Fact,
                  ["Longest delay", `${generator.longest_delay_ms.toFixed(1)} ms`] as Fact,
                  ["Most CPU", `${Math.round(generator.longest_cpu_percent)} % of a core`] as Fact,
                ]
                : []),
            ]}
          />
        </section>
      </div>
    </div>
  );
}

function Verdict({ document: { generator, notes } }: { document: RunDocument }) {
  const isTrusted = generator?.verdict.trusted ?? true;
  return (
    <>
      {generator && (
        <p class={`verdict ${isTrusted ? "" : "banner-amber"}`}>
          <b>{isTrusted ? "✓ " : "⚠ "}</b>
          {generator.verdict.sentence}
        </p>
      )}
      {notes.map((note) => <p class="verdict banner-amber" key={note}>⚠ {note}</p>)}
      {generator && !isTrusted && generator.causes.length > 0 && (
        <ul class="causes">
          {generator.causes.map((cause) => (
            <li key={cause.sentence}>{cause.sentence}. <span class="muted">{cause.advice}</span></li>
          ))}
        </ul>
      )}
    </>
  );
}

type Fact = [string, ComponentChildren];

function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="pairs">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd class="break">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);
}

function textOf(name: string, value: unknown): string {
  if (name.endsWith("_s") && typeof value === "number") return duration(value);
  if (name === "spawn_rate") return `${String(value)} users per second`;
  if (typeof value === "number") return count(value);
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
