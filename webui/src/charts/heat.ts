/** The heat map's colours: how many response times of each column lie in each cell, darker where there are more. */

import type uPlot from "uplot";

import { channels, colour } from "../theme";
import type { Frame } from "./frame";

/** Cells to the octave. */
const CELLS = 4;

export function lowerUs(cell: number): number {
  return 2 ** (cell / CELLS);
}

/** Response times of a frame from the first cell to the last, with a cell of room. */
export function heatRange(frame: Frame): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const cells of frame.cells) {
    for (let at = 0; at < cells.length; at += 2) {
      const cell = cells[at] ?? 0;
      least = Math.min(least, cell);
      most = Math.max(most, cell);
    }
  }
  return most < least ? [lowerUs(36), lowerUs(48)] : [lowerUs(least - 1), lowerUs(most + 2)];
}

/** Paint the cells below a chart whose axis is logarithmic and in microseconds. */
export function paintHeat(plot: uPlot, frame: Frame): void {
  const { ctx, bbox } = plot;
  const most = largestDensity(frame);
  if (!most) return;
  const shades = shadesOf(colour("surface"), colour("heat"));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  // From the bottom up: every cell is as high as any other, on an axis of octaves.
  const zero = plot.valToPos(1, "y", true);
  const high = zero - plot.valToPos(lowerUs(1), "y", true);
  frame.cells.forEach((cells, column) => {
    const lengthS = frame.lengthS[column] ?? 0;
    const beginS = (frame.x[column] ?? 0) - lengthS / 2;
    const left = Math.floor(plot.valToPos(beginS, "x", true));
    const wide = Math.max(Math.ceil(plot.valToPos(beginS + lengthS, "x", true)) - left, 1);
    for (let at = 0; at + 1 < cells.length; at += 2) {
      const density = (cells[at + 1] ?? 0) / lengthS;
      // The root brings out what is rare: that is what one looks for.
      const shade = Math.ceil(Math.sqrt(density / most) * (shades.length - 1));
      ctx.fillStyle = shades[shade] ?? "";
      const bottom = zero - (cells[at] ?? 0) * high;
      ctx.fillRect(left, Math.floor(bottom - high), wide, Math.ceil(high));
    }
  });
  ctx.restore();
}

function largestDensity(frame: Frame): number {
  let most = 0;
  frame.cells.forEach((cells, column) => {
    const lengthS = frame.lengthS[column] ?? 0;
    for (let at = 1; at < cells.length; at += 2) most = Math.max(most, (cells[at] ?? 0) / lengthS);
  });
  return most;
}

const SHADES = 24;
/** The least that a cell with anything in it is coloured. */
const FAINTEST = 0.14;

function shadesOf(ground: string, ink: string): string[] {
  const [from, to] = [channels(ground), channels(ink)];
  return Array.from({ length: SHADES }, (_, shade) => {
    const part = FAINTEST + (1 - FAINTEST) * (shade / (SHADES - 1));
    const [r, g, b] = from.map((value, which) => Math.round(value + ((to[which] ?? 0) - value) * part));
    return `rgb(${r}, ${g}, ${b})`;
  });
}
