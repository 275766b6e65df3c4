/** The course of the run: rates, response times, users and the heat map, on one axis of time. */

import { TimeChart } from "../charts/TimeChart";
import { heatRange, paintHeat } from "../charts/heat";
import { RATE_LINES, TIME_LINES, USER_LINES } from "../charts/lines";
import { useDesk } from "../desk";
import { figure, milliseconds, percentileLabel, whole } from "../format";
import { POINT_FRACTIONS } from "../model";
import { preference } from "../preferences";
import { WindowBar, WindowNote } from "../WindowBar";

/** The percentiles that somebody has chosen; null for the usual ones. */
const shownTimes = preference<readonly string[] | null>("chart-percentiles", null);
const isLogarithmic = preference("chart-log", false);

export function Charts() {
  const desk = useDesk();
  const { marks, view, frame, cursor, summed } = desk;
  const shared = { frame, view, cursor, summed, marks, syncKey: "run" };
  const shown = shownTimes.value ?? desk.usual.chart.map(percentileLabel);
  const times = TIME_LINES.filter((line) => shown.includes(line.label));
  const toggle = (label: string) =>
    (shownTimes.value = shown.includes(label) ? shown.filter((each) => each !== label) : [...shown, label]);
  return (
    <div class="panel">
      <WindowBar />
      <WindowNote />
      <TimeChart {...shared} title="Requests" lines={RATE_LINES} format={figure} height={190} />
      <div class="chart-choice" role="group" aria-label="Percentiles that are drawn">
        {POINT_FRACTIONS.map(percentileLabel).map((label) => (
          <label key={label}>
            <input type="checkbox" checked={shown.includes(label)} onChange={() => toggle(label)} /> {label}
          </label>
        ))}
        <label>
          <input
            type="checkbox"
            checked={isLogarithmic.value}
            onChange={() => (isLogarithmic.value = !isLogarithmic.value)}
          /> logarithmic
        </label>
      </div>
      <TimeChart
        {...shared}
        title="Response times"
        note="ms"
        lines={times}
        format={milliseconds}
        height={210}
        {...(isLogarithmic.value ? { logRange: heatRange } : {})}
      />
      <TimeChart
        {...shared}
        title="Where response times lie"
        note="ms, stronger where there are more"
        lines={[]}
        format={milliseconds}
        height={210}
        paint={paintHeat}
        logRange={heatRange}
      />
      <TimeChart {...shared} title="Users" lines={USER_LINES} format={whole} height={130} />
      <p class="muted help">
        Drag to choose a window, Shift and drag to move it, double-click for the whole run. Red lines: rules that broke.
        Grey: the warm-up. Amber: seconds in which the generator itself was late. Where one column stands for several
        seconds, percentiles are those of the worst.
      </p>
    </div>
  );
}
