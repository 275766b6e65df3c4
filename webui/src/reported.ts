/** The document in a report as a source of figures: told once and whole. */

import { Blocks } from "./blocks";
import type { Span } from "./charts/range";
import type { DocumentFailure, DocumentRow, RunDocument } from "./document";
import {
  type Failure, type Failures, type Hello, type Logs, type Percentiles, type Point, type RunState, type TaskRatios,
  type WindowFigures, type WireFigures, type WireName, type WireRow, TOTAL, rowOf,
} from "./model";
import type { Source } from "./source";
import type { Store } from "./store";

export class ReportSource implements Source {
  readonly kind = "report";
  private readonly blocks: Blocks | null;
  private readonly fractions: readonly number[];
  private readonly names: readonly WireName[];
  /** Ids of the timeline's names. */
  private readonly ids: readonly number[];

  constructor(readonly document: RunDocument) {
    const { timeline, requests, total } = document;
    this.blocks = timeline ? new Blocks(timeline) : null;
    this.fractions = fractionsOf(total);
    const idOf = new Map(requests.map(({ method, name }, id) => [keyOf(method, name), id]));
    const names: WireName[] = requests.map(({ method, name }, id) => [id, method, name]);
    this.ids = (timeline?.names ?? []).map(([method, name]) => {
      const known = idOf.get(keyOf(method, name));
      if (known !== undefined) return known;
      names.push([names.length, method, name]);
      return names.length - 1;
    });
    this.names = names;
  }

  start(store: Store): void {
    store.hello(this.hello());
    store.connection.value = "report";
  }

  window(fromS: number, toS: number): Promise<WindowFigures> {
    const sum = this.blocks?.window(fromS, toS, this.fractions);
    if (!sum) return Promise.reject(new Error("Nothing was kept of this part of the run by itself."));
    return Promise.resolve({
      fromEpochS: sum.fromEpochS,
      toEpochS: sum.toEpochS,
      rows: [...sum.rows].map(([place, figures]) => rowOf(this.ids[place] ?? TOTAL, figures)),
      total: rowOf(TOTAL, sum.total),
      names: this.names.map(([id, method, name]) => ({ id, method, name })),
    });
  }

  series(id: number, fromS: number, toS: number): Promise<Point[]> {
    return Promise.resolve(this.blocks?.series(this.ids.indexOf(id), fromS, toS) ?? []);
  }

  groups(groups: readonly (readonly number[])[], span: Span | null): Promise<readonly Percentiles[]> {
    const places = groups.map((ids) => ids.map((id) => this.ids.indexOf(id)));
    return Promise.resolve(this.blocks?.groups(places, span, this.fractions) ?? []);
  }

  failures(): Promise<Failures> {
    const { failures, exceptions, generator_errors } = this.document;
    return Promise.resolve({
      failures: failures.map(failureOf), exceptions, generator_errors: generator_errors.map(failureOf),
    });
  }

  tasks(): Promise<TaskRatios | null> {
    return Promise.resolve(this.document.task_ratios ?? null);
  }

  logs(): Promise<Logs | null> {
    return Promise.resolve(null);
  }

  private hello(): Hello {
    const { document } = this;
    const { options, generator } = document;
    const asked = (name: string) => (typeof options[name] === "number" ? options[name] : null);
    const runTimeS = asked("run_time_s");
    return {
      version: document.gregaria_version, server: "", schema: document.schema,
      now_epoch_s: document.ended_epoch_s ?? (document.started_epoch_s ?? 0) + document.duration_s,
      run: {
        number: 1, state: document.state as RunState, started_epoch_s: document.started_epoch_s,
        ended_epoch_s: document.ended_epoch_s ?? (document.started_epoch_s ?? 0) + document.duration_s,
        host: document.host, user_count: document.user_count, user_classes: document.user_classes,
        target_user_count: asked("users") ?? 0, spawn_rate: asked("spawn_rate"),
        ends_epoch_s: runTimeS === null ? null : (document.started_epoch_s ?? 0) + runTimeS,
        max_rps: document.limits?.max_rps ?? null, shape: null, profile: null, locustfiles: document.locustfiles,
        is_distributed: false, expected_workers: 0,
      },
      fractions: this.fractions, names: this.names,
      rows: document.requests.map((row, id): WireRow => [id, ...figuresOf(row, this.fractions)]),
      total: figuresOf(document.total, this.fractions), recent: [], points: document.timeline?.points ?? [],
      marks: document.timeline?.marks ?? [], workers: [], notes: document.notes,
      counts: {
        failures: document.failures.reduce((sum, { occurrences }) => sum + occurrences, 0),
        exceptions: document.exceptions.reduce((sum, { count }) => sum + count, 0), log_warnings: 0,
      },
      verdict: document.verdict ?? null,
      generator: generator && {
        verdict: generator.verdict.sentence, is_trusted: generator.verdict.trusted,
        cpu: generator.longest_cpu_percent, late_seconds: generator.seconds_late,
        memory_bytes: generator.seconds.reduce((most, second) => Math.max(most, second.memory_bytes), 0),
      },
    };
  }
}

function keyOf(method: string, name: string): string {
  return `${method} ${name}`;
}

/** The fractions that `p50`, `p99.9` and the like stand for, in order. */
function fractionsOf({ percentiles_ms: percentiles }: DocumentRow): number[] {
  const fractions = Object.keys(percentiles).map((key) => Number((Number(key.slice(1)) / 100).toPrecision(8)));
  return fractions.sort((a, b) => a - b);
}

function labelOf(fraction: number): string {
  return `p${Number((fraction * 100).toPrecision(6))}`;
}

function figuresOf(row: DocumentRow, fractions: readonly number[]): WireFigures {
  const us = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : ms * 1000);
  return [
    row.num_requests, row.num_failures, row.total_rps, row.total_fail_per_s, us(row.avg_ms), us(row.min_ms),
    us(row.max_ms), row.avg_size_bytes, row.total_rps, row.total_fail_per_s, row.num_late,
    fractions.map((fraction) => us(row.percentiles_ms[labelOf(fraction)])),
  ];
}

function failureOf(failure: DocumentFailure): Failure {
  return { ...failure, exchanges: failure.kept_exchanges ?? [] };
}
