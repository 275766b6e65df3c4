import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { Percentiles, WindowFigures } from "../src/model";
import type { Source } from "../src/source";
import { Store } from "../src/store";
import { GroupTimes } from "../src/table/groups";
import { hello, row } from "./run";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function made() {
  const store = new Store();
  store.hello(hello());
  const asked: unknown[] = [];
  const groups: Source["groups"] = (ids, span) => {
    asked.push([ids, span]);
    return Promise.resolve(ids.map((each): Percentiles => [each.length, span ? 1 : 0]));
  };
  const figures = signal<WindowFigures | null>(null);
  const times = new GroupTimes(store, { groups } as Source, figures, (work) => work());
  return { store, asked, figures, times };
}

it("asks once for all that come into sight together, and for nothing that went before", async () => {
  const { asked, times } = made();
  const goes = times.look([7]);
  times.look([2, 1]);
  times.look([3]);
  goes();
  await vi.advanceTimersByTimeAsync(60);
  expect(asked).toEqual([[[[2, 1], [3]], null]]);
  expect(times.percentiles.value.get(GroupTimes.keyOf([1, 2]))).toEqual([2, 0]);
});

it("asks again now and then while requests come, and not otherwise", async () => {
  const { asked, store, times } = made();
  times.look([1]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toHaveLength(1);
  for (let second = 0; second < 10; second++) {
    store.tick({ now_epoch_s: second, total: [200 + second, 0, 10, 0, 1, 1, 1, 1, 10, 0, 0, [1, 1]] });
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(asked.length).toBeGreaterThan(4);
  expect(asked.length).toBeLessThan(8);
});

it("shows none of one part of the run in another, and a window is asked for once", async () => {
  const { asked, figures, store, times } = made();
  times.look([1]);
  await vi.advanceTimersByTimeAsync(60);
  figures.value = { fromEpochS: 3, toEpochS: 9, rows: [], total: row(), names: [] };
  expect(times.percentiles.value.size).toBe(0);
  await vi.advanceTimersByTimeAsync(60);
  store.tick({ now_epoch_s: 1, total: [300, 0, 10, 0, 1, 1, 1, 1, 10, 0, 0, [1, 1]] });
  await vi.advanceTimersByTimeAsync(9000);
  expect(asked.slice(1)).toEqual([[[[1]], { fromS: 3, toS: 9 }]]);
  expect(times.percentiles.value.get("1")).toEqual([1, 1]);
});
