/** A small line without axes: the last minute at a glance. */

interface Props {
  values: readonly (number | null)[];
  /** How many values are a full line; fewer stand at its right end. */
  capacity: number;
  width: number;
  height: number;
  tone?: "accent" | "red" | "muted";
}

export function Sparkline({ values, capacity, width, height, tone = "accent" }: Props) {
  const d = pathOf(values, capacity, width, height);
  return (
    <svg
      class={`spark spark-${tone}`}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {d && <path class="spark-area" d={`${d.line}V${height}H${d.left}Z`} />}
      {d && <path class="spark-line" d={d.line} />}
    </svg>
  );
}

function pathOf(values: readonly (number | null)[], capacity: number, width: number, height: number) {
  if (values.length < 2) return null;
  const most = values.reduce<number>((a, b) => Math.max(a, b ?? 0), 0);
  const step = width / Math.max(capacity - 1, 1);
  const left = (width - (values.length - 1) * step).toFixed(1);
  let line = "";
  values.forEach((value, at) => {
    const x = width - (values.length - 1 - at) * step;
    const y = height - 1 - (most ? ((value ?? 0) / most) * (height - 2) : 0);
    line += `${at ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return { line, left };
}
