/** The figures that are always in sight: is it up, how fast is it, does something break, can I trust it? */

import type { ComponentChildren } from "preact";

import { Sparkline } from "./charts/Sparkline";
import { useDesk } from "./desk";
import { count, figure, milliseconds, percent, plural, stopwatch } from "./format";
import type { Point, Row } from "./model";

/** Seconds that the small lines look back. */
const LOOK_BACK_S = 60;
/** Percent of a core from which on the generator itself is near its end. */
const BUSY_PERCENT = 90;

interface TileProps {
  label: string;
  value: string;
  unit?: string;
  detail?: ComponentChildren;
  tone?: "red" | "amber" | undefined;
  spark?: ComponentChildren;
  onClick?: () => void;
  title?: string;
}

function Tile({ label, value, unit, detail, tone, spark, onClick, title }: TileProps) {
  const inside = (
    <>
      <span class="tile-label">{label}</span>
      <span class="tile-value">
        {value}
        {unit && <small> {unit}</small>}
      </span>
      <span class="tile-detail">{detail ?? "\u00a0"}</span>
      {spark}
    </>
  );
  const kind = `tile${tone ? ` tile-${tone}` : ""}`;
  return onClick
    ? <button type="button" class={kind} onClick={onClick} title={title}>{inside}</button>
    : <div class={kind} title={title}>{inside}</div>;
}

export function Glance() {
  const desk = useDesk();
  const { store } = desk;
  const run = store.run.value;
  const total = store.total.value;
  if (!run) return <div class="glance" aria-busy="true" />;
  const isNow = desk.goesOn.value;
  const recent = store.course.value.points.slice(-LOOK_BACK_S);
  const goTo = (tab: string) => () => (desk.tab.value = tab);
  const p95 = p95Of(total, store.fractions.value);
  return (
    <section class="glance" aria-label="The test at a glance">
      <Elapsed />
      <Tile
        label="Users"
        value={count(isNow || !run.ended_epoch_s ? run.user_count : mostUsers(store.course.value.points))}
        detail={isNow ? run.shape ? `by ${run.shape}` : `of ${count(run.target_user_count)}` : "at most"}
      />
      <Tile
        label="Requests/s"
        value={figure(total ? (isNow ? total.currentRps : total.totalRps) : null)}
        detail={total
          ? `${count(total.requests)} in all${run.max_rps === null ? "" : `, ${run.max_rps.toLocaleString("en-US")}/s at most`}` : undefined}
        spark={<Spark points={recent} value={(point) => point.requests / point.lengthS} />}
        onClick={goTo("charts")}
      />
      <Tile
        label="Failed"
        value={total ? percent(total.failures, total.requests) : "–"}
        detail={total ? isNow && total.currentFailPerS ? `${figure(total.currentFailPerS)}/s now`
          : plural(total.failures, "failure") : undefined}
        tone={total?.failures ? "red" : undefined}
        spark={total?.failures
          ? <Spark points={recent} value={(point) => point.failures / point.lengthS} tone="red" /> : undefined}
        onClick={goTo("failures")}
      />
      <Tile
        label={isNow ? "p95 now" : "p95"}
        value={milliseconds(isNow ? (store.lastPoint.value?.percentilesUs[2] ?? null) : p95)}
        unit="ms"
        detail={isNow ? `${milliseconds(p95)} ms in all` : "of all requests"}
        spark={<Spark points={recent} value={(point) => point.percentilesUs[2] ?? null} />}
        onClick={goTo("charts")}
      />
      {run.is_distributed && <WorkersTile />}
      <GeneratorTile />
    </section>
  );
}

function Elapsed() {
  const { store } = useDesk();
  const run = store.run.value;
  if (!run) return null;
  const until = run.ended_epoch_s ?? store.nowEpochS.value;
  const seconds = run.started_epoch_s === null ? 0 : until - run.started_epoch_s;
  const { started_epoch_s: fromS, ends_epoch_s: toS } = run;
  const wholeS = fromS === null || toS === null ? null : Math.round(toS - fromS);
  return (
    <div class="tile">
      <span class="tile-label">{run.ended_epoch_s ? "Took" : "Elapsed"}</span>
      {/* A run that is over took as long as everything else says, which rounds. */}
      <span class="tile-value">{stopwatch(run.ended_epoch_s ? Math.round(seconds) : seconds)}</span>
      <span class="tile-detail">{wholeS ? `of ${stopwatch(wholeS)}` : "no time limit"}</span>
      {wholeS && (
        <progress
          class="tile-progress"
          value={Math.min(seconds / wholeS, 1)}
          max={1}
          aria-label="Share of the run time that is over"
        />
      )}
    </div>
  );
}

function WorkersTile() {
  const desk = useDesk();
  const run = desk.store.run.value;
  const workers = desk.store.workers.value;
  const there = workers.filter((worker) => worker.state !== "missing").length;
  const wanted = Math.max(run?.expected_workers ?? 0, workers.length);
  return (
    <Tile
      label="Workers"
      value={wanted > there ? `${there}/${wanted}` : String(there)}
      detail={wanted > there ? `${wanted - there} not there` : "all there"}
      tone={wanted > there ? "amber" : undefined}
      onClick={() => (desk.tab.value = "workers")}
    />
  );
}

function GeneratorTile() {
  const desk = useDesk();
  const { store } = desk;
  const generator = store.generator.value;
  // What code of a locustfile logs is no trouble of the generator's.
  const warnings = store.notes.value.length;
  const late = generator?.late_seconds ?? 0;
  const isBusy = (generator?.cpu ?? 0) >= BUSY_PERCENT;
  const cpu = generator?.cpu === null || generator?.cpu === undefined ? "" : `CPU ${Math.round(generator.cpu)} %`;
  return (
    <Tile
      label="Generator"
      value={late ? `${count(late)} s late` : isBusy ? "busy" : generator ? "kept up" : "–"}
      detail={
        <>
          {cpu || (warnings ? "" : "not known")}
          {cpu && warnings > 0 && " · "}
          {warnings > 0 && <span class="amber" title={plural(warnings, "warning")}>⚠ {count(warnings)}</span>}
        </>
      }
      tone={late || isBusy ? "amber" : undefined}
      onClick={() => (desk.tab.value = desk.source.kind === "report" ? "configuration" : "logs")}
      title={generator?.verdict ?? "The generator's own health is not known"}
    />
  );
}

function Spark({ points, value, tone }: {
  points: readonly Point[];
  value: (point: Point) => number | null;
  tone?: "red";
}) {
  const values = points.map(value);
  return <Sparkline values={values} capacity={LOOK_BACK_S} width={200} height={34} {...(tone ? { tone } : {})} />;
}

function p95Of(total: Row | null, fractions: readonly number[]): number | null {
  return total?.percentilesUs[fractions.indexOf(0.95)] ?? null;
}

function mostUsers(points: readonly Point[]): number {
  return points.reduce((most, point) => Math.max(most, point.users), 0);
}
