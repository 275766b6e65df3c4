/** All that the page knows of the run. Sources fill it; panels only read it. */

import { batch, computed, signal } from "@preact/signals";

import {
  type Counts, type Generator, type Hello, type Mark, type Name, type Point, type Row, type Run, type Tick,
  type Verdict, type Worker, TOTAL, markOf, nameOf, pointOf, rowOf, rowOfWire,
} from "./model";

export type Connection = "connecting" | "live" | "lost" | "report";

/** Seconds of requests that a sparkline shows. */
export const SPARK_SECONDS = 60;

/** What is kept of the run in time: the array is the same one all along, the wrapper is new whenever it has changed. */
export interface Course {
  points: Point[];
}

export class Store {
  readonly connection = signal<Connection>("connecting");
  readonly version = signal("");
  readonly fractions = signal<readonly number[]>([]);
  readonly run = signal<Run | null>(null);
  readonly rows = signal<readonly Row[]>([]);
  readonly total = signal<Row | null>(null);
  readonly names = signal<ReadonlyMap<number, Name>>(new Map());
  readonly course = signal<Course>({ points: [] });
  readonly marks = signal<readonly Mark[]>([]);
  readonly workers = signal<readonly Worker[]>([]);
  readonly notes = signal<readonly string[]>([]);
  readonly counts = signal<Counts>({ failures: 0, exceptions: 0, log_warnings: 0 });
  readonly generator = signal<Generator | null>(null);
  readonly verdict = signal<Verdict | null>(null);
  /** Seconds since 1970 by the server's clock, as of the last event. */
  readonly nowEpochS = signal(0);
  /** Counts up with every event: what is not a signal itself has changed. */
  readonly beat = signal(0);

  /** The point of the last whole second, or of the last stretch that there is. */
  readonly lastPoint = computed(() => this.course.value.points.at(-1) ?? null);

  /** Requests of each of the last seconds, by id. */
  private readonly recent = new Map<number, number[]>();
  private placeOf = new Map<number, number>();
  private nameMap = new Map<number, Name>();

  recentOf(id: number): readonly number[] {
    return this.recent.get(id) ?? [];
  }

  /** Begin anew with everything there is. */
  hello(hello: Hello): void {
    batch(() => {
      this.version.value = hello.version;
      this.fractions.value = hello.fractions;
      this.run.value = hello.run;
      this.nameMap = new Map(hello.names.map((each) => [each[0], nameOf(each)]));
      this.names.value = new Map(this.nameMap);
      this.recent.clear();
      for (const [id, seconds] of hello.recent) this.recent.set(id, seconds.slice(-SPARK_SECONDS));
      const rows = hello.rows.map(rowOfWire);
      this.placeOf = new Map(rows.map((row, place) => [row.id, place]));
      this.rows.value = rows;
      this.total.value = hello.total && rowOf(TOTAL, hello.total);
      this.course.value = { points: hello.points.map(pointOf) };
      this.marks.value = hello.marks.map(markOf);
      this.workers.value = hello.workers;
      this.notes.value = hello.notes;
      this.counts.value = hello.counts;
      this.generator.value = hello.generator;
      this.verdict.value = hello.verdict;
      this.nowEpochS.value = hello.now_epoch_s;
      this.beat.value++;
    });
  }

  /** Take in what has changed. */
  tick(tick: Tick): void {
    batch(() => {
      this.nowEpochS.value = tick.now_epoch_s;
      if (tick.run && this.run.value) this.run.value = { ...this.run.value, ...tick.run };
      if (tick.names?.length) this.addNames(tick.names.map(nameOf));
      this.applyRows(tick.rows?.map(rowOfWire) ?? []);
      if (tick.total) this.total.value = rowOf(TOTAL, tick.total);
      if (tick.points?.length) this.addPoints(tick.points.map(pointOf));
      if (tick.marks?.length) this.marks.value = [...this.marks.value, ...tick.marks.map(markOf)];
      if (tick.workers) this.workers.value = tick.workers;
      if (tick.notes) this.notes.value = tick.notes;
      if (tick.counts) this.counts.value = tick.counts;
      if (tick.generator !== undefined) this.generator.value = tick.generator;
      if (tick.verdict !== undefined) this.verdict.value = tick.verdict;
      this.beat.value++;
    });
  }

  private addNames(added: readonly Name[]): void {
    for (const name of added) this.nameMap.set(name.id, name);
    this.names.value = new Map(this.nameMap);
  }

  private applyRows(changed: readonly Row[]): void {
    const rows = this.rows.value.slice();
    const newRequests = new Map<number, number>();
    for (const row of changed) {
      const place = this.placeOf.get(row.id);
      newRequests.set(row.id, Math.max(row.requests - (place === undefined ? 0 : (rows[place]?.requests ?? 0)), 0));
      if (place === undefined) {
        this.placeOf.set(row.id, rows.length);
        rows.push(row);
      } else {
        rows[place] = row;
      }
    }
    if (changed.length) this.rows.value = rows;
    for (const row of rows) {
      let seconds = this.recent.get(row.id);
      if (!seconds) this.recent.set(row.id, (seconds = []));
      seconds.push(newRequests.get(row.id) ?? 0);
      if (seconds.length > SPARK_SECONDS) seconds.shift();
    }
  }

  /** A point takes the place of those that lie in it: that is how a long run is thinned out. */
  private addPoints(added: readonly Point[]): void {
    const { points } = this.course.value;
    for (const point of added) {
      let end = points.length;
      while (end > 0 && (points[end - 1]?.epochS ?? 0) >= point.epochS + point.lengthS - 0.001) end--;
      let begin = end;
      while (begin > 0 && (points[begin - 1]?.epochS ?? 0) >= point.epochS - 0.001) begin--;
      points.splice(begin, end - begin, point);
    }
    this.course.value = { points };
  }
}
