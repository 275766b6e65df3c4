/** The last lines that master and workers have logged. */

import { useComputed, useSignal } from "@preact/signals";

import { CopyButton } from "../CopyButton";
import { useDesk, usePolled } from "../desk";
import { plural } from "../format";
import type { Logs as LogLines } from "../model";
import { type Level, LEVELS, levelOf } from "./levels";

const EVERY_MS = 3000;
const MOST_LINES = 500;

export function Logs() {
  const { source } = useDesk();
  const logs = useSignal<LogLines | null>(null);
  const filter = useSignal("");
  const least = useSignal<Level>("DEBUG");
  const from = useSignal("");
  usePolled(async () => void (logs.value = await source.logs()), EVERY_MS);
  const lines = useComputed(() => {
    const { value } = logs;
    if (!value) return [];
    const chosen = from.value ? (value.workers[from.value] ?? []) : value.master;
    const wanted = filter.value.toLowerCase();
    // A line of a traceback belongs to the record above it.
    let level: Level = "INFO";
    return chosen.map((text) => ({ text, level: (level = levelOf(text) ?? level) })).filter((line) =>
      LEVELS.indexOf(line.level) >= LEVELS.indexOf(least.value) && line.text.toLowerCase().includes(wanted));
  });
  const workers = Object.keys(logs.value?.workers ?? {});
  return (
    <div class="panel">
      <div class="tools">
        <input
          id="filter"
          type="search"
          placeholder="Filter lines ( / )"
          aria-label="Filter log lines"
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
        />
        <label>
          From{" "}
          <select
            aria-label="Lowest level that is shown"
            value={least.value}
            onChange={(event) => (least.value = event.currentTarget.value as Level)}
          >
            {LEVELS.map((level) => <option key={level}>{level}</option>)}
          </select>{" "}
          on
        </label>
        {workers.length > 0 && (
          <label>
            of{" "}
            <select
              aria-label="Process whose log is shown"
              value={from.value}
              onChange={(event) => (from.value = event.currentTarget.value)}
            >
              <option value="">master</option>
              {workers.map((id) => <option key={id} value={id}>{id}</option>)}
            </select>
          </label>
        )}
        <span class="muted">{plural(lines.value.length, "line")}, the newest first</span>
        <span class="tools-gap" />
        <CopyButton label="Copy" text={() => lines.value.map(({ text }) => text).join("\n")} />
      </div>
      <div class="log mono" tabIndex={0} role="log" aria-label="Log">
        {lines.value.slice(-MOST_LINES).reverse().map(({ text, level }, at) => (
          <div key={at} class={`log-line log-${level.toLowerCase()}`}>{text}</div>
        ))}
        {lines.value.length === 0 && <p class="nothing">No lines.</p>}
      </div>
    </div>
  );
}
