/** Rows folded together: by method, or by the beginning of the path. */

import type { Row } from "../model";
import type { NamedRow } from "./order";

export type FoldBy = "nothing" | "method" | "path";

/** Rows that stand together under one line. */
export interface Group {
  key: string;
  rows: readonly NamedRow[];
  /** Their figures together, without percentiles, which cannot be had from percentiles: see groups.ts. */
  sum: Row;
}

/** The rows in groups, the groups in the order in which their first rows come. */
export function folded(rows: readonly NamedRow[], by: Exclude<FoldBy, "nothing">): Group[] {
  const groups = new Map<string, NamedRow[]>();
  for (const each of rows) {
    const key = by === "method" ? each.name.method || "(no method)" : prefixOf(each.name.name);
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return [...groups].map(([key, members]) => ({ key, rows: members, sum: sumOf(members.map(({ row }) => row)) }));
}

/** What a path is folded by: its first part, without host and query. Other names by their first word. */
export function prefixOf(name: string): string {
  const path = name.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "");
  if (!path.startsWith("/")) return path.split(/[\s:/]/, 1)[0] || path;
  const [first = ""] = path.slice(1).split(/[/?#]/, 1);
  return `/${first}`;
}

export function sumOf(rows: readonly Row[]): Row {
  const sum: Row = {
    id: -2, requests: 0, failures: 0, currentRps: 0, currentFailPerS: 0, avgUs: null, minUs: null, maxUs: null,
    avgSizeBytes: 0, totalRps: 0, totalFailPerS: 0, late: 0, percentilesUs: [],
  };
  let [timeUs, timed, sizeBytes] = [0, 0, 0];
  for (const row of rows) {
    sum.requests += row.requests;
    sum.failures += row.failures;
    sum.currentRps += row.currentRps;
    sum.currentFailPerS += row.currentFailPerS;
    sum.totalRps += row.totalRps;
    sum.totalFailPerS += row.totalFailPerS;
    sum.late += row.late;
    sizeBytes += row.avgSizeBytes * row.requests;
    if (row.avgUs !== null) {
      timeUs += row.avgUs * row.requests;
      timed += row.requests;
    }
    if (row.minUs !== null) sum.minUs = Math.min(sum.minUs ?? Infinity, row.minUs);
    if (row.maxUs !== null) sum.maxUs = Math.max(sum.maxUs ?? 0, row.maxUs);
  }
  sum.avgUs = timed ? timeUs / timed : null;
  sum.avgSizeBytes = sum.requests ? sizeBytes / sum.requests : 0;
  return sum;
}
