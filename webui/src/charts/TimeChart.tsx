/** A chart over time: lines, late seconds, marks; cursor and zoom are shared with all others of the page. */

import "uplot/dist/uPlot.min.css";

import { type ReadonlySignal, type Signal, useComputed, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { clock } from "../format";
import type { Mark } from "../model";
import { PAPER_PX, isPrinted } from "../paper";
import { colour, theme } from "../theme";
import type { Frame } from "./frame";
import type { View } from "./range";
import type { Summed } from "./summed";

/** One line. */
export interface Line {
  label: string;
  /** A colour of the theme. */
  colour: string;
  values: (frame: Frame) => (number | null)[];
  /** Whether the area below it is shaded. */
  isFilled?: boolean;
  /** Its value over a stretch of the run, and what that is called where it is not the line's own name. */
  sum: (summed: Summed) => number | null;
  sumLabel?: string;
}

/** What is drawn besides lines, below them. */
export type Painter = (plot: uPlot, frame: Frame) => void;

interface Props {
  title: string;
  lines: readonly Line[];
  frame: ReadonlySignal<Frame>;
  view: View;
  marks: ReadonlySignal<readonly Mark[]>;
  /** Which column the pointer is at, in all charts that have the same frame. */
  cursor: Signal<number | null>;
  /** What the legend tells while the pointer is nowhere. */
  summed: ReadonlySignal<Summed>;
  format: (value: number | null) => string;
  height: number;
  /** Charts with the same frame and key have their cursors in step. */
  syncKey: string;
  paint?: Painter;
  /** Smallest and largest value of a logarithmic axis. */
  logRange?: (frame: Frame) => [number, number];
  note?: string;
}

/** Numbers that an axis may have. */
const ROUND = [1, 2, 5];
const FEW_DECADES = 2.2;

/** uPlot's number for a logarithmic axis. */
const LOGARITHMIC = 3;
const FONT = "11px system-ui, sans-serif";
/** Pixels around a mark in which the pointer is at it. */
const NEAR_PX = 6;
/** As many marks are told of a moment. */
const MOST_TOLD = 3;

export function TimeChart(props: Props) {
  const { title, lines, frame, view, marks, format, height } = props;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isOnPaper = isPrinted.value;
  const shape = `${isOnPaper} ${theme.value} ${title} ${lines.map((line) => line.label).join()} ${props.logRange ? "log" : ""}`;

  // Before the browser shows anything: paper does not wait.
  useLayoutEffect(() => {
    const element = holder.current;
    if (!element) return;
    const width = isOnPaper ? PAPER_PX : element.clientWidth;
    const made = new uPlot(optionsOf(props, width), dataOf(frame.peek(), lines), element);
    plot.current = made;
    const unbind = bindPanning(made, view);
    const resizing = new ResizeObserver(() => {
      if (!isOnPaper && element.clientWidth && element.clientWidth !== made.width) {
        made.setSize({ width: element.clientWidth, height });
      }
    });
    resizing.observe(element);
    return () => {
      resizing.disconnect();
      unbind();
      made.destroy();
      plot.current = null;
    };
    // Lines, theme and height make another chart; everything else is read when it is drawn.
  }, [shape, height]);

  useSignalEffect(() => {
    // Marks are read when it is drawn; a new one is drawn at once.
    const [shown] = [frame.value, marks.value];
    plot.current?.setData(dataOf(shown, lines));
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    act(view);
    event.preventDefault();
  };
  const description = useComputed(() => describe(title, lines, frame.value, format));
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        {props.note && <span class="muted chart-note">{props.note}</span>}
        <Legend {...props} />
      </figcaption>
      <div
        ref={holder}
        class="chart-plot"
        style={{ height: `${height}px` }}
        role="img"
        aria-label={description.value}
        tabIndex={0}
        onKeyDown={onKeyDown}
      />
    </figure>
  );
}

const KEYS: Record<string, (view: View) => void> = {
  ArrowLeft: (view) => view.pan(-0.25),
  ArrowRight: (view) => view.pan(0.25),
  "+": (view) => view.zoom(0.5),
  "-": (view) => view.zoom(2),
  "0": (view) => view.showAll(),
};

/** The lines' names, with their values at the pointer or else what they come to; and the mark at the pointer. */
function Legend({ lines, frame, cursor, summed, format, marks, view }: Props) {
  const at = cursor.value;
  const { x } = frame.value;
  const place = at !== null && at < x.length ? at : x.length - 1;
  const { fromS, toS } = view.span.value;
  const here = x[place];
  const { value: sum } = summed;
  const isSum = at === null && !sum.isNewest;
  const nearS = (NEAR_PX / 1000) * (toS - fromS);
  const near = at === null || here === undefined
    ? []
    : marks.value.filter((each) => Math.abs(each.epochS - here) <= nearS);
  return (
    <span class="legend">
      {lines.length > 0 && here !== undefined && <span class="legend-time">{at === null ? sum.of : clock(here)}</span>}
      {lines.map((line) => (
        <span class="legend-entry" key={line.label}>
          <i class="swatch" style={{ background: `var(--${line.colour})` }} />
          {(isSum && line.sumLabel) || line.label}{" "}
          <b>{format(isSum ? line.sum(sum) : (line.values(frame.value)[place] ?? null))}</b>
        </span>
      ))}
      {near.slice(0, MOST_TOLD).map((mark) => (
        <span class={mark.kind === "rule" ? "legend-mark red" : "legend-mark"} key={mark.text}>{mark.text}</span>
      ))}
    </span>
  );
}

function describe(title: string, lines: readonly Line[], frame: Frame, format: Props["format"]): string {
  const parts = lines.map((line) => {
    const values = line.values(frame).filter((value): value is number => value !== null);
    if (!values.length) return `${line.label}: nothing yet`;
    const most = values.reduce((a, b) => Math.max(a, b));
    return `${line.label}: last ${format(values.at(-1) ?? null)}, highest ${format(most)}`;
  });
  return [`${title} over time.`, ...parts].join(" ");
}

function dataOf(frame: Frame, lines: readonly Line[]): uPlot.AlignedData {
  // uPlot wants a column of each, also of nothing.
  return [frame.x, ...lines.map((line) => line.values(frame))];
}

function optionsOf(props: Props, width: number): uPlot.Options {
  const { lines, frame, view, marks, cursor, format, height, syncKey, paint, logRange } = props;
  const axis = {
    stroke: colour("muted"),
    font: FONT,
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(width, 100),
    height,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: syncKey },
      points: { size: 6 },
      drag: { x: true, y: false, setScale: false },
      bind: {
        dblclick: () => () => {
          view.showAll();
          return null;
        },
        mousedown: (_, __, handler) => (event) => (event.shiftKey ? null : handler(event)),
      },
    },
    scales: {
      x: { time: true, range: () => [view.span.peek().fromS, view.span.peek().toS] },
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- its enum is of types only
      y: logRange
        ? { distr: LOGARITHMIC, range: () => logRange(frame.peek()) }
        : { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        space: 70,
        size: 28,
        incrs: TIME_STEPS_S,
        values: TIME_LABELS,
        ...(paint ? { grid: { show: false } } : {}),
      },
      {
        ...axis,
        size: 52,
        space: 28,
        values: (_, splits) => splits.map((value) => axisLabel(format(value))),
        ...(logRange
          ? {
            splits: (plot) => roundBetween(plot.scales["y"]?.min ?? 1, plot.scales["y"]?.max ?? 1),
            // uPlot's own would leave whole decades only
            filter: (_, splits) => splits,
          } satisfies uPlot.Axis
          : {}),
        ...(paint ? { grid: { show: false } } : {}),
      },
    ],
    series: [
      {},
      ...lines.map((line): uPlot.Series => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 1.5,
        points: { show: (plot: uPlot) => plot.data[0].length < 3, size: 5 },
        ...(line.isFilled ? { fill: colour(line.colour, 0.14) } : {}),
      })),
    ],
    hooks: {
      drawClear: [
        (plot) => {
          shadeWarmup(plot, marks.peek());
          shadeLate(plot, frame.peek());
          paint?.(plot, frame.peek());
        },
      ],
      draw: [(plot) => drawMarks(plot, marks.peek())],
      setCursor: [
        (plot) => {
          const at = plot.cursor.idx ?? null;
          cursor.value = (plot.cursor.left ?? -1) < 0 ? null : at;
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: chosen } = plot.select;
          if (chosen > 4) view.choose(plot.posToVal(left, "x"), plot.posToVal(left + chosen, "x"));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/** Seconds between two labels of the time axis: nothing is finer than a second. */
const TIME_STEPS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
];

/** A figure without the zeros that only tell how exact it is. */
function axisLabel(text: string): string {
  return text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** The round numbers from `least` to `most`: 1, 2, 5, 10 ..., or whole decades where that would be many. */
function roundBetween(least: number, most: number): number[] {
  const steps = Math.log10(most / least) > FEW_DECADES ? [1] : ROUND;
  const found: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(least)); decade <= most; decade *= 10) {
    found.push(...steps.map((step) => step * decade).filter((value) => value >= least && value <= most));
  }
  return found;
}

