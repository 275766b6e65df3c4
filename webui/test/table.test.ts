import { describe, expect, it } from "vitest";

import type { Failure } from "../src/model";
import { columnsFor } from "../src/table/columns";
import { folded, prefixOf, sumOf } from "../src/table/folding";
import { linesOf } from "../src/table/lines";
import { type NamedRow, filtered, nextOrder, sorted } from "../src/table/order";
import { row } from "./run";

const columns = columnsFor([0.5, 0.95, 1], true);
const names = (rows: readonly NamedRow[]) => rows.map(({ name }) => `${name.method} ${name.name}`);

function entry(id: number, method: string, name: string, given = {}): NamedRow {
  return { row: row({ id, ...given }), name: { id, method, name } };
}

const ROWS = [
  entry(0, "GET", "/item/10", { requests: 5, failures: 2 }),
  entry(1, "POST", "/item/9", { requests: 50 }),
  entry(2, "GET", "/", { requests: 50, percentilesUs: [null, null, null] }),
];

describe("order", () => {
  it("is by name, with numbers as numbers, until somebody chooses", () => {
    expect(names(sorted(ROWS, null, columns))).toEqual(["GET /", "POST /item/9", "GET /item/10"]);
  });

  it("is by a column, by name where that leaves a choice", () => {
    expect(names(sorted(ROWS, { key: "requests", isDescending: true }, columns)))
      .toEqual(["GET /", "POST /item/9", "GET /item/10"]);
    expect(names(sorted(ROWS, { key: "requests", isDescending: false }, columns))[0]).toBe("GET /item/10");
  });

  it("puts what is not known last, whichever way", () => {
    for (const isDescending of [true, false]) {
      expect(names(sorted(ROWS, { key: "p50", isDescending }, columns)).at(-1)).toBe("GET /");
    }
  });

  it("turns with each click, and the third takes it back", () => {
    const first = nextOrder(null, "requests");
    expect(first).toEqual({ key: "requests", isDescending: true });
    const second = nextOrder(first, "requests");
    expect(second).toEqual({ key: "requests", isDescending: false });
    expect(nextOrder(second, "requests")).toBeNull();
    expect(nextOrder(first, "name")).toEqual({ key: "name", isDescending: false });
  });
});

describe("columns", () => {
  it("have rates of the last seconds while the run goes on, and then of all of it", () => {
    const done = row({ currentRps: 0, totalRps: 12.5, currentFailPerS: 0, totalFailPerS: 0.25 });
    const told = (goesOn: boolean) => columnsFor([], goesOn)
      .filter(({ key }) => key === "rps" || key === "fail_per_s")
      .map((column) => [column.value(done), column.text(done), column.tone?.(done)]);
    expect(told(true)).toEqual([[0, "0", undefined], [0, "0", undefined]]);
    expect(told(false)).toEqual([[12.5, "12.5", undefined], [0.25, "0.25", "red"]]);
  });
});

describe("the filter", () => {
  it("wants every word, in method or name", () => {
    expect(names(filtered(ROWS, "get item"))).toEqual(["GET /item/10"]);
    expect(filtered(ROWS, "  ")).toBe(ROWS);
  });

  it("leaves out what has a word with a minus", () => {
    expect(names(filtered(ROWS, "-item"))).toEqual(["GET /"]);
  });
});

describe("folding", () => {
  it("is by the first part of the path", () => {
    expect(["/", "/a/b", "/a?x=1", "https://host/a/c", "login step", "checkout: pay"].map(prefixOf))
      .toEqual(["/", "/a", "/a", "/a", "login", "checkout"]);
    expect(folded(ROWS, "path").map(({ key, rows }) => [key, rows.length])).toEqual([["/item", 2], ["/", 1]]);
  });

  it("adds up what can be added up, and leaves percentiles open", () => {
    const rows = [row({ requests: 10, avgUs: 1000, minUs: 5 }), row({ requests: 30, avgUs: 3000, maxUs: 10_000 })];
    expect(sumOf(rows)).toMatchObject({
      requests: 40, avgUs: 2500, minUs: 5, maxUs: 10_000, currentRps: 20, percentilesUs: [],
    });
  });
});

describe("lines", () => {
  const failure: Failure = {
    method: "GET", name: "/item/10", error: "500", sample: "500", occurrences: 2, first_seen_epoch_s: null,
    last_seen_epoch_s: null, exchanges: [],
  };
  const plain = { foldBy: "nothing" as const, closedGroups: new Set<string>(), openNames: new Set<number>() };

  it("have the failures of a name that is open below it", () => {
    const lines = linesOf(ROWS, { ...plain, openNames: new Set([0]), failures: [failure] });
    expect(lines.map(({ kind }) => kind)).toEqual(["name", "failure", "name", "name"]);
  });

  it("have groups, whose names are left out where they are folded", () => {
    const lines = linesOf(ROWS, { ...plain, foldBy: "method", closedGroups: new Set(["GET"]), failures: [] });
    expect(lines.map(({ key }) => key)).toEqual(["gGET", "gPOST", "n1"]);
  });
});
