import { describe, expect, it } from "vitest";

import { frameOf } from "../src/charts/frame";
import { point } from "./run";

const sum = (values: readonly (number | null)[]) => values.reduce<number>((all, value) => all + (value ?? 0), 0);

describe("a frame", () => {
  it("has every point where there is room for all", () => {
    const frame = frameOf([point(1000), point(1001, { requests: 30, failures: 3 })], { fromS: 1000, toS: 1002 });
    expect(frame.x).toEqual([1000.5, 1001.5]);
    expect(frame.rps).toEqual([10, 30]);
    expect(frame.failPerS).toEqual([0, 3]);
  });

  it("joins points where there are more than columns, and loses no request", () => {
    const points = Array.from({ length: 5000 }, (_, at) => point(1000 + at, { requests: at % 7 }));
    const frame = frameOf(points, { fromS: 1000, toS: 6000 }, 500);
    expect(frame.x.length).toBeLessThanOrEqual(501);
    const requests = sum(frame.rps.map((rate, at) => (rate ?? 0) * (frame.lengthS[at] ?? 0)));
    expect(requests).toBeCloseTo(sum(points.map((each) => each.requests)), 6);
  });

  it("keeps the worst second in sight", () => {
    const points = Array.from({ length: 3000 }, (_, at) => point(at));
    points[1234] = point(1234, { percentilesUs: [1, 2, 900_000, 4, 5] });
    const frame = frameOf(points, { fromS: 0, toS: 3000 }, 100);
    expect(Math.max(...(frame.percentilesUs[2] ?? []).map((value) => value ?? 0))).toBe(900_000);
  });

  it("adds up the cells of joined points", () => {
    const points = [point(1000), point(1001, { cells: [44, 5, 60, 2] })];
    const frame = frameOf(points, { fromS: 1000, toS: 1002 }, 1);
    expect(frame.cells).toEqual([[40, 9, 44, 6, 60, 2]]);
  });

  it("leaves a gap where nothing was counted", () => {
    const frame = frameOf([point(1000), point(1010)], { fromS: 1000, toS: 1011 });
    expect(frame.rps).toEqual([10, null, 10]);
    expect(frame.x).toEqual([1000.5, 1001, 1010.5]);
  });

  it("shades late seconds that follow each other as one", () => {
    const late = { late: true };
    const frame = frameOf([point(0), point(1, late), point(2, late), point(3), point(4, late)], { fromS: 0, toS: 5 });
    expect(frame.late).toEqual([{ fromS: 1, toS: 3 }, { fromS: 4, toS: 5 }]);
  });

  it("is of its span only, with the point that reaches into it", () => {
    const points = [point(0, { lengthS: 10 }), point(10, { lengthS: 10 }), point(20, { lengthS: 10 })];
    expect(frameOf(points, { fromS: 12, toS: 18 }).x).toEqual([15]);
  });

  it("of nothing is empty", () => {
    expect(frameOf([], { fromS: 0, toS: 5 }).x).toEqual([]);
  });
});