/** Hours and minutes, and what is finer or coarser where it matters: uPlot's own words are American. */
const TIME_LABELS: uPlot.Axis.Values = [
  // increment in s, default, year, month, day, hour, minute, second, mode
  [86400, "{MMM} {D}", null, null, null, null, null, null, 1],
  [60, "{HH}:{mm}", null, null, null, null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
];

/** Marks that are of another colour than all others. */
const MARK_COLOURS: Partial<Record<Mark["kind"], string>> = { warning: "amber", rule: "red" };

function shadeLate(plot: uPlot, frame: Frame): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour("amber", 0.22);
  for (const { fromS, toS } of frame.late) {
    const left = Math.max(plot.valToPos(fromS, "x", true), bbox.left);
    const right = Math.min(plot.valToPos(toS, "x", true), bbox.left + bbox.width);
    if (right > left) ctx.fillRect(left, bbox.top, Math.max(right - left, devicePixelRatio), bbox.height);
  }
  ctx.restore();
}

/** What rules do not look at. */
function shadeWarmup(plot: uPlot, marks: readonly Mark[]): void {
  const end = marks.find(({ kind }) => kind === "warmup");
  if (!end) return;
  const { ctx, bbox } = plot;
  const right = Math.min(plot.valToPos(end.epochS, "x", true), bbox.left + bbox.width);
  ctx.save();
  ctx.fillStyle = colour("muted", 0.1);
  if (right > bbox.left) ctx.fillRect(bbox.left, bbox.top, right - bbox.left, bbox.height);
  ctx.restore();
}

