/** The heat map: how many response times of each column lie in each cell, stronger where there are more. */

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
  const { least, most } = extentOf(frame);
  return most < least ? [lowerUs(36), lowerUs(48)] : [lowerUs(least - 1), lowerUs(most + 2)];
}

/** The least that a cell with anything in it is coloured. */
const FAINTEST = 0.14;

/** Paint the cells below a chart whose axis is logarithmic and in microseconds. */
export function paintHeat(plot: uPlot, frame: Frame): void {
  const { ctx, bbox } = plot;
  const image = imageOf(frame);
  if (!image) return;
  // Every cell is as high as any other, on an axis of octaves.
  const zero = plot.valToPos(1, "y", true);
  const high = zero - plot.valToPos(lowerUs(1), "y", true);
  const top = zero - (image.least + image.canvas.height) * high;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.imageSmoothingEnabled = false;
  frame.lengthS.forEach((lengthS, column) => {
    if (!lengthS) return;
    const beginS = (frame.x[column] ?? 0) - lengthS / 2;
    // Whole pixels that meet: where columns overlapped they would be stronger.
    const left = Math.round(plot.valToPos(beginS, "x", true));
    const wide = Math.max(Math.round(plot.valToPos(beginS + lengthS, "x", true)) - left, 1);
    ctx.drawImage(image.canvas, column, 0, 1, image.canvas.height, left, top, wide, image.canvas.height * high);
  });
  ctx.restore();
}

/** A pixel for each column and cell: painting thousands of rectangles one by one takes too long. */
function imageOf(frame: Frame): { canvas: HTMLCanvasElement; least: number } | null {
  const { least, most, densest } = extentOf(frame);
  if (!densest) return null;
  const [columns, rows] = [frame.x.length, most - least + 1];
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const pixels = new ImageData(columns, rows);
  const [red, green, blue] = channels(colour("heat"));
  frame.cells.forEach((cells, column) => {
    for (let at = 0; at + 1 < cells.length; at += 2) {
      const place = 4 * ((most - (cells[at] ?? 0)) * columns + column);
      // The root brings out what is rare: that is what one looks for.
      const share = Math.sqrt((cells[at + 1] ?? 0) / (frame.lengthS[column] ?? 1) / densest);
      pixels.data.set([red, green, blue, 255 * (FAINTEST + (1 - FAINTEST) * share)], place);
    }
  });
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return { canvas, least };
}

/** The lowest and the highest cell with anything in it, and the most that one has in a second. */
function extentOf(frame: Frame): { least: number; most: number; densest: number } {
  let [least, most, densest] = [Infinity, -Infinity, 0];
  frame.cells.forEach((cells, column) => {
    const lengthS = frame.lengthS[column] ?? 1;
    for (let at = 0; at + 1 < cells.length; at += 2) {
      least = Math.min(least, cells[at] ?? 0);
      most = Math.max(most, cells[at] ?? 0);
      densest = Math.max(densest, (cells[at + 1] ?? 0) / lengthS);
    }
  });
  return { least, most, densest };
}
