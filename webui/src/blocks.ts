/** Windows and courses of names, added up from the blocks of time that a document has. */

import type { Span } from "./charts/range";
import type { Block, BlockRow, Timeline } from "./document";
import { POINT_FRACTIONS, type Percentiles, type Point, type WireFigures } from "./model";

/** Times of one row, added up: counts by the place of their bucket. */
interface Sum {
  requests: number;
  failures: number;
  sumUs: number;
  counts: Map<number, number>;
}

export interface WindowSum {
  fromEpochS: number;
  toEpochS: number;
  /** By place in the timeline's names. */
  rows: Map<number, WireFigures>;
  total: WireFigures;
}

export class Blocks {
  /** The time that stands for each bucket. */
  private readonly middles: readonly number[];

  constructor(private readonly timeline: Timeline) {
    this.middles = timeline.edges_us.map((edge) => {
      const width = Math.max(2 ** Math.floor(Math.log2(Math.max(edge, 1))) / timeline.buckets_per_octave, 1);
      return edge + Math.floor((width - 1) / 2);
    });
  }

  /** The figures of the blocks that lie in a stretch of time, or of the one that it lies in; null if there are none. */
  window(fromS: number, toS: number, fractions: readonly number[]): WindowSum | null {
    const { started_epoch_s: startedS } = this.timeline;
    const blocks = this.within(fromS, toS);
    const [first, last] = [blocks[0], blocks.at(-1)];
    if (!first || !last) return null;
    const sums = new Map<number, Sum>();
    const total = newSum();
    for (const [, , , , rows] of blocks) {
      for (const row of rows) {
        let sum = sums.get(row[0]);
        if (!sum) sums.set(row[0], (sum = newSum()));
        addRow(sum, row);
        addRow(total, row);
      }
    }
    const lengthS = last[0] + last[1] - first[0];
    return {
      fromEpochS: startedS + first[0],
      toEpochS: startedS + last[0] + last[1],
      rows: new Map([...sums].map(([place, sum]) => [place, this.figures(sum, lengthS, fractions)])),
      total: this.figures(total, lengthS, fractions),
    };
  }

  /** The percentiles of each group of names, given by their places, in a stretch of time or in all of it. */
  groups(groups: readonly (readonly number[])[], span: Span | null, fractions: readonly number[]): Percentiles[] {
    const sums = groups.map(newSum);
    const sumsOf = new Map<number, Sum[]>();
    groups.forEach((places, at) => {
      const sum = sums[at];
      if (sum) for (const place of places) sumsOf.set(place, [...(sumsOf.get(place) ?? []), sum]);
    });
    for (const [, , , , rows] of span ? this.within(span.fromS, span.toS) : this.timeline.blocks) {
      for (const row of rows) for (const sum of sumsOf.get(row[0]) ?? []) addRow(sum, row);
    }
    return sums.map((sum) => this.percentiles(sum, fractions));
  }

  /** The blocks that lie in a stretch of time, or the one that it lies in. */
  private within(fromS: number, toS: number): readonly Block[] {
    const { started_epoch_s: startedS, blocks } = this.timeline;
    const touched = blocks.filter(([offsetS, lengthS]) => {
      const middle = startedS + offsetS + lengthS / 2;
      return middle >= fromS && middle <= toS;
    });
    if (touched.length) return touched;
    return blocks.filter(([offsetS, lengthS]) =>
      startedS + offsetS <= fromS && startedS + offsetS + lengthS >= toS);
  }

  /** The course of one name, a point for each block. */
  series(place: number, fromS: number, toS: number): Point[] {
    const { started_epoch_s: startedS, blocks } = this.timeline;
    return blocks
      .filter(([offsetS, lengthS]) => startedS + offsetS + lengthS > fromS && startedS + offsetS < toS)
      .map(([offsetS, lengthS, users, late, rows]) => {
        const sum = newSum();
        for (const row of rows) if (row[0] === place) addRow(sum, row);
        return this.point(startedS + offsetS, lengthS, users, late, sum);
      });
  }

  private point(epochS: number, lengthS: number, users: number, late: number, sum: Sum): Point {
    const cells = new Map<number, number>();
    for (const [place, count] of sum.counts) {
      const cell = Math.floor(4 * Math.log2(Math.max(this.middles[place] ?? 1, 1)));
      cells.set(cell, (cells.get(cell) ?? 0) + count);
    }
    return {
      epochS, lengthS, users, requests: sum.requests, failures: sum.failures, sumUs: sum.sumUs,
      percentilesUs: this.percentiles(sum, POINT_FRACTIONS), late: late > 0,
      cells: [...cells].sort(([a], [b]) => a - b).flat(),
    };
  }

  private figures(sum: Sum, lengthS: number, fractions: readonly number[]): WireFigures {
    const timed = [...sum.counts.values()].reduce((a, b) => a + b, 0);
    const [least = null, most = null] = this.percentiles(sum, [0, 1]);
    const [rps, failPerS] = [sum.requests / lengthS, sum.failures / lengthS];
    return [
      sum.requests, sum.failures, rps, failPerS, timed ? sum.sumUs / timed : null, least, most, 0, rps, failPerS, 0,
      this.percentiles(sum, fractions),
    ];
  }

  /** Nearest ranks, as the engine finds them. */
  private percentiles({ counts }: Sum, fractions: readonly number[]): Percentiles {
    const places = [...counts.keys()].sort((a, b) => a - b);
    const seen: number[] = [];
    let all = 0;
    for (const place of places) seen.push((all += counts.get(place) ?? 0));
    return fractions.map((fraction) => {
      if (!all) return null;
      // A hair less, lest 0.07 * 100 becomes 7.000000000000001 and its ceiling 8.
      const rank = Math.min(Math.max(Math.ceil(fraction * all * (1 - 1e-15)), 1), all);
      const at = seen.findIndex((count) => count >= rank);
      return this.middles[places[at] ?? 0] ?? null;
    });
  }
}

function newSum(): Sum {
  return { requests: 0, failures: 0, sumUs: 0, counts: new Map() };
}

function addRow(sum: Sum, [, requests, failures, sumUs, buckets]: BlockRow): void {
  sum.requests += requests;
  sum.failures += failures;
  sum.sumUs += sumUs;
  let place = 0;
  for (let at = 0; at + 1 < buckets.length; at += 2) {
    place += buckets[at] ?? 0;
    sum.counts.set(place, (sum.counts.get(place) ?? 0) + (buckets[at + 1] ?? 0));
  }
}
