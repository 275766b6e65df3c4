/** The server's events, told to whoever listens; when they stop, the stream is opened anew. */

/** What is told: an event as the server has sent it, that there is silence, or that the server has refused. */
export type Told = { kind: "hello" | "tick"; text: string } | { kind: "lost" } | { kind: "refused" };

/** Milliseconds of silence after which the connection counts as lost: the server speaks once a second. */
const SILENCE_MS = 6000;
/** Milliseconds between two attempts to come back. */
const RETRY_MS = 2000;

export class Stream {
  private events: EventSource | null = null;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly address: string,
    private readonly tell: (told: Told) => void,
  ) {}

  /** Begin, or begin anew: the first event is a hello. */
  open(): void {
    clearTimeout(this.retry);
    this.events?.close();
    const events = (this.events = new EventSource(this.address));
    for (const kind of ["hello", "tick"] as const) {
      events.addEventListener(kind, (event: MessageEvent<string>) => {
        this.tell({ kind, text: event.data });
        this.expectMore();
      });
    }
    events.onerror = () => {
      this.tell({ kind: "lost" });
      // The browser tries again by itself, and says what it had last, unless it was refused.
      if (events.readyState !== EventSource.CLOSED) return;
      this.openLater();
      this.tell({ kind: "refused" });
    };
    this.expectMore();
  }

  private expectMore(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.tell({ kind: "lost" });
      this.openLater();
    }, SILENCE_MS);
  }

  private openLater(): void {
    clearTimeout(this.silence);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.open(), RETRY_MS);
  }
}
