/** Whether the page is on its way to paper, where it is light, whole, and as wide as a sheet. */

import { signal } from "@preact/signals";

export const isPrinted = signal(false);

/** Pixels across what a printer leaves of A4 or Letter. */
export const PAPER_PX = 690;

/** Find out from now on. */
export function watchForPaper(): void {
  addEventListener("beforeprint", () => (isPrinted.value = true));
  addEventListener("afterprint", () => (isPrinted.value = false));
  // A preview may have no such events.
  matchMedia("print").addEventListener("change", ({ matches }) => (isPrinted.value = matches));
}
