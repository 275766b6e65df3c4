/** Where the figures come from: a server that goes on telling, or a document that lies in the page. */

import { api } from "./api";
import {
  type Failures, type Hello, type Logs, type Point, type TaskRatios, type Tick, type WindowFigures, pointOf, windowOf,
} from "./model";
import type { Store } from "./store";

export interface Source {
  readonly kind: "live" | "report";
  /** Begin to fill the store. */
  start(store: Store): void;
  window(fromS: number, toS: number): Promise<WindowFigures>;
  series(id: number, fromS: number, toS: number): Promise<Point[]>;
  failures(): Promise<Failures>;
  /** Null where nobody knows any more. */
  tasks(): Promise<TaskRatios | null>;
  logs(): Promise<Logs | null>;
}

/** Milliseconds of silence after which the connection counts as lost: the server speaks once a second. */
const SILENCE_MS = 6000;
/** Milliseconds between two attempts to come back. */
const RETRY_MS = 2000;
/** Points that are kept before the server is asked for a history with fewer. */
const MOST_POINTS = 9000;

export class LiveSource implements Source {
  readonly kind = "live";
  private events: EventSource | null = null;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;

  start(store: Store): void {
    this.open(store);
    // A page that comes back from sleep need not wait for the silence to be noticed.
    addEventListener("online", () => this.open(store));
  }

  window = async (fromS: number, toS: number): Promise<WindowFigures> => windowOf(await api.window(fromS, toS));

  series = async (id: number, fromS: number, toS: number): Promise<Point[]> =>
    (await api.series(id, fromS, toS)).points.map(pointOf);

  failures = api.failures;
  tasks = api.tasks;
  logs = api.logs;

  private open(store: Store): void {
    clearTimeout(this.retry);
    this.events?.close();
    const events = (this.events = new EventSource(api.events));
    const listen = (kind: string, apply: (text: string) => void) =>
      events.addEventListener(kind, (event: MessageEvent<string>) => {
        apply(event.data);
        store.connection.value = "live";
        this.expectMore(store);
      });
    listen("hello", (text) => store.hello(JSON.parse(text) as Hello));
    listen("tick", (text) => {
      store.tick(JSON.parse(text) as Tick);
      // Asked anew, the server tells the older part of the run in fewer points.
      if (store.course.value.points.length > MOST_POINTS) this.open(store);
    });
    events.onerror = () => {
      store.connection.value = "lost";
      // The browser tries again by itself, and says what it had last, unless it was refused.
      if (events.readyState !== EventSource.CLOSED) return;
      this.openLater(store);
      // An event source does not say why. Where a login has run out, any other question leads to the login page.
      api.runs().catch(() => undefined);
    };
    this.expectMore(store);
  }

  private expectMore(store: Store): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      store.connection.value = "lost";
      this.openLater(store);
    }, SILENCE_MS);
  }

  private openLater(store: Store): void {
    clearTimeout(this.silence);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.open(store), RETRY_MS);
  }
}
