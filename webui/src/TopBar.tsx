/** What is tested, how it stands, and what can be done about it. */

import { api } from "./api";
import { useDesk } from "./desk";
import { type RunState, isActive } from "./model";
import { VerdictState } from "./panels/Verdict";
import { theme, toggleTheme } from "./theme";

const WORDS: Record<RunState, string> = {
  ready: "Ready", spawning: "Spawning", running: "Running", cleanup: "Cleaning up", stopping: "Stopping",
  stopped: "Stopped", missing: "No runner",
};

export function TopBar() {
  const desk = useDesk();
  const { store } = desk;
  const run = store.run.value;
  const state = run?.state ?? "ready";
  const isLost = store.connection.value === "lost";
  const isReport = desk.source.kind === "report";
  return (
    <header class="bar">
      <span class="brand">
        <Logo />
        Gregaria
      </span>
      {run && (
        <span class={`state state-${isLost ? "lost" : isActive(state) ? "active" : "still"}`} role="status">
          <i />
          {isLost ? "Not connected" : isReport ? "Report" : WORDS[state]}
        </span>
      )}
      <VerdictState />
      <span class="bar-host" title={run?.host ?? ""}>
        {run?.host ?? ""}
        {run && run.number > 1 && <span class="muted"> · run {run.number}</span>}
      </span>
      <span class="bar-buttons">
        {!isReport && <Actions state={state} hasShape={Boolean(run?.shape)} />}
        <button
          type="button"
          class="quiet icon"
          onClick={() => (desk.dialog.value = "keys")}
          aria-label="Keys"
          title="Keys (?)"
        >
          ?
        </button>
        <button
          type="button"
          class="quiet icon"
          onClick={toggleTheme}
          aria-label={theme.value === "dark" ? "Light colours" : "Dark colours"}
          title={theme.value === "dark" ? "Light colours" : "Dark colours"}
        >
          {theme.value === "dark" ? "☀" : "☾"}
        </button>
      </span>
    </header>
  );
}

function Actions({ state, hasShape }: { state: RunState; hasShape: boolean }) {
  const desk = useDesk();
  const { total } = desk.store;
  const isRunning = state === "spawning" || state === "running";
  if (state === "ready") return null;
  return (
    <>
      {isRunning && (
        <button
          type="button"
          onClick={() => (desk.dialog.value = "edit")}
          title={hasShape ? "Change the most requests per second (e)" : "Change the number of users (e)"}
        >
          Edit
        </button>
      )}
      {isRunning && (
        <button type="button" onClick={() => void desk.attempt(api.stop)} title="End the test (s)">Stop</button>
      )}
      {total.value !== null && (
        <button type="button" onClick={() => void desk.attempt(api.resetStatistics)} title="Begin to count anew">
          Reset
        </button>
      )}
      {(state === "stopped" || state === "cleanup") && (
        <button type="button" class="main" onClick={() => (desk.dialog.value = "new")}>New test</button>
      )}
    </>
  );
}

/** A swarm: one dot ahead, the others behind. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <circle cx="17.5" cy="7" r="3.5" />
      <circle cx="9" cy="9.5" r="2.6" opacity="0.75" />
      <circle cx="15" cy="15.5" r="2.6" opacity="0.75" />
      <circle cx="4" cy="14.5" r="1.8" opacity="0.5" />
      <circle cx="9.5" cy="19.5" r="1.8" opacity="0.5" />
    </svg>
  );
}
