/** The statistics: every name with its figures, of the whole run or of a window. */

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { Sparkline } from "../charts/Sparkline";
import { TimeChart } from "../charts/TimeChart";
import { RATE_LINES, TIME_LINES, USER_LINES } from "../charts/lines";
import { useDesk, useFailures } from "../desk";
import { count, figure, milliseconds, plural, whole } from "../format";
import type { Name, Row } from "../model";
import { preference } from "../preferences";
import { SPARK_SECONDS } from "../store";
import { type Column, columnsFor, usualColumns } from "../table/columns";
import type { FoldBy, Group } from "../table/folding";
import { GroupTimes } from "../table/groups";
import { type TableLine, linesOf } from "../table/lines";
import { type Order, filtered, named, nextOrder, sorted } from "../table/order";
import { Rows } from "../table/Rows";
import { WindowBar, WindowNote } from "../WindowBar";

const LINE_PX = 30;
const NAME_PX = 260;
const METHOD_PX = 88;
const SPARK_PX = 96;

/** The columns that somebody has chosen; null for the usual ones. */
const shownColumns = preference<readonly string[] | null>("columns", null);
const foldBy = preference<FoldBy>("fold", "nothing");
const order = preference<Order | null>("order", null);
const hasCharts = preference("statistics-charts", true);

export function Statistics() {
  const desk = useDesk();
  const { store, figures } = desk;
  const filter = useSignal("");
  const current = useSignal(-1);
  const openNames = useSignal<ReadonlySet<number>>(new Set());
  const closedGroups = useSignal<ReadonlySet<string>>(new Set());
  const filterBox = useRef<HTMLInputElement>(null);
  useFailures(openNames.value.size > 0);

  const columns = useComputed(() => columnsFor(store.fractions.value, desk.goesOn.value));
  const keys = useComputed(() => shownColumns.value ?? usualColumns(desk.usual.table));
  const shown = useComputed(() => columns.value.filter((column) => keys.value.includes(column.key)));
  const all = useComputed(() => {
    const window = figures.value;
    const names = new Map<number, Name>(store.names.value);
    for (const name of window?.names ?? []) names.set(name.id, name);
    return named(window ? window.rows : store.rows.value, names);
  });
  const matching = useComputed(() => filtered(all.value, filter.value));
  const lines = useComputed(() =>
    linesOf(sorted(matching.value, order.value, columns.value), {
      foldBy: foldBy.value,
      closedGroups: closedGroups.value,
      openNames: openNames.value,
      failures: desk.failures.value.failures,
    }));

  const toggleName = (id: number) => (openNames.value = toggled(openNames.value, id));
  const act = (line: TableLine, key: string) => {
    if (line.kind === "group") closedGroups.value = toggled(closedGroups.value, line.group.key);
    else if (line.kind === "failure") desk.tab.value = "failures";
    else if (key === "Enter") desk.openName.value = line.entry.row.id;
    else if (line.entry.row.failures && (key === " " || line.isOpen === (key === "ArrowLeft"))) {
      toggleName(line.entry.row.id);
    }
  };
  const isLive = desk.source.kind === "live";
  const hasSparks = !figures.value && isLive;
  const leading = hasSparks ? 3 : 2;
  const total = figures.value ? figures.value.total : store.total.value;
  const widths = shown.value.map(({ width }) => width);
  const minWidth = METHOD_PX + NAME_PX + (hasSparks ? SPARK_PX : 0) + widths.reduce((a, b) => a + b, 0);

  return (
    <div class="panel statistics">
      {isLive && hasCharts.value && <Strip />}
      {isLive && <WindowNote />}
      <div class="tools">
        <input
          ref={filterBox}
          id="filter"
          type="search"
          placeholder="Filter names ( / )"
          aria-label="Filter by method and name"
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") filter.value = "";
          }}
        />
        <span class="muted" role="status">
          {filter.value ? `${count(matching.value.length)} of ${plural(all.value.length, "name")}`
            : plural(all.value.length, "name")}
        </span>
        <span class="tools-gap" />
        <label>
          Fold by{" "}
          <select value={foldBy.value} onChange={(event) => (foldBy.value = event.currentTarget.value as FoldBy)}>
            <option value="nothing">nothing</option>
            <option value="method">method</option>
            <option value="path">path</option>
          </select>
        </label>
        <ColumnChoice columns={columns.value} shown={keys.value} />
        {isLive && (
          <button type="button" aria-pressed={hasCharts.value} onClick={() => (hasCharts.value = !hasCharts.value)}>
            Charts
          </button>
        )}
      </div>
      <Rows
        label="Statistics by name"
        lineHeight={LINE_PX}
        count={lines.value.length}
        columns={leading + shown.value.length}
        current={current.value}
        onCurrent={(line) => (current.value = line)}
        onAct={(at, key) => {
          const line = lines.value[at];
          if (line) act(line, key);
        }}
        minWidth={minWidth}
        widths={
          <>
            <col style={{ width: `${METHOD_PX}px` }} />
            <col />
            {hasSparks && <col style={{ width: `${SPARK_PX}px` }} />}
            {shown.value.map((column) => <col key={column.key} style={{ width: `${column.width}px` }} />)}
          </>
        }
        head={
          <tr>
            <Head label="Method" name="method" />
            <Head label="Name" name="name" />
            {hasSparks && <th scope="col" class="muted">Last min</th>}
            {shown.value.map((column) => (
              <Head key={column.key} label={column.label} name={column.key} hint={column.hint} isNumber />
            ))}
          </tr>
        }
        foot={total && (
          <tr class="total">
            <td />
            <th scope="row">All requests</th>
            {hasSparks && <td />}
            <Figures columns={shown.value} row={total} />
          </tr>
        )}
        line={(at) => {
          const line = lines.value[at];
          return line && (
            <Line
              key={line.key}
              line={line}
              columns={shown.value}
              hasSparks={hasSparks}
              isCurrent={at === current.value}
              onPick={() => {
                current.value = at;
                act(line, "Enter");
              }}
              onToggle={toggleName}
            />
          );
        }}
      />
      {all.value.length === 0 && <p class="nothing">No requests {figures.value ? "in this window" : "yet"}.</p>}
      {all.value.length > 0 && matching.value.length === 0 && <p class="nothing">No name has that in it.</p>}
    </div>
  );
}

