/** Where the figures come from: a server that goes on telling, or a document that lies in the page. */

import { api } from "./api";
import type { Span } from "./charts/range";
import {
  type Failures, type Hello, type Logs, type Percentiles, type Point, type TaskRatios, type Tick, type WindowFigures,
  pointOf, windowOf,
} from "./model";
import type { Said } from "./shared";
import type { Store } from "./store";
import { Stream, type Told } from "./stream";

export interface Source {
  readonly kind: "live" | "report";
  /** Begin to fill the store. */
  start(store: Store): void;
  window(fromS: number, toS: number): Promise<WindowFigures>;
  series(id: number, fromS: number, toS: number): Promise<Point[]>;
  /** The percentiles of each group of names, in a span or in the whole run; empty where nothing is known. */
  groups(groups: readonly (readonly number[])[], span: Span | null): Promise<readonly Percentiles[]>;
  failures(): Promise<Failures>;
  /** Null where nobody knows any more. */
  tasks(): Promise<TaskRatios | null>;
  logs(): Promise<Logs | null>;
}

/** Points that are kept before the server is asked for a history with fewer. */
const MOST_POINTS = 9000;

export class LiveSource implements Source {
  readonly kind = "live";
  private open: () => void = () => undefined;

  start(store: Store): void {
    this.open = openerOf((told) => this.hear(store, told));
    this.open();
    // A page that comes back from sleep need not wait for the silence to be noticed.
    addEventListener("online", () => this.open());
  }

  window = async (fromS: number, toS: number): Promise<WindowFigures> => windowOf(await api.window(fromS, toS));

  series = async (id: number, fromS: number, toS: number): Promise<Point[]> =>
    (await api.series(id, fromS, toS)).points.map(pointOf);

  groups = async (groups: readonly (readonly number[])[], span: Span | null): Promise<readonly Percentiles[]> =>
    (await api.groups(groups, span && [span.fromS, span.toS])).groups;

  failures = api.failures;
  tasks = api.tasks;
  logs = api.logs;

  private hear(store: Store, told: Told): void {
    switch (told.kind) {
      case "hello":
        store.hello(JSON.parse(told.text) as Hello);
        break;
      case "tick":
        // What changes mean is not known before everything was told.
        if (!store.run.value) return;
        store.tick(JSON.parse(told.text) as Tick);
        // Asked anew, the server tells the older part of the run in fewer points.
        if (store.course.value.points.length > MOST_POINTS) this.open();
        break;
      case "refused":
        // A stream does not say why. Where a login has run out, any other question leads to the login page.
        api.runs().catch(() => undefined);
    }
    store.connection.value = told.kind === "hello" || told.kind === "tick" ? "live" : "lost";
  }
}

/** What opens the stream, or opens it anew: the one that all tabs share, or one of this tab's where that cannot be. */
function openerOf(tell: (told: Told) => void): () => void {
  const address = new URL(api.events, document.baseURI).href;
  const own = new Stream(address, tell);
  let open = () => own.open();
  try {
    const worker = new SharedWorker(new URL("./shared.ts", import.meta.url), { type: "module", name: address });
    const say = (said: Said) => worker.port.postMessage(said);
    worker.onerror = () => {
      open = () => own.open();
      open();
    };
    worker.port.onmessage = ({ data }: MessageEvent<Told>) => tell(data);
    open = () => say({ kind: "open", address });
    addEventListener("pagehide", () => say({ kind: "bye" }));
    addEventListener("pageshow", ({ persisted }) => persisted && open());
  } catch {
    // There are none here, or the browser has been told to have none.
  }
  return () => open();
}
