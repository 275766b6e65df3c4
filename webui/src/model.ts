/** What the server and the report tell, as the page holds it; the wire's forms are in docs/design/012. */

/** One row of the statistics. Times in microseconds; null where nothing was timed. */
export interface Row {
  id: number;
  requests: number;
  failures: number;
  currentRps: number;
  currentFailPerS: number;
  avgUs: number | null;
  minUs: number | null;
  maxUs: number | null;
  avgSizeBytes: number;
  totalRps: number;
  totalFailPerS: number;
  late: number;
  /** One for each of the run's fractions. */
  percentilesUs: readonly (number | null)[];
}

/** The id of the row that adds up all others. */
export const TOTAL = -1;

export type Percentiles = readonly (number | null)[];

/** A row as it comes: id, requests, failures, rates now, average, extremes, size, rates in all, late, percentiles. */
export type WireFigures = [
  number, number, number, number, number | null, number | null, number | null, number, number, number, number,
  Percentiles,
];
export type WireRow = [number, ...WireFigures];

export interface Name {
  id: number;
  method: string;
  name: string;
}

export type WireName = [number, string, string];

/** The fractions of a point's percentiles. */
export const POINT_FRACTIONS = [0.5, 0.9, 0.95, 0.99, 1] as const;

/** What happened in one stretch of the run. */
export interface Point {
  epochS: number;
  lengthS: number;
  users: number;
  requests: number;
  failures: number;
  sumUs: number;
  /** Of POINT_FRACTIONS. */
  percentilesUs: Percentiles;
  /** Cell, count, cell, count: cell k has the times from 2^(k/4) to 2^((k+1)/4) us. */
  cells: readonly number[];
  /** Whether the generator itself was late in it. */
  late: boolean;
}

export type WirePoint = [
  number, number, number, number, number, number, Percentiles, readonly number[], boolean | number,
];

export type MarkKind = "start" | "edit" | "stage" | "stop" | "reset" | "warning" | "worker" | "rule" | "warmup";

/** The page makes a mark of kind `warmup` itself. */
export interface Mark {
  epochS: number;
  kind: MarkKind;
  text: string;
}

export type WireMark = [number, MarkKind, string];

export type RunState = "ready" | "spawning" | "running" | "cleanup" | "stopping" | "stopped" | "missing";

/** The run as the server tells it; the names are the wire's. */
export interface Run {
  number: number;
  state: RunState;
  started_epoch_s: number | null;
  ended_epoch_s: number | null;
  host: string | null;
  user_count: number;
  user_classes: Record<string, number>;
  target_user_count: number;
  spawn_rate: number | null;
  /** When a run with a run time ends, or was to end. */
  ends_epoch_s: number | null;
  /** Requests that may be started per second; null for any number. */
  max_rps: number | null;
  shape: string | null;
  profile: string | null;
  locustfiles: readonly string[];
  is_distributed: boolean;
  expected_workers: number;
}

export interface Worker {
  id: string;
  index: number;
  state: string;
  user_count: number;
  /** Percent of a core. */
  cpu_usage: number | null;
  memory_bytes: number | null;
  loop_delay_s: number | null;
  version: string | null;
  host: string | null;
}

export interface Counts {
  failures: number;
  exceptions: number;
  log_warnings: number;
}

export interface Generator {
  verdict: string;
  is_trusted: boolean;
  cpu: number | null;
  memory_bytes: number | null;
  late_seconds: number;
}

/** What must not be, and how it stands. */
export interface Rule {
  rule: string;
  source: string;
  state: "passed" | "broken" | "no data" | "not judged";
  value: number | null;
  limit: number | null;
  unit: string;
  broke_epoch_s: number | null;
  sentence: string;
}

/** What all rules say. */
export interface Verdict {
  passed: boolean;
  sentence: string;
  baseline: string | null;
  warmup_s: number;
  rules: readonly Rule[];
}

export interface Hello {
  version: string;
  server: string;
  now_epoch_s: number;
  schema: string;
  run: Run;
  fractions: readonly number[];
  names: readonly WireName[];
  rows: readonly WireRow[];
  total: WireFigures | null;
  recent: readonly [number, readonly number[]][];
  points: readonly WirePoint[];
  marks: readonly WireMark[];
  workers: readonly Worker[];
  notes: readonly string[];
  counts: Counts;
  generator: Generator | null;
  /** Null without rules. */
  verdict: Verdict | null;
}

export type Tick = { now_epoch_s: number; run?: Partial<Run> } & Partial<Omit<Hello, "run" | "now_epoch_s">>;

/** Half of an exchange. */
export interface Half {
  head: readonly string[];
  lines_left_out: number;
  body: string | null;
  /** False when the body is no text, and what is shown of it is not what was sent. */
  is_text: boolean;
  body_bytes: number;
  bytes_left_out: number;
}

export interface Exchange {
  epoch_s: number;
  method: string;
  url: string;
  name: string;
  error: string;
  duration_us: number | null;
  status: number | null;
  request: Half | null;
  response: Half | null;
}

export interface Failure {
  method: string;
  name: string;
  error: string;
  sample: string;
  occurrences: number;
  first_seen_epoch_s: number | null;
  last_seen_epoch_s: number | null;
  exchanges: readonly Exchange[];
}

export interface TaskException {
  count: number;
  message: string;
  traceback: string;
  nodes: readonly string[];
}

export interface Failures {
  failures: readonly Failure[];
  exceptions: readonly TaskException[];
  generator_errors: readonly Omit<Failure, "exchanges">[];
}

