import { describe, expect, it } from "vitest";

import {
  bytes, clock, count, duration, figure, milliseconds, nearestClock, percent, percentileLabel, runTime, short,
  stopwatch, tenths, time,
} from "../src/format";

describe("figures", () => {
  it("have the digits that matter", () => {
    expect([0, 0.421, 12.34, 1234.5].map(figure)).toEqual(["0", "0.42", "12.3", "1,235"]);
    expect([213, 4700, 32_500, 1_234_000].map(milliseconds)).toEqual(["0.213", "4.70", "32.5", "1,234"]);
    expect(count(1_234_567)).toBe("1,234,567");
  });

  it("tell nothing of what is not known", () => {
    expect([figure(null), milliseconds(null), time(null), bytes(null)]).toEqual(["–", "–", "–", "–"]);
  });

  it("never tell something as nothing, nor nearly all as all", () => {
    expect(percent(1, 1_000_000)).toBe("< 0.01 %");
    expect(percent(999_999, 1_000_000)).toBe("99.99 %");
    expect(percent(0, 10)).toBe("0 %");
    expect(percent(10, 10)).toBe("100 %");
    expect(percent(3, 1000)).toBe("0.30 %");
    expect(percent(1, 0)).toBe("100 %");
  });

  it("carry their unit where they stand alone", () => {
    expect([213, 4700, 12_345_678].map(time)).toEqual(["213 µs", "4.70 ms", "12.3 s"]);
    expect([12, 2048, 5 * 1024 ** 2].map(bytes)).toEqual(["12 B", "2.0 KiB", "5.0 MiB"]);
    expect([999, 12_345, 3_400_000].map(short)).toEqual(["999", "12k", "3.4M"]);
  });
});

describe("shares", () => {
  it("add up to the whole, and are themselves where they can be", () => {
    expect(tenths([0.125, 0.375, 0.5], 1000)).toEqual([125, 375, 500]);
    expect(tenths([1 / 3, 1 / 3, 1 / 3], 1000)).toEqual([334, 333, 333]);
    expect(tenths([0.29, 0.71], 1000)).toEqual([290, 710]);
    expect(tenths([2 / 3 / 3, 1 / 3 / 3], 333)).toEqual([222, 111]);
    const sevenths = tenths(Array.from({ length: 7 }, () => 1 / 7), 1000);
    expect(sevenths.reduce((a, b) => a + b)).toBe(1000);
  });

  it("are nothing where nobody runs", () => {
    expect(tenths([0, 0], 1000)).toEqual([0, 0]);
  });
});

describe("times", () => {
  it("of a window are those of the seconds that are nearest", () => {
    expect(nearestClock(1_000_000_007.9)).toBe(clock(1_000_000_008));
    expect(nearestClock(1_000_000_008.2)).toBe(clock(1_000_000_008));
  });

  it("are those of a stopwatch, or words", () => {
    expect([7, 754, 3723].map(stopwatch)).toEqual(["0:07", "12:34", "1:02:03"]);
    expect([4.25, 45, 110, 7500, 7200].map(duration)).toEqual(["4.3 s", "45 s", "1 min 50 s", "2 h 5 min", "2 h"]);
  });

  it("go into the field for the run time as it takes them", () => {
    expect([90, 300, 5400, 0].map(runTime)).toEqual(["1m30s", "5m", "1h30m", "0s"]);
  });
});

it("percentiles are called as everywhere", () => {
  expect([0.5, 0.95, 0.999, 0.9999, 1].map(percentileLabel)).toEqual(["p50", "p95", "p99.9", "p99.99", "max"]);
});
