/**
 * What has to be known before any figure is read: a lost connection, trouble, the generator's own warnings. (A report
 * has these on top anyway.)
 */

import { useSignal } from "@preact/signals";

import { useDesk } from "./desk";

export function Banners() {
  const desk = useDesk();
  const { store } = desk;
  const dismissed = useSignal("");
  const generator = store.generator.value;
  const notes = store.notes.value;
  const isDoubted = Boolean(generator && (!generator.is_trusted));
  const warnings = [...(isDoubted && generator ? [generator.verdict] : []), ...notes];
  const asText = warnings.join("\n");
  return (
    <div class="banners" aria-live="polite">
      {store.connection.value === "lost" && (
        <p class="banner banner-amber">
          <b>Connection lost, trying again.</b> The figures are those of the last moment that came through.
        </p>
      )}
      {desk.trouble.value && (
        <p class="banner banner-red">
          {desk.trouble.value}
          <button type="button" class="quiet" onClick={() => (desk.trouble.value = null)}>Close</button>
        </p>
      )}
      {desk.source.kind === "live" && warnings.length > 0 && dismissed.value !== asText && (
        <div class="banner banner-amber">
          <ul>{warnings.map((each) => <li key={each}>{each}</li>)}</ul>
          <button type="button" class="quiet" onClick={() => (dismissed.value = asText)}>Close</button>
        </div>
      )}
    </div>
  );
}
