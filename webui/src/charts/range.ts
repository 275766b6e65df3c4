/** The part of the run that all charts show: one for the whole page. */

import { computed, signal } from "@preact/signals";

import type { Store } from "../store";

/** All of the run; its last seconds, going on with it; or a window that somebody has chosen. */
export type Range =
  | { kind: "all" }
  | { kind: "last"; seconds: number }
  | { kind: "window"; fromS: number; toS: number };

export interface Span {
  fromS: number;
  toS: number;
}

/** Seconds that a window has at least: shorter ones have no figures of their own. */
const SHORTEST_S = 2;

export class View {
  readonly range = signal<Range>({ kind: "all" });
  /** From the first moment of the run to the last. */
  readonly whole = computed<Span>(() => {
    const { points } = this.store.course.value;
    const first = points[0];
    const last = points.at(-1);
    const fromS = first?.epochS ?? this.store.nowEpochS.value - 1;
    return { fromS, toS: Math.max(last ? last.epochS + last.lengthS : fromS, fromS + SHORTEST_S) };
  });
  readonly span = computed<Span>(() => {
    const range = this.range.value;
    const whole = this.whole.value;
    if (range.kind === "window") return range;
    if (range.kind === "last") return { fromS: Math.max(whole.toS - range.seconds, whole.fromS), toS: whole.toS };
    return whole;
  });
  readonly window = computed<Span | null>(() => {
    const range = this.range.value;
    return range.kind === "window" ? range : null;
  });

  constructor(private readonly store: Store) {}

  showAll = (): void => {
    this.range.value = { kind: "all" };
  };

  showLast(seconds: number): void {
    this.range.value = { kind: "last", seconds };
  }

  /** Choose a window, cut to the run and to whole seconds. */
  choose(fromS: number, toS: number): void {
    const whole = this.whole.value;
    let from = Math.max(Math.floor(Math.min(fromS, toS)), Math.floor(whole.fromS));
    const to = Math.min(Math.max(Math.ceil(Math.max(fromS, toS)), from + SHORTEST_S), Math.ceil(whole.toS));
    from = Math.min(from, to - SHORTEST_S);
    this.range.value = { kind: "window", fromS: from, toS: to };
  }

  /** Move the window by a part of its length; of the whole run there is nothing to move. */
  pan(part: number): void {
    const { fromS, toS } = this.span.value;
    const whole = this.whole.value;
    const wished = (toS - fromS) * part;
    const by = Math.min(Math.max(wished, whole.fromS - fromS), whole.toS - toS);
    if (Math.abs(by) >= 1) this.choose(fromS + by, toS + by);
  }

  /** Show less (`factor` below 1) or more around `aroundS`, or around the middle. */
  zoom(factor: number, aroundS?: number): void {
    const { fromS, toS } = this.span.value;
    const whole = this.whole.value;
    const around = aroundS ?? (fromS + toS) / 2;
    const [from, to] = [around - (around - fromS) * factor, around + (toS - around) * factor];
    if (from <= whole.fromS && to >= whole.toS) this.showAll();
    else this.choose(from, to);
  }
}
