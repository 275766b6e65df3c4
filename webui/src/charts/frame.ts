/** Points made ready for drawing: no more columns than there are pixels, and nothing that stands out left out. */

import { type Point, POINT_FRACTIONS } from "../model";
import type { Span } from "./range";

/** What charts draw; every array has an entry for each of `x`, null where there is nothing to tell. */
export interface Frame {
  /** The middle of each column, in seconds since 1970. */
  x: number[];
  lengthS: number[];
  users: (number | null)[];
  rps: (number | null)[];
  failPerS: (number | null)[];
  averageUs: (number | null)[];
  /** For each of POINT_FRACTIONS; of columns that hold several points, the worst of these. */
  percentilesUs: (number | null)[][];
  /** For each column, cell and count alternating. */
  cells: (readonly number[])[];
  /** Stretches in which the generator was late. */
  late: Span[];
}

/** Columns of a frame at most. */
export const MOST_COLUMNS = 800;

export function emptyFrame(): Frame {
  return {
    x: [], lengthS: [], users: [], rps: [], failPerS: [], averageUs: [], percentilesUs: POINT_FRACTIONS.map(() => []),
    cells: [], late: [],
  };
}

/** The points of a span, joined where there are more than `mostColumns`. */
export function frameOf(points: readonly Point[], span: Span, mostColumns = MOST_COLUMNS): Frame {
  const frame = emptyFrame();
  const columnS = Math.max(Math.ceil((span.toS - span.fromS) / mostColumns), 1);
  // Columns begin at whole multiples, so that they stay the same while the run goes on.
  let joined: Point[] = [];
  let column = NaN;
  let endS = NaN;
  for (let place = firstIn(points, span.fromS); place < points.length; place++) {
    const point = points[place];
    if (!point || point.epochS > span.toS) break;
    const its = Math.floor(point.epochS / columnS);
    if (its !== column && joined.length) {
      addColumn(frame, joined);
      joined = [];
    }
    // Where nobody ran there is nothing to draw a line through.
    if (point.epochS > endS + Math.max(columnS, 2)) addGap(frame, endS);
    column = its;
    endS = point.epochS + point.lengthS;
    joined.push(point);
  }
  if (joined.length) addColumn(frame, joined);
  return frame;
}

/** The place of the first point that reaches into the time from `fromS` on. */
function firstIn(points: readonly Point[], fromS: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const point = points[middle];
    if (point && point.epochS + point.lengthS <= fromS) low = middle + 1;
    else high = middle;
  }
  return low;
}

function addGap(frame: Frame, epochS: number): void {
  frame.x.push(epochS);
  frame.lengthS.push(0);
  for (const values of [frame.users, frame.rps, frame.failPerS, frame.averageUs, ...frame.percentilesUs]) {
    values.push(null);
  }
  frame.cells.push([]);
}

function addColumn(frame: Frame, points: readonly Point[]): void {
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last) return;
  const toS = last.epochS + last.lengthS;
  let [lengthS, requests, failures, sumUs, users, late] = [0, 0, 0, 0, 0, false];
  for (const point of points) {
    lengthS += point.lengthS;
    requests += point.requests;
    failures += point.failures;
    sumUs += point.sumUs;
    users = point.users;
    late ||= point.late;
  }
  frame.x.push((first.epochS + toS) / 2);
  frame.lengthS.push(toS - first.epochS);
  frame.users.push(users);
  frame.rps.push(lengthS ? requests / lengthS : null);
  frame.failPerS.push(lengthS ? failures / lengthS : null);
  frame.averageUs.push(requests ? sumUs / requests : null);
  frame.percentilesUs.forEach((values, which) => values.push(worst(points, which)));
  frame.cells.push(points.length === 1 ? first.cells : addCells(points));
  const before = frame.late.at(-1);
  if (late && before && before.toS >= first.epochS - 0.001) before.toS = toS;
  else if (late) frame.late.push({ fromS: first.epochS, toS });
}

function worst(points: readonly Point[], which: number): number | null {
  let found: number | null = null;
  for (const point of points) {
    const value = point.percentilesUs[which] ?? null;
    if (value !== null && (found === null || value > found)) found = value;
  }
  return found;
}

function addCells(points: readonly Point[]): number[] {
  const counts: number[] = [];
  for (const { cells } of points) {
    for (let at = 0; at + 1 < cells.length; at += 2) {
      const cell = cells[at] ?? 0;
      counts[cell] = (counts[cell] ?? 0) + (cells[at + 1] ?? 0);
    }
  }
  const sparse: number[] = [];
  counts.forEach((count, cell) => sparse.push(cell, count));
  return sparse;
}
