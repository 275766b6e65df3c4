/** The whole run in a strip, and the window in it: drag to choose, drag the window to move it, or its ends. */

import type { ReadonlySignal } from "@preact/signals";
import { useRef } from "preact/hooks";

import { nearestClock } from "../format";
import type { Point } from "../model";
import { frameOf } from "./frame";
import type { Span, View } from "./range";

interface Props {
  view: View;
  course: ReadonlySignal<{ points: Point[] }>;
}

const COLUMNS = 240;
const HEIGHT = 36;
/** Pixels at the window's ends that move the end alone. */
const EDGE_PX = 7;

interface Drag {
  part: "new" | "move" | "from" | "to";
  startS: number;
  before: Span;
}

export function Minimap({ view, course }: Props) {
  const strip = useRef<HTMLDivElement>(null);
  const drag = useRef<Drag | null>(null);
  const whole = view.whole.value;
  const span = view.span.value;
  const lengthS = whole.toS - whole.fromS;
  const place = (epochS: number) => (100 * (epochS - whole.fromS)) / lengthS;
  const secondsAt = (event: PointerEvent) => {
    const box = strip.current?.getBoundingClientRect();
    return box ? whole.fromS + ((event.clientX - box.left) / box.width) * lengthS : 0;
  };

  const onPointerDown = (event: PointerEvent) => {
    const atS = secondsAt(event);
    const width = strip.current?.clientWidth ?? 1;
    const edgeS = (EDGE_PX / width) * lengthS;
    const isNarrowed = view.range.value.kind !== "all";
    const part = isNarrowed && Math.abs(atS - span.fromS) < edgeS ? "from"
      : isNarrowed && Math.abs(atS - span.toS) < edgeS ? "to"
      : isNarrowed && atS > span.fromS && atS < span.toS ? "move"
      : "new";
    drag.current = { part, startS: atS, before: span };
    strip.current?.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent) => {
    const held = drag.current;
    if (!held) return;
    const atS = Math.min(Math.max(secondsAt(event), whole.fromS), whole.toS);
    const { part, startS, before } = held;
    if (part === "new" && Math.abs(atS - startS) > lengthS / 200) view.choose(startS, atS);
    else if (part === "from") view.choose(atS, before.toS);
    else if (part === "to") view.choose(before.fromS, atS);
    else if (part === "move") {
      const byS = Math.min(Math.max(atS - startS, whole.fromS - before.fromS), whole.toS - before.toS);
      view.choose(before.fromS + byS, before.toS + byS);
    }
  };
  const onPointerUp = () => (drag.current = null);

  return (
    <div
      class="minimap"
      ref={strip}
      aria-hidden="true"
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onDblClick={() => view.showAll()}
      title="Drag to choose a window; double-click for the whole run"
    >
      <svg viewBox={`0 0 ${COLUMNS} ${HEIGHT}`} preserveAspectRatio="none">
        <path d={areaOf(course.value.points, whole)} />
      </svg>
      <div class="minimap-shade" style={{ left: 0, width: `${place(span.fromS)}%` }} />
      <div class="minimap-shade" style={{ right: 0, width: `${100 - place(span.toS)}%` }} />
      <div class="minimap-window" style={{ left: `${place(span.fromS)}%`, right: `${100 - place(span.toS)}%` }} />
      <span class="minimap-from">{nearestClock(whole.fromS)}</span>
      <span class="minimap-to">{nearestClock(whole.toS)}</span>
    </div>
  );
}

function areaOf(points: readonly Point[], whole: Span): string {
  const frame = frameOf(points, whole, COLUMNS);
  const most = frame.rps.reduce<number>((a, b) => Math.max(a, b ?? 0), 0);
  if (!most) return "";
  const x = (epochS: number) => ((COLUMNS * (epochS - whole.fromS)) / (whole.toS - whole.fromS)).toFixed(1);
  let path = "";
  frame.x.forEach((at, column) => {
    const y = HEIGHT - ((frame.rps[column] ?? 0) / most) * (HEIGHT - 2);
    path += `${column ? "L" : `M${x(at)},${HEIGHT}L`}${x(at)},${y.toFixed(1)}`;
  });
  return `${path}L${x(frame.x.at(-1) ?? 0)},${HEIGHT}Z`;
}
