import { describe, expect, it } from "vitest";

import type { Worker } from "../src/model";
import { levelOf } from "../src/panels/levels";
import { outliers } from "../src/panels/outliers";

function worker(index: number, given: Partial<Worker> = {}): Worker {
  return {
    id: `w${index}`, index, state: "running", user_count: 5, cpu_usage: 40 + index, memory_bytes: 80e6,
    loop_delay_s: 0.001, version: "1.0", host: null, ...given,
  };
}

describe("workers out of line", () => {
  it("are none where all are alike", () => {
    expect(outliers([0, 1, 2, 3].map((index) => worker(index))).size).toBe(0);
  });

  it("are named with what is odd about them", () => {
    const workers = [worker(0), worker(1), worker(2, { cpu_usage: 99, loop_delay_s: 0.4 }), worker(3)];
    const found = outliers(workers);
    expect([...found.keys()]).toEqual(["w2"]);
    expect(found.get("w2")).toHaveLength(2);
  });

  it("are those of another version, too, and those that are missing are not looked at", () => {
    const gone = worker(3, { state: "missing", cpu_usage: 0 });
    const found = outliers([worker(0), worker(1), worker(2, { version: "0.9" }), gone]);
    expect(found.get("w2")?.[0]).toContain("0.9");
    expect(found.size).toBe(1);
  });

  it("cannot be told among two", () => {
    expect(outliers([worker(0), worker(1, { cpu_usage: 100 })]).size).toBe(0);
  });
});

it("lines of a log have their level, lines of a traceback have none", () => {
  expect(levelOf("[2026-11-25 14:03:01,120] box/WARNING/gregaria.cluster: late")).toBe("WARNING");
  expect(levelOf("[2026-11-25 14:03:01,120] my-box.local/ERROR/a: INFO")).toBe("ERROR");
  expect(levelOf("KeyError: 'INFO'")).toBeNull();
});
