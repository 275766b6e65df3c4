/** What a stretch of the run comes to, for legends while the pointer is at no moment of it. */

import type { Point, Row } from "../model";
import type { Range, Span } from "./range";

export interface Summed {
  /** What the figures are of, in a word or two. */
  of: string;
  /** Null where the newest moment is meant, or the sum is not known yet. */
  row: Row | null;
  isNewest: boolean;
  requestsPerS: number | null;
  failuresPerS: number | null;
  mostUsers: number | null;
  fractions: readonly number[];
}

interface Given {
  range: Range;
  /** Whether nothing is to be added to the run any more. */
  isOver: boolean;
  /** Of the whole run, and of the window, if there is one and it has been added up. */
  whole: Row | null;
  window: Row | null;
  fractions: readonly number[];
  span: Span;
  points: readonly Point[];
}

/** The window's figures; of a run that is over its own; else those of the newest moment. */
export function summedOf({ range, isOver, whole, window, fractions, span, points }: Given): Summed {
  const isWindow = range.kind === "window";
  const isNewest = !isWindow && (!isOver || range.kind === "last");
  const row = isNewest ? null : isWindow ? window : whole;
  const inside = points.filter(({ epochS, lengthS }) => epochS + lengthS > span.fromS && epochS < span.toS);
  return {
    of: isWindow ? "window" : !isOver ? "now" : isNewest ? "at the end" : "whole run",
    row,
    isNewest,
    // A window's rates now are its own.
    requestsPerS: row && (isWindow ? row.currentRps : row.totalRps),
    failuresPerS: row && (isWindow ? row.currentFailPerS : row.totalFailPerS),
    mostUsers: isNewest || !inside.length ? null : inside.reduce((most, { users }) => Math.max(most, users), 0),
    fractions,
  };
}
