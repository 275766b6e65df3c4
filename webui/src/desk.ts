/** What somebody has in front of them: the run, the part of it that is looked at, the open tab and the open name. */

import { type ReadonlySignal, computed, effect, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useEffect } from "preact/hooks";

import { messageOf } from "./api";
import { type Frame, frameOf } from "./charts/frame";
import { View } from "./charts/range";
import { type Summed, summedOf } from "./charts/summed";
import { type Failures, type Mark, type Row, type WindowFigures, isActive } from "./model";
import type { Source } from "./source";
import type { Store } from "./store";
import { GroupTimes } from "./table/groups";
import { marksWith } from "./verdict";

/** Milliseconds that a window has to stand still before its figures are asked for. */
const SETTLED_MS = 200;
/** Milliseconds between two looks at the failures. */
const FAILURES_MS = 2000;

/** The percentiles that a page shows until somebody chooses, as fractions. */
export interface UsualPercentiles {
  table: readonly number[];
  chart: readonly number[];
}

/** Those of a page, or a document, that says none. */
const USUAL: UsualPercentiles = { table: [0.95, 0.99], chart: [0.5, 0.95] };

export type Dialog = "new" | "edit" | "keys" | null;

export class Desk {
  readonly view: View;
  readonly frame: ReadonlySignal<Frame>;
  /** What charts mark. */
  readonly marks: ReadonlySignal<readonly Mark[]>;
  /** Whether there is a now to tell of, or all is over. */
  readonly goesOn: ReadonlySignal<boolean>;
  /** Which column of the frame the pointer is at. */
  readonly cursor = signal<number | null>(null);
  /** The figures of the chosen window; null while there is none, or they are not there yet. */
  readonly figures = signal<WindowFigures | null>(null);
  /** What all requests of the run, or of the window, come to. */
  readonly summed: ReadonlySignal<Summed> = computed(() =>
    this.summedOf(this.store.total.value, this.figures.value?.total ?? null));
  /** What could not be done, for a banner. */
  readonly trouble = signal<string | null>(null);
  /** Of names that are folded together. */
  readonly groups: GroupTimes;
  readonly failures = signal<Failures>({ failures: [], exceptions: [], generator_errors: [] });
  readonly tab = signal("");
  /** The id of the name whose own charts are open. */
  readonly openName = signal<number | null>(null);
  readonly dialog = signal<Dialog>(null);

  private readonly wantFailures = signal(0);
  private failuresAt = -Infinity;

  constructor(
    readonly store: Store,
    readonly source: Source,
    /** Words that are proposed for a run's profile. */
    readonly profiles: readonly string[] = [],
    readonly usual: UsualPercentiles = USUAL,
  ) {
    this.view = new View(store);
    this.marks = computed(() =>
      marksWith(store.marks.value, store.verdict.value, store.run.value, this.view.whole.value.toS));
    this.goesOn = computed(() => source.kind === "live" && isActive(store.run.value?.state ?? "ready"));
    this.frame = computed(() => frameOf(store.course.value.points, this.view.span.value));
    this.groups = new GroupTimes(store, source, this.figures, (work) => this.attempt(work));
    this.followWindow();
    this.followFailures();
  }

  /** Do something that may fail; a banner says so then. */
  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.trouble.value = null;
    } catch (error) {
      this.trouble.value = messageOf(error);
    }
  }

  /** What legends tell of one row of the whole run and the same of the window. */
  summedOf(whole: Row | null, window: Row | null): Summed {
    const { run, fractions, course } = this.store;
    const isOver = this.source.kind === "report" || !(run.value && isActive(run.value.state));
    const [range, span] = [this.view.range.value, this.view.span.value];
    const { points } = course.value;
    return summedOf({ range, isOver, whole, window, fractions: fractions.value, span, points });
  }

  /** Failures are fetched while somebody looks at them; returns what ends that. */
  lookAtFailures(): () => void {
    this.wantFailures.value++;
    return () => this.wantFailures.value--;
  }

  private followWindow(): void {
    let waiting: ReturnType<typeof setTimeout> | undefined;
    effect(() => {
      const window = this.view.window.value;
      clearTimeout(waiting);
      if (!window) {
        this.figures.value = null;
        return;
      }
      waiting = setTimeout(() => {
        void this.attempt(async () => {
          const figures = await this.source.window(window.fromS, window.toS);
          // Another may have been chosen meanwhile.
          if (this.view.window.value === window) this.figures.value = figures;
        });
      }, SETTLED_MS);
    });
  }

  private followFailures(): void {
    let waiting: ReturnType<typeof setTimeout> | undefined;
    effect(() => {
      // They have changed when their number has.
      const { failures, exceptions } = this.store.counts.value;
      if (!this.wantFailures.value || failures + exceptions === 0 || waiting !== undefined) return;
      waiting = setTimeout(() => {
        waiting = undefined;
        this.failuresAt = performance.now();
        void this.attempt(async () => {
          this.failures.value = await this.source.failures();
        });
      }, Math.max(this.failuresAt + FAILURES_MS - performance.now(), 0));
    });
  }
}

const DeskContext = createContext<Desk | null>(null);

export const DeskProvider = DeskContext.Provider;

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("There is no desk around this component.");
  return desk;
}

/** Keep the failures up to date while the component is there. */
export function useFailures(isWanted = true): void {
  const desk = useDesk();
  useEffect(() => (isWanted ? desk.lookAtFailures() : undefined), [desk, isWanted]);
}

/** Fetch now and every few seconds while the component is there. */
export function usePolled(fetchIt: () => Promise<void>, everyMs: number): void {
  const desk = useDesk();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const turn = async () => {
      await desk.attempt(fetchIt);
      if (!isOver) timer = setTimeout(() => void turn(), everyMs);
    };
    void turn();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [desk]);
}
