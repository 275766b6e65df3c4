import { describe, expect, it } from "vitest";

import type { WirePoint } from "../src/model";
import { Store } from "../src/store";
import { RUN, hello } from "./run";

function filled(): Store {
  const store = new Store();
  store.hello(hello());
  return store;
}

const second = (epochS: number, lengthS = 1): WirePoint => [epochS, lengthS, 5, 1, 0, 9, [1, 1, 1, 1, 1], [], 0];

describe("the store", () => {
  it("changes what a tick tells and nothing else", () => {
    const store = filled();
    const { marks, workers } = { marks: store.marks.value, workers: store.workers.value };
    store.tick({ now_epoch_s: 1003, run: { user_count: 7 } });
    expect(store.run.value).toEqual({ ...RUN, user_count: 7 });
    expect(store.nowEpochS.value).toBe(1003);
    expect(store.marks.value).toBe(marks);
    expect(store.workers.value).toBe(workers);
  });

  it("takes in new names and rows, and changes known ones in their place", () => {
    const store = filled();
    store.tick({
      now_epoch_s: 1003, names: [[1, "POST", "/b"]],
      rows: [
        [1, 4, 1, 4, 1, 10, 10, 10, 1, 4, 1, 0, [10, 10]], [0, 105, 0, 10, 0, 2000, 1000, 9000, 50, 10, 0, 0, [1, 1]],
      ],
    });
    expect(store.rows.value.map(({ id, requests }) => [id, requests])).toEqual([[0, 105], [1, 4]]);
    expect(store.names.value.get(1)).toEqual({ id: 1, method: "POST", name: "/b" });
  });

  it("counts the requests of each second, also of names that had none", () => {
    const store = filled();
    store.tick({ now_epoch_s: 1003, rows: [[0, 105, 0, 10, 0, 2000, 1000, 9000, 50, 10, 0, 0, [1, 1]]] });
    store.tick({ now_epoch_s: 1004 });
    expect(store.recentOf(0)).toEqual([1, 2, 3, 5, 0]);
  });

  it("keeps no more seconds of a name than a sparkline shows", () => {
    const store = filled();
    for (let at = 0; at < 200; at++) store.tick({ now_epoch_s: 1003 + at });
    expect(store.recentOf(0)).toHaveLength(60);
  });

  it("lets a longer point take the place of those that lie in it", () => {
    const store = filled();
    store.tick({ now_epoch_s: 1010, points: Array.from({ length: 9 }, (_, at) => second(1001 + at)) });
    store.tick({ now_epoch_s: 1011, points: [second(1010)] });
    store.tick({ now_epoch_s: 1012, points: [second(1000, 10)] });
    expect(store.course.value.points.map(({ epochS, lengthS }) => [epochS, lengthS])).toEqual([[1000, 10], [1010, 1]]);
  });

  it("takes in a verdict, and that there is none any more", () => {
    const store = filled();
    const verdict = { passed: true, sentence: "passed", baseline: null, warmup_s: 0, rules: [] };
    store.tick({ now_epoch_s: 1003, verdict });
    expect(store.verdict.value).toEqual(verdict);
    store.tick({ now_epoch_s: 1004 });
    expect(store.verdict.value).toEqual(verdict);
    store.tick({ now_epoch_s: 1005, verdict: null });
    expect(store.verdict.value).toBeNull();
  });

  it("begins anew with each hello", () => {
    const store = filled();
    store.tick({ now_epoch_s: 1003, names: [[1, "POST", "/b"]], marks: [[1003, "edit", "more"]] });
    store.hello(hello({ rows: [], total: null, points: [], names: [], marks: [], recent: [] }));
    expect(store.rows.value).toEqual([]);
    expect(store.names.value.size).toBe(0);
    expect(store.course.value.points).toEqual([]);
    expect(store.recentOf(0)).toEqual([]);
    expect(store.lastPoint.value).toBeNull();
  });
});
