/** Percentiles of rows that are folded together, which only whoever has counted can tell. */

import { type ReadonlySignal, effect, signal } from "@preact/signals";

import type { Percentiles, WindowFigures } from "../model";
import type { Source } from "../source";
import type { Store } from "../store";

/** Milliseconds in which lines that come into sight are waited for, and between two looks while the run goes on. */
const GATHER_MS = 50;
const EVERY_MS = 2000;

/** Asks for those of the groups in sight: for all of them at once, when there are others, and now and then. */
export class GroupTimes {
  /** By the group's key; a group that is not there yet is not known yet. */
  readonly percentiles = signal<ReadonlyMap<string, Percentiles>>(new Map());
  private readonly wanted = signal<ReadonlyMap<string, readonly number[]>>(new Map());

  constructor(
    private readonly store: Store,
    private readonly source: Source,
    /** The window that is looked at; null for the whole run. */
    private readonly figures: ReadonlySignal<WindowFigures | null>,
    private readonly attempt: (work: () => Promise<void>) => Promise<void>,
  ) {
    this.follow();
  }

  /** Names a group by who is in it. */
  static keyOf(ids: readonly number[]): string {
    return ids.slice().sort((a, b) => a - b).join();
  }

  /** Somebody looks at a group; returns what ends that. */
  look(ids: readonly number[]): () => void {
    const key = GroupTimes.keyOf(ids);
    this.wanted.value = new Map(this.wanted.peek()).set(key, ids);
    return () => {
      const wanted = new Map(this.wanted.peek());
      wanted.delete(key);
      this.wanted.value = wanted;
    };
  }

  private follow(): void {
    let waiting: ReturnType<typeof setTimeout> | undefined;
    let askedAt = -Infinity;
    let [wanted, figures, requests] = [this.wanted.peek(), this.figures.peek(), -1];
    effect(() => {
      const before = { wanted, figures, requests };
      [wanted, figures, requests] = [this.wanted.value, this.figures.value, this.store.total.value?.requests ?? 0];
      // Those of another part of the run are not these.
      if (figures !== before.figures) this.percentiles.value = new Map();
      const isOther = wanted !== before.wanted || figures !== before.figures;
      // A window stays as it was told; the whole run goes on.
      const hasGrown = !figures && requests !== before.requests && waiting === undefined;
      if (!wanted.size || !(isOther || hasGrown)) return;
      clearTimeout(waiting);
      const waitMs = isOther ? GATHER_MS : Math.max(askedAt + EVERY_MS - performance.now(), 0);
      waiting = setTimeout(() => {
        waiting = undefined;
        askedAt = performance.now();
        void this.attempt(() => this.ask());
      }, waitMs);
    });
  }

  private async ask(): Promise<void> {
    const [wanted, figures] = [this.wanted.peek(), this.figures.peek()];
    const span = figures && { fromS: figures.fromEpochS, toS: figures.toEpochS };
    const told = await this.source.groups([...wanted.values()], span);
    if (this.figures.peek() !== figures) return;
    this.percentiles.value = new Map([...wanted.keys()].map((key, at) => [key, told[at] ?? []]));
  }
}
