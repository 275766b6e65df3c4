/** Which part of the run is shown, in words and buttons. */

import { Minimap } from "./charts/Minimap";
import { useDesk } from "./desk";
import { count, duration, milliseconds, nearestClock, percent, percentileLabel } from "./format";

const LAST: readonly [number, string][] = [[60, "1 min"], [300, "5 min"], [900, "15 min"], [3600, "1 h"]];

export function WindowBar() {
  const desk = useDesk();
  const { view, store } = desk;
  const range = view.range.value;
  const { fromS, toS } = view.whole.value;
  return (
    <div class="window-bar">
      <Minimap view={view} course={store.course} />
      <div class="buttons" role="group" aria-label="Part of the run that is shown">
        <button type="button" aria-pressed={range.kind === "all"} onClick={() => view.showAll()}>Whole run</button>
        {LAST.filter(([seconds]) => seconds < toS - fromS).map(([seconds, label]) => (
          <button
            type="button"
            key={seconds}
            aria-pressed={range.kind === "last" && range.seconds === seconds}
            onClick={() => view.showLast(seconds)}
          >
            {label}
          </button>
        ))}
        {range.kind === "window" && (
          <>
            <button type="button" aria-label="Earlier" title="Earlier (←)" onClick={() => view.pan(-0.5)}>←</button>
            <button type="button" aria-label="Later" title="Later (→)" onClick={() => view.pan(0.5)}>→</button>
          </>
        )}
      </div>
    </div>
  );
}

/** Says that the figures are those of a window, and what they come to. */
export function WindowNote() {
  const desk = useDesk();
  const window = desk.view.window.value;
  if (!window) return null;
  const figures = desk.figures.value;
  const { fromS, toS } = figures ? { fromS: figures.fromEpochS, toS: figures.toEpochS } : window;
  const fractions = desk.store.fractions.value;
  return (
    <div class="window-note" role="status">
      <b>Window {nearestClock(fromS)} to {nearestClock(toS)}</b>
      <span class="muted">{duration(toS - fromS)}</span>
      {figures
        ? (
          <>
            <span>{count(figures.total.requests)} requests</span>
            <span class={figures.total.failures ? "red" : ""}>
              {percent(figures.total.failures, figures.total.requests)} failed
            </span>
            {[0.5, 0.95, 0.99].filter((fraction) => fractions.includes(fraction)).map((fraction) => (
              <span key={fraction}>
                {percentileLabel(fraction)} {milliseconds(
                  figures.total.percentilesUs[fractions.indexOf(fraction)] ?? null)} ms
              </span>
            ))}
          </>
        )
        : <span class="muted">Adding up…</span>}
      <button type="button" onClick={() => desk.view.showAll()}>Back to the whole run</button>
    </div>
  );
}
