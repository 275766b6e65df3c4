/** What keys do, wherever one is on the page but in a field. */

import { api } from "./api";
import type { Desk } from "./desk";

/** For the list that `?` shows. */
export const KEYS: readonly [string, string][] = [
  ["/", "Filter names, failures or lines"],
  ["1 … 9", "Go to a tab"],
  ["n", "New test, when one is over"],
  ["e", "Change the number of users"],
  ["s", "Stop the test (asks first)"],
  ["t", "Light or dark"],
  ["↑ ↓", "In the table: from name to name; Home, End, PageUp, PageDown"],
  ["Enter", "In the table: a name's own charts"],
  ["→ ←", "In the table: show and hide a name's failures"],
  ["← → + − 0", "In a chart: earlier, later, closer, wider, the whole run"],
  ["Esc", "Close what is open; back to the whole run"],
];

/** Listen from now on; `tabs` says which tabs there are, in order. */
export function listenToKeys(desk: Desk, tabs: () => readonly string[], toggleTheme: () => void): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
    if (desk.dialog.value) return;
    const act = actionOf(event.key, desk, tabs(), toggleTheme);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

function actionOf(key: string, desk: Desk, tabs: readonly string[], toggleTheme: () => void): (() => void) | null {
  const tab = /^[1-9]$/.test(key) ? tabs[Number(key) - 1] : undefined;
  if (tab !== undefined) return () => (desk.tab.value = tab);
  if (key === "/") return () => document.getElementById("filter")?.focus();
  if (key === "?") return () => (desk.dialog.value = "keys");
  if (key === "t") return toggleTheme;
  if (key === "Escape") {
    return () => {
      if (desk.openName.value !== null) desk.openName.value = null;
      else desk.view.showAll();
    };
  }
  if (desk.source.kind === "report") return null;
  const run = desk.store.run.value;
  const isRunning = run?.state === "running" || run?.state === "spawning";
  if (key === "e" && isRunning) return () => (desk.dialog.value = "edit");
  if (key === "n" && run?.state === "stopped") return () => (desk.dialog.value = "new");
  if (key === "s" && isRunning) {
    return () => {
      if (confirm("Stop the test?")) void desk.attempt(api.stop);
    };
  }
  return null;
}
