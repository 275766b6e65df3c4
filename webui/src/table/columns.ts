/** The columns of the statistics: what each says, and how it is ordered by. */

import { bytes, count, figure, milliseconds, percent, percentileLabel } from "../format";
import type { Row } from "../model";

export interface Column {
  key: string;
  label: string;
  /** A word more for those who point at it. */
  hint: string;
  width: number;
  /** What it is sorted by; null comes last. */
  value: (row: Row) => number | null;
  text: (row: Row) => string;
  tone?: (row: Row) => "red" | "amber" | undefined;
  /** Of several names together it is known only to whoever has counted them. */
  isPercentile?: true;
}

const red = (row: Row) => (row.failures ? "red" : undefined);

const COUNTS: readonly Column[] = [
  {
    key: "requests", label: "Requests", hint: "Requests that have ended, failures included", width: 88,
    value: (row) => row.requests, text: (row) => count(row.requests),
  },
  {
    key: "failures", label: "Failures", hint: "Requests that have failed", width: 76,
    value: (row) => row.failures, text: (row) => count(row.failures), tone: red,
  },
  {
    key: "fail_ratio", label: "Failed", hint: "Share of requests that have failed", width: 72,
    value: (row) => (row.requests ? row.failures / row.requests : row.failures),
    text: (row) => percent(row.failures, row.requests), tone: red,
  },
];

/** Of the last seconds while the run goes on; afterwards of all of it, as its last seconds mean nothing any more. */
function ratesOf(goesOn: boolean): Column[] {
  const rps = (row: Row) => (goesOn ? row.currentRps : row.totalRps);
  const failPerS = (row: Row) => (goesOn ? row.currentFailPerS : row.totalFailPerS);
  const when = goesOn ? "over the last seconds" : "over the whole time that is shown";
  return [
    {
      key: "rps", label: "Req/s", hint: `Requests per second, ${when}`, width: 72,
      value: rps, text: (row) => figure(rps(row)),
    },
    {
      key: "fail_per_s", label: "Fail/s", hint: `Failures per second, ${when}`, width: 66,
      value: failPerS, text: (row) => figure(failPerS(row)), tone: (row) => (failPerS(row) ? "red" : undefined),
    },
  ];
}

const AFTER_PERCENTILES: readonly Column[] = [
  {
    key: "avg", label: "Avg", hint: "Average response time in milliseconds", width: 72,
    value: (row) => row.avgUs, text: (row) => milliseconds(row.avgUs),
  },
  {
    key: "min", label: "Min", hint: "Shortest response time in milliseconds", width: 72,
    value: (row) => row.minUs, text: (row) => milliseconds(row.minUs),
  },
  {
    key: "max", label: "Max", hint: "Longest response time in milliseconds", width: 76,
    value: (row) => row.maxUs, text: (row) => milliseconds(row.maxUs),
  },
  {
    key: "size", label: "Size", hint: "Average size of a response", width: 80,
    value: (row) => row.avgSizeBytes, text: (row) => bytes(row.avgSizeBytes),
  },
  {
    key: "total_rps", label: "Req/s all", hint: "Requests per second, over the whole run", width: 80,
    value: (row) => row.totalRps, text: (row) => figure(row.totalRps),
  },
  {
    key: "total_fail_per_s", label: "Fail/s all", hint: "Failures per second, over the whole run", width: 80,
    value: (row) => row.totalFailPerS, text: (row) => figure(row.totalFailPerS),
  },
  {
    key: "late", label: "Late", hint: "Requests whose time is too long because the generator was busy", width: 66,
    value: (row) => row.late, text: (row) => count(row.late),
    tone: (row) => (row.late ? "amber" : undefined),
  },
];

/** Columns that are shown until somebody chooses: the median, and the percentiles that the locustfile wants. */
export function usualColumns(fractions: readonly number[]): string[] {
  return ["requests", "failures", "fail_ratio", "rps", "p50", ...fractions.map(percentileLabel), "max", "avg"];
}

/** All columns there are for a run whose percentiles are of these fractions, while it goes on or when it is over. */
export function columnsFor(fractions: readonly number[], goesOn: boolean): Column[] {
  const percentiles = fractions.flatMap((fraction, place): Column[] => {
    const label = percentileLabel(fraction);
    // The longest time has a column of its own, which is exact.
    if (label === "max") return [];
    return [{
      key: label, label, width: 72, isPercentile: true,
      hint: `Response time in milliseconds that ${100 * fraction} % of the requests did not exceed`,
      value: (row) => row.percentilesUs[place] ?? null,
      text: (row) => milliseconds(row.percentilesUs[place] ?? null),
    }];
  });
  return [...COUNTS, ...ratesOf(goesOn), ...percentiles, ...AFTER_PERCENTILES];
}
