/**
 * One stream for all tabs: a browser opens no more than six connections to a server, and a tab's stream would take one
 * for as long as it is open.
 */

import { Stream, type Told } from "./stream";

/** What a tab says: that it wants to hear everything from the beginning, or that it is gone. */
export type Said = { kind: "open"; address: string } | { kind: "bye" };

// A worker's own names: the page's types know of none.
const worker = self as unknown as { onconnect: ((event: MessageEvent) => void) | null };
const tabs = new Set<MessagePort>();
let stream: Stream | null = null;

function tellAll(told: Told): void {
  for (const tab of tabs) tab.postMessage(told);
}

worker.onconnect = ({ ports: [tab] }) => {
  if (!tab) return;
  tab.onmessage = ({ data: said }: MessageEvent<Said>) => {
    if (said.kind === "bye") {
      tabs.delete(tab);
      return;
    }
    tabs.add(tab);
    stream ??= new Stream(said.address, tellAll);
    // What has been told so far is not kept here: the server greets once more, and all tabs begin anew.
    stream.open();
  };
};