function drawMarks(plot: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark.epochS, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(MARK_COLOURS[mark.kind] ?? "muted");
    ctx.setLineDash(mark.kind === "rule" ? [] : [3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const size = 4 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top);
    ctx.lineTo(x + size, bbox.top);
    ctx.lineTo(x, bbox.top + size * 1.4);
    ctx.fill();
  }
  ctx.restore();
}

/** Shift and drag, or a wheel that goes sideways, moves the window; Ctrl and the wheel makes it smaller or larger. */
function bindPanning(plot: uPlot, view: View): () => void {
  const { over } = plot;
  let lastX: number | null = null;
  const onWheel = (event: WheelEvent) => {
    if (event.ctrlKey || event.metaKey) view.zoom(event.deltaY > 0 ? 1.25 : 0.8, plot.posToVal(event.offsetX, "x"));
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      view.pan((event.deltaX || event.deltaY) / over.clientWidth);
    } else return;
    event.preventDefault();
  };
  const onDown = (event: PointerEvent) => {
    if (!event.shiftKey) return;
    lastX = event.clientX;
    over.setPointerCapture(event.pointerId);
  };
  const onMove = (event: PointerEvent) => {
    if (lastX === null) return;
    const part = (lastX - event.clientX) / over.clientWidth;
    const { fromS, toS } = view.span.peek();
    // The window snaps to whole seconds: wait until it has been dragged by one.
    if (Math.abs(part) * (toS - fromS) < 1) return;
    view.pan(part);
    lastX = event.clientX;
  };
  const onUp = () => (lastX = null);
  over.addEventListener("wheel", onWheel, { passive: false });
  over.addEventListener("pointerdown", onDown);
  over.addEventListener("pointermove", onMove);
  over.addEventListener("pointerup", onUp);
  return () => {
    over.removeEventListener("wheel", onWheel);
    over.removeEventListener("pointerdown", onDown);
    over.removeEventListener("pointermove", onMove);
    over.removeEventListener("pointerup", onUp);
  };
}