function toggled<T>(set: ReadonlySet<T>, key: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(key)) next.add(key);
  return next;
}

/** The three most important charts, small, above the table. */
function Strip() {
  const { marks, view, frame, cursor, summed } = useDesk();
  const shared = { frame, view, cursor, summed, marks, syncKey: "run", height: 118 };
  const times = TIME_LINES.filter(({ label }) => label === "p50" || label === "p95");
  return (
    <>
      <div class="strip">
        <TimeChart {...shared} title="" lines={RATE_LINES} format={figure} />
        <TimeChart {...shared} title="" note="ms" lines={times} format={milliseconds} />
        <TimeChart {...shared} title="" lines={USER_LINES} format={whole} />
      </div>
      <WindowBar />
    </>
  );
}

function Head({ label, name, hint, isNumber }: { label: string; name: string; hint?: string; isNumber?: boolean }) {
  const isThis = order.value?.key === name;
  const direction = isThis ? (order.value?.isDescending ? "descending" : "ascending") : "none";
  return (
    <th scope="col" aria-sort={direction} class={isNumber ? "number" : ""}>
      <button type="button" class="head" title={hint} onClick={() => (order.value = nextOrder(order.value, name))}>
        {label}
        {isThis && <span class="arrow" aria-hidden="true">{direction === "descending" ? "↓" : "↑"}</span>}
      </button>
    </th>
  );
}

function Figures({ columns, row }: { columns: readonly Column[]; row: Row }) {
  return (
    <>
      {columns.map((column) => (
        <td key={column.key} class={`number ${column.tone?.(row) ?? ""}`}>
          {column.text(row)}
        </td>
      ))}
    </>
  );
}

/** The percentiles of a group are asked for as long as it is in sight, if they are shown. */
function GroupFigures({ columns, group }: { columns: readonly Column[]; group: Group }) {
  const { groups } = useDesk();
  const ids = group.rows.map(({ row }) => row.id);
  const key = GroupTimes.keyOf(ids);
  const isAskedFor = columns.some(({ isPercentile }) => isPercentile);
  useEffect(() => (isAskedFor ? groups.look(ids) : undefined), [key, isAskedFor]);
  const percentilesUs = groups.percentiles.value.get(key) ?? [];
  return <Figures columns={columns} row={{ ...group.sum, percentilesUs }} />;
}

interface LineProps {
  line: TableLine;
  columns: readonly Column[];
  hasSparks: boolean;
  isCurrent: boolean;
  onPick: () => void;
  onToggle: (id: number) => void;
}

function Line({ line, columns, hasSparks, isCurrent, onPick, onToggle }: LineProps) {
  const kind = `line line-${line.kind}${isCurrent ? " current" : ""}`;
  if (line.kind === "failure") {
    return (
      <tr class={kind} onClick={onPick}>
        <td class="number red">{count(line.failure.occurrences)}×</td>
        <td colSpan={columns.length + (hasSparks ? 2 : 1)} class="red" title={line.failure.sample}>
          {line.failure.error}
        </td>
      </tr>
    );
  }
  if (line.kind === "group") {
    const { group, isOpen } = line;
    return (
      <tr class={kind} onClick={onPick} aria-expanded={isOpen}>
        <td>{isOpen ? "▾" : "▸"}</td>
        <td>
          <b>{group.key}</b> <span class="muted">{plural(group.rows.length, "name")}</span>
        </td>
        {hasSparks && <td />}
        <GroupFigures columns={columns} group={group} />
      </tr>
    );
  }
  const { row, name } = line.entry;
  return (
    <tr class={kind} onClick={onPick}>
      <td class="method">{name.method}</td>
      <td class={line.depth ? "name indented" : "name"} title={name.name}>
        {row.failures > 0 && (
          <button
            type="button"
            class="opener red"
            tabIndex={-1}
            aria-expanded={line.isOpen}
            aria-label={`Failures of ${name.name}`}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(row.id);
            }}
          >
            {line.isOpen ? "▾" : "▸"}
          </button>
        )}
        {name.name}
      </td>
      {hasSparks && <td class="spark-cell"><LastMinute id={row.id} /></td>}
      <Figures columns={columns} row={row} />
    </tr>
  );
}

/** Moves on with every second, whether or not a figure of the row has changed. */
function LastMinute({ id }: { id: number }) {
  const { store } = useDesk();
  const values = store.beat.value ? store.recentOf(id) : [];
  return <Sparkline values={values} capacity={SPARK_SECONDS} width={84} height={20} />;
}

function ColumnChoice({ columns, shown }: { columns: readonly Column[]; shown: readonly string[] }) {
  const toggle = (key: string) => {
    shownColumns.value = shown.includes(key) ? shown.filter((each) => each !== key) : [...shown, key];
  };
  return (
    <details class="choice">
      <summary>Columns</summary>
      <div class="choice-box">
        {columns.map(({ key, label, hint }) => (
          <label key={key} title={hint}>
            <input type="checkbox" checked={shown.includes(key)} onChange={() => toggle(key)} /> {label}
          </label>
        ))}
        <button type="button" onClick={() => (shownColumns.value = null)}>As usual</button>
      </div>
    </details>
  );
}