/** Shares of tasks: {name: {ratio, tasks}}, nested. */
export interface Shares {
  [name: string]: { ratio: number; tasks?: Shares };
}

export interface TaskRatios {
  per_class: Shares;
  total: Shares;
}

export interface Logs {
  master: readonly string[];
  workers: Record<string, readonly string[]>;
}

/** The figures of a part of the run. */
export interface WindowFigures {
  fromEpochS: number;
  toEpochS: number;
  rows: readonly Row[];
  total: Row;
  names: readonly Name[];
}

export interface WireWindow {
  from_epoch_s: number;
  to_epoch_s: number;
  rows: readonly WireRow[];
  total: WireFigures;
  names: readonly WireName[];
}

/** A run that is over, as the list of runs has it. */
export interface KeptRun {
  number: number;
  id: string;
  started_epoch_s: number | null;
  ended_epoch_s: number | null;
  host: string | null;
  users: number;
  num_requests: number;
  num_failures: number;
  state: string;
}

export type Metric = "rate" | "failures" | "p50" | "p95" | "p99";

/** One figure of two runs: requests per second, a share of failures, or milliseconds. */
export interface Change {
  a: number | null;
  b: number | null;
  change: number | null;
  /** The interval of the change; null where nothing is known of it. */
  low: number | null;
  high: number | null;
  /** 1 or -1 if it has certainly risen or fallen; else 0. */
  direction: number;
  /** The same, beyond the least effect that matters. */
  matters: number;
}

export interface ComparedRow {
  method: string;
  name: string;
  changes: Record<Metric, Change>;
}

/** What `gregaria compare --json` prints. */
export interface Comparison {
  verdict: string;
  sentence: string;
  a: { label: string; compared_s: number };
  b: { label: string; compared_s: number };
  total: ComparedRow;
  rows: readonly ComparedRow[];
  only_in_a: readonly [string, string][];
  only_in_b: readonly [string, string][];
  notes: readonly string[];
}

export type FieldValue = string | number | boolean | null | readonly string[];

/** An argument that a locustfile has added. */
export interface Argument {
  name: string;
  /** Null for a secret, which is never told. */
  value: FieldValue;
  /** Whether it has a value, told or not. */
  is_set: boolean;
  kind: "text" | "number" | "bool" | "choice" | "choices" | "list" | "secret";
  choices: readonly string[] | null;
  help: string | null;
  is_secret: boolean;
  is_required: boolean;
}

export interface UserClass {
  name: string;
  host: string | null;
  weight: number;
  fixed_count: number;
  is_chosen: boolean;
}

/** What must not be, and what may not be asked for, in the next test. */
export interface Limits {
  max_rps: number | null;
  /** The cap that the command was given, beyond which the form cannot go. */
  most_rps: number | null;
  /** Those of --fail-if, which the form replaces. */
  rules: readonly string[];
  other_rules: readonly { rule: string; source: string }[];
  warmup_s: number;
  baseline: string | null;
  allow_hosts: readonly string[];
}

/** What the start form asks, and what was answered last. */
export interface FormModel {
  values: {
    user_count: number | null;
    spawn_rate: number | null;
    host: string | null;
    run_time_s: number | null;
    profile: string | null;
  };
  is_running: boolean;
  is_host_required: boolean;
  /** Whether classes and shape are the form's to choose. */
  picks_classes: boolean;
  user_classes: readonly UserClass[];
  user_tasks: Record<string, readonly string[]>;
  shapes: readonly string[];
  /** The shape that decides the number of users; null when the person does. */
  shape: string | null;
  /** Whether that shape wants the number of users all the same. */
  shape_uses_options: boolean;
  options: readonly Argument[];
  /** Which of `max_rps` and `fail_if` are the form's: a locustfile may have an option of that name. */
  own_fields: readonly string[];
  limits: Limits;
  is_distributed: boolean;
  expected_workers: number;
  worker_count: number;
}

/** What `/swarm` answers. */
export interface SwarmAnswer {
  success: boolean;
  message: string;
  /** Which field a refusal is about, where it is about one. */
  field?: string;
}

export function rowOf(id: number, figures: WireFigures): Row {
  const [requests, failures, currentRps, currentFailPerS, avgUs, minUs, maxUs, avgSizeBytes, totalRps, totalFailPerS,
    late, percentilesUs] = figures;
  return {
    id, requests, failures, currentRps, currentFailPerS, avgUs, minUs, maxUs, avgSizeBytes, totalRps, totalFailPerS,
    late, percentilesUs,
  };
}

export function rowOfWire([id, ...figures]: WireRow): Row {
  return rowOf(id, figures);
}

export function nameOf([id, method, name]: WireName): Name {
  return { id, method, name };
}

export function pointOf(wire: WirePoint): Point {
  const [epochS, lengthS, users, requests, failures, sumUs, percentilesUs, cells, late] = wire;
  return { epochS, lengthS, users, requests, failures, sumUs, percentilesUs, cells, late: Boolean(late) };
}

export function markOf([epochS, kind, text]: WireMark): Mark {
  return { epochS, kind, text };
}

export function windowOf(wire: WireWindow): WindowFigures {
  return {
    fromEpochS: wire.from_epoch_s,
    toEpochS: wire.to_epoch_s,
    rows: wire.rows.map(rowOfWire),
    total: rowOf(TOTAL, wire.total),
    names: wire.names.map(nameOf),
  };
}

export function isActive(state: RunState): boolean {
  return state === "spawning" || state === "running" || state === "cleanup" || state === "stopping";
}
