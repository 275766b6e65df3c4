import { describe, expect, it } from "vitest";

import { RATE_LINES, TIME_LINES, USER_LINES } from "../src/charts/lines";
import { type Summed, summedOf } from "../src/charts/summed";
import { point, row } from "./run";

const GIVEN = {
  range: { kind: "all" } as const, isOver: true, fractions: [0.5, 0.95], span: { fromS: 1000, toS: 1010 },
  whole: row({ totalRps: 7, currentRps: 0.1, maxUs: 9000, percentilesUs: [2000, 5000] }), window: null,
  points: [point(1000, { users: 3 }), point(1001, { users: 8 }), point(1009, { users: 0 }), point(1010, { users: 9 })],
};

/** What the legends say: the rate, p50, p95, p99, the longest time and the users. */
function told(summed: Summed): unknown[] {
  return [RATE_LINES[0], TIME_LINES[0], TIME_LINES[2], TIME_LINES[3], TIME_LINES[4], USER_LINES[0]].map((line) =>
    line?.sum(summed));
}

describe("a legend without a pointer", () => {
  it("tells of a run that is over what it has come to, and nothing of what is not known", () => {
    const summed = summedOf(GIVEN);
    expect([summed.of, summed.isNewest]).toEqual(["whole run", false]);
    expect(told(summed)).toEqual([7, 2000, 5000, null, 9000, 8]);
  });

  it("tells of a window its own figures, whether or not the run goes on", () => {
    const window = row({ currentRps: 20, percentilesUs: [100, 200], maxUs: 300 });
    for (const isOver of [true, false]) {
      const range = { kind: "window", fromS: 1000, toS: 1001 } as const;
      const summed = summedOf({ ...GIVEN, isOver, range, span: range, window });
      expect([summed.of, summed.isNewest]).toEqual(["window", false]);
      expect(told(summed)).toEqual([20, 100, 200, null, 300, 3]);
    }
  });

  it("tells of a run that goes on, and of the last minutes, the newest moment", () => {
    expect(summedOf({ ...GIVEN, isOver: false })).toMatchObject({ of: "now", isNewest: true });
    const range = { kind: "last", seconds: 60 } as const;
    expect(summedOf({ ...GIVEN, range })).toMatchObject({ of: "at the end", isNewest: true });
  });
});
