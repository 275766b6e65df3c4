/** The lines of the page's charts. */

import { percentileLabel } from "../format";
import { POINT_FRACTIONS } from "../model";
import type { Frame } from "./frame";
import type { Summed } from "./summed";
import type { Line } from "./TimeChart";

export const RATE_LINES: readonly Line[] = [
  {
    label: "Requests/s", colour: "accent", values: (frame) => frame.rps, isFilled: true,
    sum: ({ requestsPerS }) => requestsPerS,
  },
  {
    label: "Failures/s", colour: "red", values: (frame) => frame.failPerS, isFilled: true,
    sum: ({ failuresPerS }) => failuresPerS,
  },
];

export const USER_LINES: readonly Line[] = [
  {
    label: "Users", colour: "ink-soft", values: (frame) => frame.users, isFilled: true, sumLabel: "Most users",
    sum: ({ mostUsers }) => mostUsers,
  },
];

/** A line for each of a point's percentiles, the same hue from strong to faint. */
export const TIME_LINES: readonly Line[] = POINT_FRACTIONS.map((fraction, which) => ({
  label: percentileLabel(fraction),
  colour: `times-${which}`,
  values: (frame: Frame) => frame.percentilesUs[which] ?? [],
  sum: ({ row, fractions }: Summed) =>
    (fraction === 1 ? row?.maxUs : row?.percentilesUs[fractions.indexOf(fraction)]) ?? null,
}));
