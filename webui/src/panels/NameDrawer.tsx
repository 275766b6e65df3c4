/** One name by itself: its figures, its own charts, its failures. */

import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { frameOf } from "../charts/frame";
import { TimeChart } from "../charts/TimeChart";
import { heatRange, paintHeat } from "../charts/heat";
import { RATE_LINES, TIME_LINES } from "../charts/lines";
import { useDesk, useFailures } from "../desk";
import { bytes, count, figure, milliseconds, percent, percentileLabel } from "../format";
import type { Point, Row } from "../model";
import { FailureList } from "./Failures";

/** Ticks between two looks at a name's own course while the test goes on. */
const TICKS_BETWEEN = 2;

export function NameDrawer() {
  const { openName } = useDesk();
  return openName.value === null ? null : <Drawer key={openName.value} id={openName.value} />;
}

function Drawer({ id }: { id: number }) {
  const desk = useDesk();
  const { store, view, source } = desk;
  const points = useSignal<readonly Point[]>([]);
  const cursor = useSignal<number | null>(null);
  const openFailure = useSignal<string | null>(null);
  const box = useRef<HTMLElement>(null);
  const lastAsked = useRef({ beat: -Infinity, span: "" });
  useFailures();

  useSignalEffect(() => {
    const { fromS, toS } = view.span.value;
    const beat = store.beat.value;
    const span = view.range.value.kind === "window" ? `${fromS} ${toS}` : view.range.value.kind;
    if (span === lastAsked.current.span && beat - lastAsked.current.beat < TICKS_BETWEEN) return;
    lastAsked.current = { beat, span };
    void desk.attempt(async () => {
      points.value = await source.series(id, fromS, toS);
    });
  });
  useEffect(() => {
    const before = document.activeElement;
    box.current?.focus();
    return () => (before instanceof HTMLElement ? before.focus() : undefined);
  }, []);

  const frame = useComputed(() => frameOf(points.value, view.span.value));
  const name = store.names.value.get(id) ?? desk.figures.value?.names.find((each) => each.id === id);
  const rows = desk.figures.value ? desk.figures.value.rows : store.rows.value;
  const row = rows.find((each) => each.id === id);
  const failures = desk.failures.value.failures.filter(
    (each) => each.method === name?.method && each.name === name.name,
  );
  const summed = useComputed(() => {
    const rowIn = (rows: readonly Row[] | undefined) => rows?.find((each) => each.id === id) ?? null;
    return desk.summedOf(rowIn(store.rows.value), rowIn(desk.figures.value?.rows));
  });
  const shared = { frame, view, cursor, summed, marks: desk.marks, syncKey: "name" };
  const close = () => (desk.openName.value = null);
  return (
    <aside
      class="drawer"
      ref={box}
      tabIndex={-1}
      role="dialog"
      aria-label={`${name?.method ?? ""} ${name?.name ?? ""}`}
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <header>
        <h2><span class="method">{name?.method}</span> <span class="break">{name?.name}</span></h2>
        <button type="button" class="quiet icon" onClick={close} aria-label="Close" title="Close (Esc)">✕</button>
      </header>
      {row && <Facts row={row} isNow={desk.goesOn.value && !desk.figures.value} fractions={store.fractions.value} />}
      <TimeChart {...shared} title="Requests" lines={RATE_LINES} format={figure} height={150} />
      <TimeChart {...shared} title="Response times" note="ms" lines={DRAWER_TIMES} format={milliseconds} height={170} />
      <TimeChart
        {...shared}
        title="Where they lie"
        note="ms"
        lines={[]}
        format={milliseconds}
        height={150}
        paint={paintHeat}
        logRange={heatRange}
      />
      {failures.length > 0 && <FailureList failures={failures} open={openFailure} />}
    </aside>
  );
}

const DRAWER_TIMES = TIME_LINES.filter(({ label }) => label !== "p90" && label !== "max");

function Facts({ row, isNow, fractions }: { row: Row; isNow: boolean; fractions: readonly number[] }) {
  const facts: [string, string][] = [
    ["Requests", count(row.requests)],
    ["Failed", `${count(row.failures)} (${percent(row.failures, row.requests)})`],
    isNow ? ["Req/s now", figure(row.currentRps)] : ["Req/s", figure(row.totalRps)],
    ["Average", `${milliseconds(row.avgUs)} ms`],
    ["Shortest", `${milliseconds(row.minUs)} ms`],
    ["Longest", `${milliseconds(row.maxUs)} ms`],
    ["Size", bytes(row.avgSizeBytes)],
    ...fractions.flatMap((fraction, place): [string, string][] =>
      fraction < 1 ? [[percentileLabel(fraction), `${milliseconds(row.percentilesUs[place] ?? null)} ms`]] : []),
  ];
  return (
    <dl class="facts">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
