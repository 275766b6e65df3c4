/** What the figures of a report are of: when, where, with what, how far they can be trusted. */

import type { ComponentChildren } from "preact";

import type { ChosenClass, RunDocument } from "../document";
import { count, duration, moment } from "../format";

/** What options are called, and what they are counted in. */
const OPTIONS: Record<string, string> = {
  users: "Users", spawn_rate: "Spawn rate", run_time_s: "Run time", iterations: "Iterations",
  stop_timeout_s: "Stop timeout", tags: "Tags", exclude_tags: "Excluded tags", profile: "Profile", shape: "Shape",
  failures_dir: "Failures kept in",
};

export function Configuration({ document }: { document: RunDocument }) {
  const { generator, limits } = document;
  const { user_classes: classes = {}, custom_arguments: custom = {}, ...options } = document.options;
  const asked = Object.entries(options).filter(([, value]) => !isNothing(value));
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
              ...(limits?.max_rps ? [["Requests per second", `${limits.max_rps} at most`] as Fact] : []),
              ...(limits?.allowed_hosts ? [["Hosts allowed", limits.allowed_hosts.join(", ")] as Fact] : []),
              ...(document.interrupted
                ? [["Interrupted", `${count(document.interrupted)} requests on the wire at the end, not counted`] as Fact]
                : []),
            ]}
          />
        </section>
        {Object.keys(classes).length > 0 && (
          <section>
            <h3>User classes</h3>
            <Facts
              facts={Object.entries(classes).map(([name, chosen]): Fact => [name, classText(document, name, chosen)])}
            />
          </section>
        )}
        {Object.keys(custom).length > 0 && (
          <section>
            <h3>Arguments of the locustfile</h3>
            <Facts facts={Object.entries(custom).map(([name, value]): Fact => [name, argumentText(value)])} />
          </section>
        )}
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

function classText(document: RunDocument, name: string, { weight, fixed_count: fixed, host }: ChosenClass): string {
  const most = document.user_classes[name];
  return [
    fixed ? `fixed at ${count(fixed)}` : `weight ${weight}`,
    ...(most === undefined ? [] : [`${count(most)} users${document.ended_epoch_s === null ? "" : " at most"}`]),
    ...(host && host !== document.host ? [host] : []),
  ].join(", ");
}

/** As it was given: a figure may be an id, or a year. */
function argumentText(value: unknown): string {
  if (isNothing(value)) return "–";
  return Array.isArray(value) ? value.join(", ") : typeof value === "string" ? value : JSON.stringify(value);
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
