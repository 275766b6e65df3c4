/** A long table of which only the lines in sight are made, and all of them for paper. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { isPrinted } from "../paper";

interface Props {
  label: string;
  /** Pixels; every line is as high as any other. */
  lineHeight: number;
  count: number;
  columns: number;
  /** The line that the arrows are at; -1 for none. */
  current: number;
  onCurrent: (line: number) => void;
  /** Enter, a key that opens or closes, or a space. */
  onAct: (line: number, key: "Enter" | "ArrowLeft" | "ArrowRight" | " ") => void;
  head: ComponentChildren;
  foot?: ComponentChildren;
  widths: ComponentChildren;
  line: (at: number) => ComponentChildren;
  minWidth: number;
}

/** Lines made beyond each end of what is in sight. */
const SPARE = 6;

export function Rows(props: Props) {
  const { lineHeight, count, columns, current } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [high, setHigh] = useState(600);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const resizing = new ResizeObserver(() => setHigh(element.clientHeight));
    resizing.observe(element);
    return () => resizing.disconnect();
  }, []);

  // The current line is kept in sight, below the head and above the foot.
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || current < 0) return;
    const head = element.querySelector("thead")?.clientHeight ?? 0;
    const foot = element.querySelector("tfoot")?.clientHeight ?? 0;
    const [from, to] = [current * lineHeight, (current + 1) * lineHeight];
    if (from < element.scrollTop) element.scrollTop = from;
    else if (to > element.scrollTop + element.clientHeight - head - foot) {
      element.scrollTop = to - element.clientHeight + head + foot;
    }
  }, [current]);

  const first = isPrinted.value ? 0 : Math.max(Math.floor(top / lineHeight) - SPARE, 0);
  const last = isPrinted.value ? count : Math.min(Math.ceil((top + high) / lineHeight) + SPARE, count);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== box.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(Math.floor(high / lineHeight) - 3, 1);
    const steps: Record<string, number> = {
      ArrowDown: current + 1, ArrowUp: Math.max(current, 1) - 1, PageDown: current + page, PageUp: current - page,
      Home: 0, End: count - 1,
    };
    const next = steps[event.key];
    if (next !== undefined) props.onCurrent(Math.min(Math.max(next, 0), count - 1));
    else if (current >= 0 && ["Enter", " ", "ArrowLeft", "ArrowRight"].includes(event.key)) {
      props.onAct(current, event.key as "Enter");
    } else return;
    event.preventDefault();
  };
  return (
    <div
      class="rows"
      ref={box}
      tabIndex={0}
      role="group"
      aria-label={props.label}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      <table aria-rowcount={count + 1} style={{ minWidth: `${props.minWidth}px` }}>
        <colgroup>{props.widths}</colgroup>
        <thead>{props.head}</thead>
        <tbody>
          {first > 0 && <Space columns={columns} height={first * lineHeight} />}
          {Array.from({ length: Math.max(last - first, 0) }, (_, at) => props.line(first + at))}
          {last < count && <Space columns={columns} height={(count - last) * lineHeight} />}
        </tbody>
        {props.foot && <tfoot>{props.foot}</tfoot>}
      </table>
    </div>
  );
}

function Space({ columns, height }: { columns: number; height: number }) {
  return (
    <tr class="rows-space" aria-hidden="true">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  );
}
