/** The document of a run, as `--json-file` writes it: src/gregaria/report/summary.schema.json describes it. */

import type { Exchange, Shares, Verdict, WireMark, WirePoint } from "./model";

export interface DocumentRow {
  method: string;
  name: string;
  num_requests: number;
  num_failures: number;
  num_late: number;
  min_ms: number | null;
  max_ms: number | null;
  avg_ms: number | null;
  percentiles_ms: Record<string, number | null>;
  avg_size_bytes: number;
  current_rps: number;
  current_fail_per_s: number;
  total_rps: number;
  total_fail_per_s: number;
}

export interface DocumentFailure {
  method: string;
  name: string;
  error: string;
  sample: string;
  occurrences: number;
  first_seen_epoch_s: number | null;
  last_seen_epoch_s: number | null;
  /** How many were kept; those that the document has room for are in `kept_exchanges`. */
  exchanges?: number;
  kept_exchanges?: readonly Exchange[];
}

export interface Cause {
  who: string;
  sentence: string;
  advice: string;
  count: number;
}

export interface GeneratorSecond {
  epoch_s: number;
  late: boolean;
  delay_ms: number;
  cpu_percent: number;
  machine_percent: number;
  memory_bytes: number;
}

export interface DocumentGenerator {
  verdict: { trusted: boolean; sentence: string };
  seconds_watched: number;
  seconds_late: number;
  longest_delay_ms: number;
  longest_cpu_percent: number;
  causes: readonly Cause[];
  busy_with: readonly { who: string; share: number }[];
  seconds: readonly GeneratorSecond[];
}

/** A row of a block: place in names, requests, failures, sum of the times in us, distance and count alternating. */
export type BlockRow = [number, number, number, number, readonly number[]];

/** Offset and length in seconds, most users, seconds in which the generator was late, rows. */
export type Block = [number, number, number, number, readonly BlockRow[]];

export interface Timeline {
  started_epoch_s: number;
  buckets_per_octave: number;
  names: readonly [string, string][];
  edges_us: readonly number[];
  blocks: readonly Block[];
  points: readonly WirePoint[];
  marks: readonly WireMark[];
}

/** How a user class stood when the test began. */
export interface ChosenClass {
  weight: number;
  fixed_count: number;
  host: string | null;
}

/** What was asked for, and what the test began with; documents of earlier versions have not all of it. */
export interface Options {
  user_classes?: Record<string, ChosenClass>;
  custom_arguments?: Record<string, unknown>;
  [name: string]: unknown;
}

export interface RunDocument {
  schema: string;
  gregaria_version: string;
  state: string;
  host: string | null;
  locustfiles: readonly string[];
  options: Options;
  started_epoch_s: number | null;
  ended_epoch_s: number | null;
  duration_s: number;
  user_count: number;
  user_classes: Record<string, number>;
  interrupted: number;
  total: DocumentRow;
  requests: readonly DocumentRow[];
  failures: readonly DocumentFailure[];
  generator_errors: readonly DocumentFailure[];
  exceptions: readonly { count: number; message: string; traceback: string; nodes: readonly string[] }[];
  notes: readonly string[];
  generator: DocumentGenerator | null;
  /** Absent in documents of older versions. */
  verdict?: Verdict | null;
  limits?: { allowed_hosts: readonly string[] | null; max_rps: number | null } | null;
  timeline?: Timeline | null;
  machine?: Record<string, string | number | null>;
  /** Percentiles that its locustfile wants to see first, as fractions. */
  shown_percentiles?: { table: readonly number[]; chart: readonly number[] };
  task_ratios?: { per_class: Shares; total: Shares };
}
