import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Desk } from "../src/desk";
import type { Source } from "../src/source";
import { Store } from "../src/store";
import { hello } from "./run";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("failures are there as soon as somebody looks, and then every other second", async () => {
  const store = new Store();
  const failures = vi.fn(() => Promise.resolve({ failures: [], exceptions: [], generator_errors: [] }));
  const desk = new Desk(store, { kind: "live", failures } as unknown as Source);
  const counted = (some: number) => ({ failures: some, exceptions: 0, log_warnings: 0 });
  store.hello(hello({ counts: counted(3) }));
  desk.lookAtFailures();
  await vi.advanceTimersByTimeAsync(1);
  expect(failures).toHaveBeenCalledTimes(1);
  for (let second = 0; second < 10; second++) {
    store.tick({ now_epoch_s: second, counts: counted(4 + second) });
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(failures.mock.calls.length).toBeGreaterThan(4);
  expect(failures.mock.calls.length).toBeLessThan(8);
});
