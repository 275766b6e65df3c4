import { describe, expect, it } from "vitest";

import { Blocks } from "../src/blocks";
import type { Timeline } from "../src/document";

/** Two names, three blocks of ten seconds; buckets of 64 to the octave. */
const TIMELINE: Timeline = {
  started_epoch_s: 1000, buckets_per_octave: 64, names: [["GET", "/a"], ["GET", "/b"]], edges_us: [100, 1024, 2048],
  blocks: [
    [0, 10, 5, 0, [[0, 4, 1, 4000, [0, 1, 1, 3]]]],
    [10, 10, 5, 1, [[0, 2, 0, 4100, [2, 2]], [1, 1, 0, 100, [0, 1]]]],
    [20, 10, 5, 0, [[1, 1, 1, 0, []]]],
  ],
  points: [], marks: [],
};

const blocks = new Blocks(TIMELINE);

describe("windows of blocks", () => {
  it("snap to blocks and add up exactly", () => {
    const window = blocks.window(1001, 1019, [0.5, 1]);
    expect([window?.fromEpochS, window?.toEpochS]).toEqual([1000, 1020]);
    const [requests, failures, rps] = window?.total ?? [];
    expect([requests, failures, rps]).toEqual([7, 1, 7 / 20]);
    expect(window?.rows.get(0)?.slice(0, 2)).toEqual([6, 1]);
    expect(window?.rows.get(1)?.slice(0, 2)).toEqual([1, 0]);
  });

  it("have nearest-rank percentiles, told by the middles of buckets", () => {
    // Sorted: 100, 100, 1024 x 3, 2048 x 2; buckets are 1, 16 and 32 us wide.
    const window = blocks.window(1000, 1020, [0.25, 0.5, 0.72, 1]);
    expect(window?.total.at(-1)).toEqual([100, 1031, 2063, 2063]);
    expect(window?.total.slice(5, 7)).toEqual([100, 2063]);
  });

  it("take the block around what is shorter than a block", () => {
    expect(blocks.window(1011, 1012, [0.5])?.total[0]).toBe(3);
  });

  it("know nothing of times that were not kept, and no time where nothing was timed", () => {
    expect(blocks.window(5000, 5010, [0.5])).toBeNull();
    const [, , , , average, least, most] = blocks.window(1021, 1029, [0.5])?.total ?? [];
    expect([average, least, most]).toEqual([null, null, null]);
  });
});

describe("groups of names", () => {
  it("have the percentiles of all their requests together", () => {
    // As the total above, and of the second name alone: one of 100 us, and nothing of a name that is not there.
    expect(blocks.groups([[0, 1], [1], [7]], null, [0.25, 0.5, 0.72, 1]))
      .toEqual([[100, 1031, 2063, 2063], [100, 100, 100, 100], [null, null, null, null]]);
  });

  it("have those of a window, too", () => {
    expect(blocks.groups([[0, 1]], { fromS: 1000, toS: 1010 }, [0.25, 0.5])).toEqual([[100, 1031]]);
  });
});

it("a name's course has a point for each block", () => {
  const points = blocks.series(0, 1000, 1030);
  expect(points.map(({ epochS, requests, late }) => [epochS, requests, late]))
    .toEqual([[1000, 4, false], [1010, 2, true], [1020, 0, false]]);
  // 100 us is in cell 26 (2^6.5 = 90.5 to 107.6), 1031 us in cell 40.
  expect(points[0]?.cells).toEqual([26, 1, 40, 3]);
});
