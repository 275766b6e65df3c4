/** Workers that are out of line with the others. */

import type { Worker } from "../model";

/** Workers that it takes to have a line. */
const LEAST_WORKERS = 3;

interface Measure {
  value: (worker: Worker) => number | null;
  /** What is said of one that is too high. */
  words: string;
  /** How far from the others' middle is too far, whatever the spread. */
  least: number;
}

const MEASURES: readonly Measure[] = [
  { value: (worker) => worker.cpu_usage, words: "uses more CPU than the others", least: 20 },
  { value: (worker) => worker.loop_delay_s, words: "is slower to look at its sockets than the others", least: 0.02 },
  { value: (worker) => worker.memory_bytes, words: "uses more memory than the others", least: 100 * 1024 * 1024 },
];

/** What is odd about each worker, by id; workers in line are not in it. */
export function outliers(workers: readonly Worker[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const say = (worker: Worker, words: string) => found.set(worker.id, [...(found.get(worker.id) ?? []), words]);
  const present = workers.filter(({ state }) => state !== "missing");
  const usual = commonest(present.map(({ version }) => version ?? ""));
  for (const worker of present) {
    if (worker.version && usual && worker.version !== usual) say(worker, `runs version ${worker.version}, most run ${usual}`);
  }
  if (present.length < LEAST_WORKERS) return found;
  for (const { value, words, least } of MEASURES) {
    const values = present.map(value).filter((each): each is number => each !== null);
    if (values.length < LEAST_WORKERS) continue;
    const middle = median(values);
    // Three times the usual distance from the middle: a robust way to say "far off".
    const limit = middle + Math.max(3 * 1.4826 * median(values.map((each) => Math.abs(each - middle))), least);
    for (const worker of present) {
      if ((value(worker) ?? -Infinity) > limit) say(worker, words);
    }
  }
  return found;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

function commonest(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}
