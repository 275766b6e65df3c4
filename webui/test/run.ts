/** Pieces of a run for tests: only what a test is about has to be named. */

import type { Hello, Point, Row, Run } from "../src/model";

export function row(given: Partial<Row> = {}): Row {
  return {
    id: 0, requests: 100, failures: 0, currentRps: 10, currentFailPerS: 0, avgUs: 2000, minUs: 1000, maxUs: 9000,
    avgSizeBytes: 50, totalRps: 10, totalFailPerS: 0, late: 0, percentilesUs: [2000, 5000], ...given,
  };
}

export function point(epochS: number, given: Partial<Point> = {}): Point {
  return {
    epochS, lengthS: 1, users: 5, requests: 10, failures: 0, sumUs: 20_000,
    percentilesUs: [2000, 3000, 4000, 5000, 6000], cells: [40, 9, 44, 1], late: false, ...given,
  };
}

export const RUN: Run = {
  number: 1, state: "running", started_epoch_s: 1000, ended_epoch_s: null, host: "http://target", user_count: 5,
  user_classes: { User: 5 }, target_user_count: 5, spawn_rate: 1, ends_epoch_s: null, max_rps: null, shape: null,
  profile: null,
  locustfiles: ["a.py"], is_distributed: false, expected_workers: 0,
};

export function hello(given: Partial<Hello> = {}): Hello {
  return {
    version: "1", server: "s", now_epoch_s: 1002, schema: "gregaria.web/1", run: RUN, fractions: [0.5, 0.95],
    names: [[0, "GET", "/"]], rows: [[0, 100, 0, 10, 0, 2000, 1000, 9000, 50, 10, 0, 0, [2000, 5000]]],
    total: [100, 0, 10, 0, 2000, 1000, 9000, 50, 10, 0, 0, [2000, 5000]], recent: [[0, [1, 2, 3]]],
    points: [[1000, 1, 5, 10, 0, 20_000, [1, 2, 3, 4, 5], [40, 10], 0]], marks: [[1000, "start", "begun"]],
    workers: [], notes: [], counts: { failures: 0, exceptions: 0, log_warnings: 0 }, generator: null,
    verdict: null, ...given,
  };
}
